"""For tests of plugins, and of mlforge: the project fixture."""
