"""MLServer over a tensor of floats, and over one tensor a column, which pandas puts together."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Floats(MLModel):
    async def load(self) -> bool:
        import asked

        self.asked = asked
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        output = self.asked.floats(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("p", output)])


class Named(Floats):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        prediction, probability = self.asked.frame(PandasCodec.decode_request(payload))
        outputs = [StringCodec.encode_output("prediction", prediction.tolist()), NumpyCodec.encode_output("probability", np.asarray(probability))]
        return InferenceResponse(model_name=self.name, outputs=outputs)
