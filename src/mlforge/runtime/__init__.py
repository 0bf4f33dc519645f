"""The bundle and its predictor: all that a serving machine needs of a model."""
