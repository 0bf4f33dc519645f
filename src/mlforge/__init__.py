"""From raw data to a trusted, fast, watched and replaceable model, by declaring it."""

__version__ = "0.1.0"
__all__ = ["__version__"]
