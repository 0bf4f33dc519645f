"""The stages, one module each, with named and typed ports."""
