"""The transforms that come with mlforge."""
