"""Monitors in a server: workers profile the rows that they answer, off the request path; one process merges the profiles, judges windows and stores them."""
