"""BentoML over raw rows by name."""

import bentoml


@bentoml.service(workers=1)
class Model:
    def __init__(self):
        import asked

        self.asked = asked

    @bentoml.api
    def predict(self, rows: list[dict]) -> dict:
        prediction, probability = self.asked.named(rows)
        return {"predictions": prediction.tolist(), "probabilities": probability.tolist()}
