"""What a model of the family "network" must do; for one with a fit of its own, see `EstimatorContract`.

    class TestTanh(ModelContract):
        component = Tanh(width=8)

Say `feeds = ("numbers",)` for a network that takes numbers only, `feeds = ("bytes",)` for a language model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import pytest

from mlforge.artifact import Block
from mlforge.components import Component, Model
from mlforge.task import Output
from mlforge.testing.component import ComponentContract
from mlforge.testing.fits import BLOCKS, LABELS, LANGUAGE, OUTPUTS, TEXTS, output_for, tensors

if TYPE_CHECKING:
    import torch

__all__ = ["ModelContract"]

_ROUNDING = 1e-5


class ModelContract(ComponentContract[Model]):
    """Clauses for a network."""

    kind: ClassVar[type[Component]] = Model
    feeds: ClassVar[Sequence[str]] = ("numbers", "categories")
    """The blocks that it can take."""

    def exercise(self, component: Model, folder: Path) -> None:
        """Build it and run it."""
        network = self._built(component)
        network(*self._inputs(3))

    def disturb(self, component: Model, folder: Path) -> None:
        """Build it without anything to take."""
        component.build((), output_for(component))

    def test_it_names_a_family_and_tasks(self, subject: Model) -> None:
        """Else no trainer knows whether it can fit it."""
        assert subject.family == "network", f"the family is {subject.family}; inherit EstimatorContract for one with a fit of its own"
        assert subject.tasks, "it is for no task"

    @pytest.mark.parametrize("rows", [1, 5])
    @pytest.mark.parametrize("output", [*sorted(OUTPUTS), "labels", "language"])
    def test_it_gives_a_score_for_every_class_or_value(self, subject: Model, output: str, rows: int) -> None:
        """Else training ends in an error about shapes, and a single row in one of its own."""
        asked = {**OUTPUTS, "labels": LABELS, "language": LANGUAGE}[output]
        if not _for_task(subject, asked):
            return
        for blocks in self._combinations():
            scores = self._built(subject, blocks, asked).eval()(*self._inputs(rows, blocks))
            assert tuple(scores.shape) == (rows, asked.width), f"{tuple(scores.shape)}; {(rows, asked.width)} was expected"
            assert scores.isfinite().all(), "a score is not finite"
            assert scores.dtype.is_floating_point, f"scores of {scores.dtype}"

    def test_the_same_seed_builds_the_same_network(self, subject: Model) -> None:
        """Else no run can be repeated."""
        one, other = (self._built(subject).state_dict() for _ in range(2))
        assert one.keys() == other.keys()
        differing = [name for name in one if not one[name].equal(other[name])]
        assert not differing, f"other weights in {', '.join(differing[:5])}"

    def test_it_leaves_the_seed_to_the_recipe(self, subject: Model) -> None:
        """Else several runs are one run: it may draw from torch's own generator, and must not seed it."""
        import torch

        states = []
        with torch.random.fork_rng(devices=[]):
            for seed in (1, 2):
                torch.manual_seed(seed)
                subject.build(self._all, output_for(subject))
                states.append(torch.random.get_rng_state())
        assert not states[0].equal(states[1]), "building it seeds torch's generator"

    def test_a_row_is_scored_alike_alone_and_among_others(self, subject: Model) -> None:
        """Else a server, which sees single rows, answers otherwise than the evaluation did."""
        network, inputs = self._built(subject).eval(), self._inputs(6)
        together = network(*inputs)
        for i in range(6):
            alone = network(*(block[i : i + 1] for block in inputs))
            assert (together[i : i + 1] - alone).abs().max() <= _ROUNDING, "what it says of a row depends on the rows around it"

    def test_every_weight_learns(self, subject: Model) -> None:
        """Else a part of the network is dead weight: it is built and never used."""
        network = self._built(subject).train()
        network(*self._inputs(64)).square().sum().backward()
        dead = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
        assert not dead, f"no gradient reaches {', '.join(dead[:5])}"

    def test_it_learns_a_little(self, subject: Model) -> None:
        """Else training goes on for hours and ends where it began."""
        import torch

        output = output_for(subject)
        network, rows = self._built(subject, self._all, output).train(), tensors(256, 1, self._all, output)
        inputs, target = tuple(map(torch.from_numpy, rows.blocks)), torch.from_numpy(rows.target)
        measures: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
            "labels": lambda scores, wanted: torch.nn.functional.binary_cross_entropy_with_logits(scores, wanted.float()),
            "value": torch.nn.functional.mse_loss, "classes": torch.nn.functional.cross_entropy, "bytes": _bits_per_byte
        }  # fmt: skip
        optimiser, losses = torch.optim.Adam(network.parameters(), lr=0.02), []
        for _ in range(60):
            optimiser.zero_grad()
            loss = measures[output.kind](network(*inputs), target)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.9 * losses[0], f"the loss goes from {losses[0]:.3g} to {losses[-1]:.3g} in 60 steps"

    def test_it_can_be_exported_for_any_number_of_rows(self, subject: Model) -> None:
        """Else everything goes well until the export, after the training."""
        import torch

        network, inputs = self._built(subject).eval(), self._inputs(4)
        rows = torch.export.Dim("rows")
        program = torch.export.export(_positional(network), inputs, dynamic_shapes={"blocks": tuple({0: rows} for _ in inputs)})
        more = self._inputs(9)
        assert (program.module()(*more) - network(*more)).abs().max() <= _ROUNDING

    def test_its_weights_are_tensors_that_can_be_read_back(self, subject: Model, tmp_path: Path) -> None:
        """Else a checkpoint, which carries no code, cannot hold it."""
        from safetensors.torch import load_file, save_file

        network = self._built(subject, seed=1).eval()
        save_file({name: weight.clone().contiguous() for name, weight in network.state_dict().items()}, tmp_path / "weights.safetensors")
        again = self._built(subject, seed=2)
        again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
        assert again.eval()(*self._inputs(5)).equal(network(*self._inputs(5)))

    @property
    def _all(self) -> tuple[Block, ...]:
        return tuple(block for block in BLOCKS if block.name in self.feeds)

    def _combinations(self) -> list[tuple[Block, ...]]:
        """The blocks alone and together."""
        return [self._all] if len(self._all) == 1 else [*((block,) for block in self._all), self._all]

    def _built(self, component: Model, blocks: tuple[Block, ...] | None = None, output: Output | None = None, seed: int = 1) -> torch.nn.Module:
        import torch

        given = output or output_for(component)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cast("torch.nn.Module", component.build(blocks or self._all, given))

    def _inputs(self, rows: int, blocks: tuple[Block, ...] | None = None) -> tuple[torch.Tensor, ...]:
        import torch

        given = blocks or self._all
        return tuple(map(torch.from_numpy, tensors(rows, 5, given, LANGUAGE if TEXTS in given else OUTPUTS["binary"]).blocks))


def _positional(network: torch.nn.Module) -> torch.nn.Module:
    """The network as the exporter sees it: blocks by position, whatever it calls them."""
    import torch

    class Positional(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *blocks: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.network(*blocks)
            return scores

    return Positional().eval()


def _bits_per_byte(scores: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Of scores [rows, 258], see `mlforge.task.Output`."""
    return scores[:, 256].sum() / lengths.sum()


def _for_task(model: Model, output: Output) -> bool:
    return {"value": "regression", "classes": "classification", "labels": "multilabel", "bytes": "language_model"}[output.kind] in model.tasks
