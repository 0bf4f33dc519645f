"""The Open Inference Protocol, version 2, over gRPC, and gRPC's own health service.

`messages.binpb` describes the messages: it is made from the two `.proto` files beside it, the first as the protocol gives it (commit d49cc23), by

    python -m grpc_tools.protoc -I. --descriptor_set_out=messages.binpb open_inference_grpc.proto health.proto
"""
