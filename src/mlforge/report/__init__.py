"""Pages and lines rendered from findings."""
