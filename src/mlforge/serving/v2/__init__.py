"""The Open Inference Protocol, version 2, over HTTP: what KServe, Triton, MLServer and their clients speak.

The protocol: https://github.com/kserve/open-inference-protocol (commit d49cc23); binary tensors: Triton's extension `binary_tensor_data`.
"""
