"""A model as a container: what `mlforge package` writes."""
