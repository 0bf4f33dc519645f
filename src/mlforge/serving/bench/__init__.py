"""Load for a server, and how long its answers take."""
