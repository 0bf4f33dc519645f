"""The messages of both services, as classes.

They are made from their description rather than by generated code: that would put them into protobuf's one pool for all, where a process that also
imports `tritonclient` or `mlserver` has messages of the same names; and it would tie mlforge to the version of protobuf that generated it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["HEALTH", "INFERENCE", "message", "methods"]

INFERENCE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    described = descriptor_pb2.FileDescriptorSet.FromString((files("mlforge.serving.grpc") / "messages.binpb").read_bytes())
    for file in described.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


@cache
def message(name: str) -> Any:
    """The class of a message, such as "inference.ModelInferRequest"."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


def methods(service: str) -> dict[str, tuple[Any, Any, bool]]:
    """Of each method of a service: its request, its response, and whether it answers with a stream."""
    described = _pool().FindServiceByName(service)
    return {method.name: (message(method.input_type.full_name), message(method.output_type.full_name), method.server_streaming) for method in described.methods}
