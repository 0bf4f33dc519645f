"""Fully sharded data parallelism: each process keeps a share of the weights, and gathers a layer's when it computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlforge.errors import RecipeError

if TYPE_CHECKING:
    import torch

    from mlforge.builtin.trainers.lightning import Precision

__all__ = ["Sharding"]


class Sharding(BaseModel):
    """How `strategy: fsdp` shards a network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wrap: tuple[str, ...] = Field(
        default=(), description="classes of layers that are sharded and gathered one by one; none: the layers that the network has in lists"
    )
    gather_again: bool = Field(
        default=True, description="drop a layer's weights after the forward pass and gather them again on the way back: less memory, more talk"
    )
    full_sums: bool = Field(default=True, description="sum gradients over the processes in 32 bits even where layers compute in 16")
    checkpoints: Literal["full", "sharded"] = Field(
        default="full",
        description="full: one process writes what it gathers from all; sharded: each writes its share, for networks that no machine holds",
    )
    offload: bool = Field(default=False, description="keep shares in the machine's memory instead of the GPU's: fits more, runs slower")

    def shard(self, network: torch.nn.Module, mesh: Any, precision: Precision) -> None:
        """Shard a network over a mesh of processes."""
        import torch
        from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, OffloadPolicy, fully_shard

        from mlforge.builtin.trainers.units import units

        layers = units(network, self.wrap, "trainer.sharding.wrap")
        if any(parameter.numel() == 0 for parameter in network.parameters()):
            raise RecipeError("trainer.strategy: fsdp cannot shard a network with empty weights", hint="Choose trainer.strategy=ddp.")
        half = torch.bfloat16 if precision == "bf16-mixed" else None
        mixed = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32 if half and self.full_sums else half)
        given: dict[str, Any] = {"mesh": mesh, "mp_policy": mixed, "reshard_after_forward": self.gather_again}
        given["offload_policy"] = CPUOffloadPolicy() if self.offload and mesh.device_type != "cpu" else OffloadPolicy()
        for layer in layers:
            fully_shard(layer, **given)
        fully_shard(network, **given)
