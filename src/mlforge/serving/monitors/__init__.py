"""Monitors in a server: workers count what they answer, beside the requests' way; one process puts the counts together, judges windows and keeps them."""
