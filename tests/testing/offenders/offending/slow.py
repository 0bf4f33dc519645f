"""Takes its time to be imported."""

from offending.general import Fine

TABLE = [number**2 for number in range(2_000_000)]  # computed on the way in


class Slow(Fine):
    """Slow to import."""
