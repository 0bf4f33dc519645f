"""Who gets in, and with how much: keys, limits, and where a server may listen."""
