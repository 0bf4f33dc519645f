"""Plugins that only look on must not change what they look at: what they raise is noted, and the run goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlforge.errors import Interrupted, MlforgeError, TimedOut, Vetoed
from mlforge.plugins.trace import place
from mlforge.secrets import mask

__all__ = ["Mishap", "Mishaps"]

log = logging.getLogger(__name__)

_LONGEST = 300  # characters of a plugin's error that are repeated
_PASSES = (Vetoed, Interrupted, TimedOut)  # what ends a run, whoever's code it strikes in

Wrapper = Callable[..., Generator[None, Any, Any]]


@dataclass(frozen=True, slots=True)
class Mishap:
    """An error of a plugin that only looked on."""

    plugin: str
    hook: str
    text: str

    def __str__(self) -> str:
        return f"{self.hook} of plugin {self.plugin} failed, and the run went on: {self.text}"


@dataclass
class Mishaps:
    """What went wrong in plugins that only look on: each is a warning at once, and is kept for the run's account."""

    seen: dict[Mishap, None] = field(default_factory=dict)

    def note(self, plugin: str, hook: str, module: str, error: Exception) -> None:
        """Warn, once for the same error; raise it again when it is one that ends a run."""
        if isinstance(error, _PASSES):
            raise error
        said, hint = " ".join(mask(str(error)).split())[:_LONGEST], f"Tell its authors, or leave it out: MLFORGE_BLOCK_PLUGINS={plugin}."
        if isinstance(error, MlforgeError):  # a plugin that says what happened, and what to do
            said, hint = mask(str(error.args[0])), error.hint
        else:
            said = f"{type(error).__name__}: {said}{place(error, module)}"
        mishap = Mishap(plugin, hook, said)
        if mishap not in self.seen:
            self.seen[mishap] = None
            log.warning("%s. %s", str(mishap).removesuffix("."), hint)

    def guarded(self, plugin: str, hook: str, module: str, wrapper: Wrapper) -> Wrapper:
        """A wrapper that lets the work begin, and what comes of it pass, whatever the one inside it does."""

        def run(*arguments: object) -> Generator[None, Any, Any]:
            inner = wrapper(*arguments)
            if not self._begun(plugin, hook, module, inner):
                return (yield)
            try:
                result = yield
            except BaseException as error:
                self._ended(plugin, hook, module, partial(inner.throw, error), error)
                raise
            self._ended(plugin, hook, module, partial(inner.send, result), None)
            return result

        return run

    def _begun(self, plugin: str, hook: str, module: str, inner: Generator[None, Any, Any]) -> bool:
        try:
            next(inner)
        except StopIteration:
            self.note(plugin, hook, module, RuntimeError("the wrapper ended before it came to its yield"))
        except Exception as error:
            self.note(plugin, hook, module, error)
        else:
            return True
        return False

    def _ended(self, plugin: str, hook: str, module: str, resume: Callable[[], object], passing: BaseException | None) -> None:
        try:
            resume()
        except StopIteration:
            return  # what it returns is nothing that a run depends on
        except Exception as error:
            if error is not passing and not (passing and isinstance(error, Vetoed)):  # what ended the run is told, and no veto on top of it
                self.note(plugin, hook, module, error)
        except BaseException as error:
            if error is not passing:
                raise
        else:
            self.note(plugin, hook, module, RuntimeError("the wrapper has a second yield"))
