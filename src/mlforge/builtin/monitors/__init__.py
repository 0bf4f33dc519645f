"""Monitors: probes that hold live windows against a reference."""
