"""A network's weights and its optimisers' state, taken out and put back, also where ranks hold shares of them. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, get_optimizer_state_dict, set_optimizer_state_dict
from torch.distributed.tensor import DTensor

from mlforge.builtin.trainers.tree import State

__all__ = ["Weights"]

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)  # on rank 0; the others get nothing
_SHARES = StateDictOptions(cpu_offload=True)


class Weights:
    """Of one network under one trainer. What is taken out another number of ranks can take up: it is whole, or each rank's share that knows of what."""

    of_trainer: ClassVar[tuple[str, ...]] = ("optimisers", "schedulers", "precision", "callbacks")
    """The parts of a checkpoint that belong to Lightning's trainer."""

    def __init__(self, network: torch.nn.Module, *, sharded: bool, shares: bool = False) -> None:
        self._known = frozenset(network.state_dict())  # layers that compute in 8 bits keep a state of their own besides, which no other network takes up
        self.network, self.sharded, self._options = network, sharded, _SHARES if shares else _WHOLE

    def all(self) -> dict[str, torch.Tensor]:
        """Every weight and buffer by name; collective where they are sharded."""
        whole: Mapping[str, Any] = get_model_state_dict(self.network, options=self._options) if self.sharded else self.network.state_dict()
        return {name: tensor for name, tensor in whole.items() if name in self._known or not name.endswith("_extra_state")}

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put them back: whole ones before the network is sharded, shares afterwards."""
        self.network.load_state_dict(dict(tensors))

    def optimisers(self, trainer: Any) -> dict[str, State]:
        """What the trainer holds besides the weights; collective where they are sharded."""
        states = [get_optimizer_state_dict(self.network, one, options=self._options) if self.sharded else one.state_dict() for one in trainer.optimizers]
        return {
            "optimisers": states,
            "schedulers": [config.scheduler.state_dict() for config in trainer.lr_scheduler_configs],
            "precision": trainer.precision_plugin.state_dict(),
            "callbacks": {callback.state_key: callback.state_dict() for callback in trainer.callbacks},
        }

    def load_optimisers(self, trainer: Any, state: Mapping[str, State]) -> None:
        """Put that back, when the trainer has made its optimisers."""
        for optimiser, kept in zip(trainer.optimizers, state["optimisers"], strict=True):
            if self.sharded or _named(kept):
                named = kept if _named(kept) else _with_names(kept, optimiser, self.network)
                set_optimizer_state_dict(self.network, optimiser, named, options=StateDictOptions(full_state_dict=not _in_shares(kept)))
            else:
                optimiser.load_state_dict(kept)
        for config, kept in zip(trainer.lr_scheduler_configs, state["schedulers"], strict=True):
            config.scheduler.load_state_dict(kept)
        trainer.precision_plugin.load_state_dict(state["precision"])
        for callback in trainer.callbacks:
            if callback.state_key in state["callbacks"]:
                callback.load_state_dict(state["callbacks"][callback.state_key])


def _named(state: State) -> bool:
    """Does it know weights by their names, as ranks with shares leave it, or by their numbers, as an optimiser of its own does."""
    return any(isinstance(weight, str) for group in state["param_groups"] for weight in group["params"])


def _with_names(state: State, optimiser: torch.optim.Optimizer, network: torch.nn.Module) -> State:
    """The same, with names in the place of numbers, which go through the groups."""
    names = {id(weight): name for name, weight in network.named_parameters()}
    ordered = [names[id(weight)] for group in optimiser.param_groups for weight in group["params"]]
    groups = [{**group, "params": [ordered[number] for number in group["params"]]} for group in state["param_groups"]]
    return {"state": {ordered[number]: one for number, one in state["state"].items()}, "param_groups": groups}


def _in_shares(state: State) -> bool:
    return any(isinstance(tensor, DTensor) for one in state["state"].values() for tensor in one.values())
