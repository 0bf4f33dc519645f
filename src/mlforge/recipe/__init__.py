"""Composing and checking recipes; the only place that imports hydra."""
