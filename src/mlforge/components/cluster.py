"""The kind that says where a fit runs, and what is handed to it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mlforge.components.component import Component
from mlforge.components.model import Place, Trainer
from mlforge.errors import MlforgeError

__all__ = ["Cluster", "Errand", "Fleet", "Script"]


@dataclass(frozen=True)
class Errand:
    """One fit to be carried out: plain files in a folder that every process of the fit must be able to read, and the ways to take part in it.

    A process that takes part finds RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT in its environment, as torchrun sets them.
    """

    folder: Path  # what the processes are told by, and where they leave what they have to tell; rank 0 fills the fit's own folder
    processes: tuple[int, int]  # on each machine, and on how many machines: what the trainer asks for, where the cluster does not say otherwise
    command: tuple[str, ...]  # a process of its own takes part by running this
    part: Callable[[str, Place], None]  # called with the folder in some other process, it takes part; a function that can be imported by its name
    here: Callable[[Place], None]  # this very process takes part
    listen: Callable[[], None]  # take in what rank 0 has told since; call it often
    failure: Callable[[], MlforgeError | None]  # what a process told before it ended with an error, its rank named


@dataclass(frozen=True)
class Script:
    """A batch script that runs a command elsewhere."""

    text: str
    path: Path  # where it is written before it is submitted
    submit: Callable[[Path], str]  # hands the script over; one line on what was submitted. Raises MissingRequirement when nobody takes it


@dataclass(frozen=True)
class Fleet:
    """How a server runs as replicas on a Ray cluster."""

    address: str | None  # of the cluster; None is one of this machine's own
    replicas: int  # there are so many at least
    most: int | None  # and so many at most; None when their number is fixed
    each: Mapping[str, float]  # what each of them is given: CPU, GPU and what else the cluster names
    alone: bool = False  # no two of them on one machine
    patience: float = 600.0  # seconds within which they must be there


class Cluster(Component):
    """Where a fit runs. It decides how long that takes, and is no part of any stage's key."""

    reserves: ClassVar[bool] = False
    """Does a fit ask Ray for its room itself. Else a sweep on Ray holds room for each of its trials."""

    starts: ClassVar[bool] = True
    """Does it start the processes of a fit itself, so that it can start them once more."""

    def takes(self, trainer: Trainer) -> Mapping[str, float]:
        """What one fit takes, all its processes together: CPU and GPU. A sweep runs so many trials at a time as there is room for."""
        each, machines = trainer.processes()
        return {"CPU": float(each * machines)}

    def ready(self, trainer: Trainer) -> None:
        """Called before a run starts anything: raise MissingRequirement when what it asks for is not there, such as more devices than there are."""
        return

    @abstractmethod
    def fit(self, errand: Errand) -> None:
        """Carry the fit out, with all the processes it takes, and return when rank 0 has filled the fit's folder.

        Nothing that it starts outlives it. Raises RunFailed, the rank named, when a process fails; what a KeyboardInterrupt stops can be continued.
        """

    def place(self) -> Place | None:
        """Which of several processes of one command this is, when something outside (torchrun, srun) has started them; None when it is the only one."""
        return None

    @contextmanager
    def led(self) -> Iterator[None]:
        """Around the command of rank 0, when there are several: the others learn from it what to fit, and how it ended."""
        yield

    def follow(self, part: Callable[[str, Place], None]) -> int:
        """The command of any other rank: take part in every fit of rank 0, and give the exit code with which rank 0 ended."""
        raise NotImplementedError(f"{type(self).__name__} has no ranks that follow")

    def script(self, command: Sequence[str], folder: Path) -> Script | None:
        """The batch script that runs this command where the cluster is; None when the command is to run here and now."""
        return None

    def fleet(self) -> Fleet | None:
        """How `mlforge serve` runs replicas of a server there; None when it cannot. Raises RecipeError for settings that do not go with serving."""
        return None
