"""LitServe over raw rows by name."""

import sys

import litserve


class Model(litserve.LitAPI):
    def setup(self, device):
        import asked

        self.asked = asked

    def decode_request(self, request):
        return request["rows"]

    def predict(self, rows):
        return self.asked.named(rows)

    def encode_response(self, output):
        prediction, probability = output
        return {"predictions": prediction.tolist(), "probabilities": probability.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="warning")
