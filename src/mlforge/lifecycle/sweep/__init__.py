"""A search over overrides: what to try, running the trials, and what is kept of each."""
