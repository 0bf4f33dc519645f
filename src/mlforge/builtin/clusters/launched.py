"""Ranks that something outside has started, each with this very command: rank 0 runs the recipe, the others wait for its fits."""

from __future__ import annotations

import os
import signal
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from mlforge.components import Cluster, Errand, Place, Trainer
from mlforge.errors import Interrupted, MlforgeError, RecipeError, RunFailed

if TYPE_CHECKING:
    from mlforge.builtin.clusters.room import Room

__all__ = ["Launched"]

_CONFESSION = 2.0  # seconds in which a rank that failed must have told why
_END = 60.0  # seconds in which rank 0 must have noticed that another has failed


class Launched(Cluster):
    """What torchrun and slurm have in common."""

    requires: ClassVar[tuple[str, ...]] = ("torch",)
    starts: ClassVar[bool] = False

    @abstractmethod
    def variables(self) -> Mapping[str, str] | None:
        """RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT of this process; None when it was not started as one of several."""

    @abstractmethod
    def how(self) -> str:
        """How to start a command so that it finds its ranks."""

    def place(self) -> Place | None:
        """Which rank this is."""
        found = self.variables()
        if found is None:
            return None
        return Place(*(int(found[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")))

    def ready(self, trainer: Trainer) -> None:
        """Somebody must have started the ranks, equally many on every machine, and not more than there are GPUs where it is to be GPUs."""
        place = self.place()
        name = type(self).__name__.lower()
        if place is None:
            raise RecipeError(f"cluster: {name}, and this command was not started so", hint=self.how())
        from mlforge.builtin.clusters.devices import enough_gpus, together

        together(trainer, place.world)
        if place.world % place.local_world:
            raise RecipeError(f"cluster: {name}: {place.world} ranks, and {place.local_world} of them here", hint="Start equally many on every machine.")
        if getattr(trainer, "accelerator", "auto") != "cpu":
            enough_gpus(place.local_world, "ranks on this machine", wanted=getattr(trainer, "accelerator", "auto") == "gpu")

    @contextmanager
    def led(self) -> Iterator[None]:
        """Rank 0 opens the room, and at the end says there how it ended."""
        place = self.place()
        if place is None or place.world == 1:
            yield
            return
        room, code = self._enter(place), 1
        with _notices():
            try:
                yield
                code = 0
            except MlforgeError as error:
                code = error.exit_code
                raise
            except KeyboardInterrupt:
                code = Interrupted.exit_code
                raise
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
                raise
            finally:
                room.close(code)
                _disband()

    def follow(self, part: Callable[[str, Place], None]) -> int:
        """Wait for what rank 0 has to fit, take part in it, and end as it ends."""
        place = self.place()
        assert place is not None, "only ranks follow"
        room = self._enter(place)
        with _notices():
            try:
                return self._following(room, place, part)
            except KeyboardInterrupt:
                room.leave(wait=False)
                return Interrupted.exit_code

    def _following(self, room: Room, place: Place, part: Callable[[str, Place], None]) -> int:
        failed = 0
        while True:
            said = _within(_END, room.hear) if failed else room.hear()
            if said is None or "end" in said:
                room.leave()
                _disband()
                return int(said["end"]) if said and not failed else failed or 1
            try:
                part(str(said["fit"]), place)
            except Exception as error:  # told to rank 0, which says it to the user
                failed = error.exit_code if isinstance(error, MlforgeError) else RunFailed.exit_code
                _disband()  # so that nobody waits for this rank

    def fit(self, errand: Errand) -> None:
        """Call the others, and take part."""
        place = self.place()
        assert place is not None, "the cluster was found ready"
        if place.world == 1:
            errand.here(place)
            return
        self._enter(place).say({"fit": str(errand.folder)})
        try:
            errand.here(place)
        except (MlforgeError, KeyboardInterrupt):
            _disband()
            raise
        except Exception as error:
            _disband()
            raise _reason(errand, error) from error

    def _enter(self, place: Place) -> Room:
        from mlforge.builtin.clusters.room import Room

        os.environ.update(self.variables() or {})
        return Room.entered(place)


def _reason(errand: Errand, error: Exception) -> Exception:
    """Why rank 0 could not go on: what another rank has told; or that one is gone."""
    deadline = time.monotonic() + _CONFESSION
    while (told := errand.failure()) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    if told is not None:
        return told
    if isinstance(error, RuntimeError) and any(word in str(error).lower() for word in ("connection", "socket", "peer", "nccl", "gloo")):
        first = str(error).strip().splitlines()[0][:200]
        return RunFailed(f"rank 0 has lost another rank: {first}", hint="What started the ranks says which; the same command continues.")
    return error


def _within(seconds: float, hear: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """What is heard within so many seconds, in which rank 0 notices what has happened and says it. The thread ends with the process."""
    heard: list[dict[str, Any]] = []

    def listen() -> None:
        with suppress(RunFailed):
            heard.append(hear())

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    thread.join(seconds)
    return heard[0] if heard else None


def _disband() -> None:
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        with suppress(RuntimeError):
            dist.destroy_process_group()


@contextmanager
def _notices() -> Iterator[None]:
    """SIGUSR1, which schedulers send ahead of an end, stops a command as Ctrl-C does; a fit that runs hears it itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)
