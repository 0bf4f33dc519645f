"""One fit as plain files, so that other processes can take part in it."""
