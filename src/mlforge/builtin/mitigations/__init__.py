"""The mitigations that come with mlforge."""
