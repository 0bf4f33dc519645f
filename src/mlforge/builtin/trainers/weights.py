"""A network's weights and its optimisers' state, taken out whole and put back, also where ranks hold shares of them. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, get_optimizer_state_dict, set_optimizer_state_dict

from mlforge.builtin.trainers.tree import State

__all__ = ["Weights"]

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)  # on rank 0; the others get nothing


class Weights:
    """Of one network under one trainer. What is taken out is whole, so that another number of ranks can take it up."""

    of_trainer: ClassVar[tuple[str, ...]] = ("optimisers", "schedulers", "precision", "callbacks")
    """The parts of a checkpoint that belong to Lightning's trainer."""

    def __init__(self, network: torch.nn.Module, *, sharded: bool) -> None:
        self.network, self.sharded = network, sharded

    def all(self) -> dict[str, torch.Tensor]:
        """Every weight and buffer by name; collective where they are sharded."""
        whole: Mapping[str, Any] = get_model_state_dict(self.network, options=_WHOLE) if self.sharded else self.network.state_dict()
        return dict(whole)

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put them back, before the network is given to the trainer."""
        self.network.load_state_dict(dict(tensors))

    def optimisers(self, trainer: Any) -> dict[str, State]:
        """What the trainer holds besides the weights; collective where they are sharded."""
        states = [get_optimizer_state_dict(self.network, one, options=_WHOLE) if self.sharded else one.state_dict() for one in trainer.optimizers]
        return {
            "optimisers": states,
            "schedulers": [config.scheduler.state_dict() for config in trainer.lr_scheduler_configs],
            "precision": trainer.precision_plugin.state_dict(),
            "callbacks": {callback.state_key: callback.state_dict() for callback in trainer.callbacks},
        }

    def load_optimisers(self, trainer: Any, state: Mapping[str, State]) -> None:
        """Put that back, when the trainer has made its optimisers."""
        for optimiser, kept in zip(trainer.optimizers, state["optimisers"], strict=True):
            if self.sharded:
                set_optimizer_state_dict(self.network, optimiser, kept, options=StateDictOptions(full_state_dict=True))
            else:
                optimiser.load_state_dict(kept)
        for config, kept in zip(trainer.lr_scheduler_configs, state["schedulers"], strict=True):
            config.scheduler.load_state_dict(kept)
        trainer.precision_plugin.load_state_dict(state["precision"])
        for callback in trainer.callbacks:
            if callback.state_key in state["callbacks"]:
                callback.load_state_dict(state["callbacks"][callback.state_key])
