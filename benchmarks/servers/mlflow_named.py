"""An MLflow model over raw rows by name: pyfunc, with pandas."""

import sys
from pathlib import Path

import mlflow.pyfunc


class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        import asked

        self.asked = asked

    def predict(self, context, model_input, params=None):
        prediction, probability = self.asked.frame(model_input)
        return {"predictions": prediction.tolist(), "probabilities": probability.tolist()}


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[1], python_model=Model(), code_paths=[str(Path(__file__).with_name("asked.py"))])
