"""The sources that come with mlforge."""
