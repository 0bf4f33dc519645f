"""Artifacts, records, the registry and the audit log."""
