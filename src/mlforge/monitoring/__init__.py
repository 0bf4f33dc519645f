"""Live windows: cut from any source, held against what the model was built with, kept, and told."""
