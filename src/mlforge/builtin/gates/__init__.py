"""The gates that come with mlforge."""
