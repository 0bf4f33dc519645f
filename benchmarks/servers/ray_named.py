"""Ray Serve over raw rows by name, its limit of ongoing requests raised."""

import os
import sys
from pathlib import Path

import ray
from ray import serve

HERE = str(Path(__file__).parent)


@serve.deployment(num_replicas=1, max_ongoing_requests=100)
class Model:
    def __init__(self):
        sys.path.insert(0, HERE)
        import asked

        self.asked = asked

    async def __call__(self, request):
        prediction, probability = self.asked.named((await request.json())["rows"])
        return {"predictions": prediction.tolist(), "probabilities": probability.tolist()}


if __name__ == "__main__":
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=200_000_000, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Model.bind(), route_prefix="/predict", blocking=True)
