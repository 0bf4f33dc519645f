"""The exporters that come with mlforge."""
