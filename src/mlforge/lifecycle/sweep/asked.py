"""What one trial takes of the machines, so that no more run at a time than there is room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlforge.components import Cluster, Sweep, Trainer
from mlforge.recipe import Recipe

__all__ = ["Asked"]

_NEXT_TO_NOTHING = {"memory": 1.0}  # bytes; Ray wants something, and a share of a core would keep the fit itself from a whole one


@dataclass(frozen=True)
class Asked:
    """CPUs and GPUs of a trial, all its processes together."""

    cpus: float
    gpus: float
    derived: frozenset[str] = frozenset()  # "cpus", "gpus": what the section cluster says, and not the sweep
    themselves: bool = False  # fits ask Ray for it

    @classmethod
    def of(cls, sweep: Sweep, recipe: Recipe) -> Asked:
        """As the sweep says; what it does not say, as the fit's workers take it."""
        if "cluster" not in recipe.sections:
            return cls(sweep.cpus or 1.0, sweep.gpus or 0.0)
        cluster = recipe.component("cluster", Cluster)
        takes = cluster.takes(recipe.component("trainer", Trainer))
        derived = frozenset(name for name, given in (("cpus", sweep.cpus), ("gpus", sweep.gpus)) if given is None)
        cpus = takes.get("CPU", 0.0) if sweep.cpus is None else sweep.cpus
        gpus = takes.get("GPU", 0.0) if sweep.gpus is None else sweep.gpus
        return cls(cpus, gpus, derived, cluster.reserves)

    @property
    def reserved(self) -> Mapping[str, float]:
        """What a trial holds while it runs. Where fits ask for room themselves, a trial that held it would keep it from its own fit."""
        return _NEXT_TO_NOTHING if self.themselves else {"cpu": self.cpus, "gpu": self.gpus}

    def lacking(self, there: Mapping[str, float]) -> tuple[str, str] | None:
        """Which is more than there is, and what to do; None when a trial fits."""
        for name, wanted, has in (("cpus", self.cpus, there.get("CPU", 0.0)), ("gpus", self.gpus, there.get("GPU", 0.0))):
            if wanted > has:
                there_are = f"there {'is' if has == 1 else 'are'} {has:g}"
                if name in self.derived:
                    return (
                        f"cluster: the workers of a trial take {wanted:g} {name} together, and {there_are}",
                        f"Fewer workers, or sweep.{name} to say otherwise.",
                    )
                return f"sweep.{name}: a trial asks for {wanted:g}, and {there_are}", f"Lower sweep.{name}."
        return None

    def most(self, there: Mapping[str, float]) -> int:
        """How many fit at a time."""
        fits = [there.get(name, 0.0) / wanted for name, wanted in (("CPU", self.cpus), ("GPU", self.gpus)) if wanted]
        return max(1, int(min(fits) + 1e-9)) if fits else 1
