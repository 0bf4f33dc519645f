"""The probes that come with mlforge: checks and evaluators."""
