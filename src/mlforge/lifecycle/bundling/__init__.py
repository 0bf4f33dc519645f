"""From a trained model to the bundle that ships: one graph, held against the model, made smaller, its line drawn."""
