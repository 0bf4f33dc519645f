"""The clusters that come with mlforge: places where a fit runs."""
