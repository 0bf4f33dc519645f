"""An MLflow model over a tensor of floats: its own ONNX flavour."""

import os
import sys

import mlflow.onnx
import onnx

if __name__ == "__main__":
    options = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}  # by default onnxruntime pins its threads to every core
    mlflow.onnx.save_model(onnx.load(os.environ["BENCH_ONNX"]), sys.argv[1], onnx_session_options=options)
