"""The splitters that come with mlforge."""
