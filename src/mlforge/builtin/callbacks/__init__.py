"""What can be called while a network is fitted."""
