"""Built-in protections of personal data."""
