"""The models that come with mlforge."""
