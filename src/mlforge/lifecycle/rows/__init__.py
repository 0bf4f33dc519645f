"""Rows on their way into a run: taken in, refused with reasons, counted, kept, and laid out as arrays."""
