"""Access control: API keys, limits of requests, and where a server may listen."""
