"""What a run takes, and what keeps it within its limits."""
