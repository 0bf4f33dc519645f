"""Taking neurons out of a network while it learns. Only `Pruner` needs torch, and imports it when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.artifact import Block
from mlforge.errors import RecipeError
from mlforge.units import Share

if TYPE_CHECKING:
    import torch

__all__ = ["Prune", "Pruner"]


class Prune(BaseModel):
    """Structured pruning: whole neurons go, so that what ships is smaller and faster on any machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: Share = Field(gt=0, lt=1, description="share of every hidden layer's neurons that are gone in the end")
    begin: Share = Field(default=0.2, description="share of the steps after which the first ones go: the least important")
    end: Share = Field(default=0.6, gt=0, description="share of the steps after which all have gone; those that stay learn on, and are judged from then on")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.begin < self.end < 1:
            raise ValueError("begin must be before end, and end before 1: those that stay have to learn on")
        return self

    def gone(self, done: int, total: int) -> float:
        """Share of the neurons that are gone after so many steps: many at first, then fewer (Zhu and Gupta, 2017)."""
        passed = min(max((done / total - self.begin) / (self.end - self.begin), 0.0), 1.0)
        return self.share * (1 - (1 - passed) ** 3)

    def finished(self, done: int, total: int) -> bool:
        """Have all gone that are to go."""
        return done / total >= self.end


class Pruner:
    """Silences neurons of one network; which ones follows from its weights, so that a fit that is continued goes on alike."""

    def __init__(self, settings: Prune, network: torch.nn.Module, blocks: tuple[Block, ...]) -> None:
        from mlforge.builtin.neurons import hidden_layers

        self.settings, self.network = settings, network
        self.layers = hidden_layers(network, blocks)
        if not self.layers:
            raise RecipeError(
                "trainer.prune: the network has no hidden layer whose neurons could go", hint="Leave prune out, or choose a model with hidden layers: mlp."
            )
        self.silent: list[torch.Tensor] = []
        self.recall()

    def recall(self) -> None:
        """Which neurons are silent already, by the network's weights."""
        from mlforge.builtin.neurons import dead

        self.silent = [dead(self.network, layer) for layer in self.layers]

    def stepped(self, done: int, total: int, average: dict[str, torch.Tensor] | None) -> None:
        """After a step: silence those whose turn it is, and keep those silent that are; in the average of the weights too."""
        from mlforge.builtin.neurons import clear

        share = self.settings.gone(done, total)
        weights = dict(self.network.named_parameters())
        for place, layer in enumerate(self.layers):
            self.silent[place] = self._more(place, share)
            if bool(self.silent[place].any()):
                clear(weights, self.network, layer, self.silent[place])
                if average is not None:
                    clear(average, self.network, layer, self.silent[place])

    def _more(self, place: int, share: float) -> torch.Tensor:
        import torch

        silent = self.silent[place]
        count = min(int(share * len(silent)), len(silent) - 1)
        missing = count - int(silent.sum())
        if missing <= 0:
            return silent
        importance = self.layers[place].importance(self.network).masked_fill(silent.to(next(self.network.parameters()).device), torch.inf).cpu()
        more = silent.clone().cpu()
        more[importance.argsort(stable=True)[:missing]] = True
        return more

    @property
    def counts(self) -> tuple[int, int]:
        """Neurons that are silent, of how many."""
        return sum(int(one.sum()) for one in self.silent), sum(len(one) for one in self.silent)
