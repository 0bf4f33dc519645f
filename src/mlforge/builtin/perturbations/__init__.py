"""Ways in which values change in the world, for behaviour tests."""
