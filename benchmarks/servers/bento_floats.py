"""BentoML over a tensor of floats."""

import bentoml
import numpy as np


@bentoml.service(workers=1)
class Model:
    def __init__(self):
        import asked

        self.asked = asked

    @bentoml.api
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return self.asked.floats(inputs)
