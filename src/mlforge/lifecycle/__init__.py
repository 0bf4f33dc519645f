"""Planning, running and continuing a recipe's stages."""
