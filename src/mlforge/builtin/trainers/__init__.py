"""The trainers that come with mlforge."""
