"""Searches over overrides."""
