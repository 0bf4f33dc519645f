"""A trail: what happened, and step by step what it was caused by, in sentences."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mlforge.secrets import mask

__all__ = ["About", "Kind", "Step", "Trail", "typed"]

Kind = Literal["alert", "gate", "run", "version", "rollback", "retraining"]
About = Literal["found", "began", "beside", "cost", "promised", "declared", "changed", "done", "judged", "made", "stands"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trail."""

    about: About  # what it says: found, began, beside it, cost, promised, declared, changed, done about it, judged, made of, how things stand now
    text: str  # a sentence or two
    when: str = ""  # ISO 8601, UTC; empty where it is no moment
    links: tuple[str, ...] = ()  # files to look at and commands to type


@dataclass(frozen=True, slots=True)
class Trail:
    """From what happened, back to data and declaration."""

    kind: Kind
    subject: str  # "alert 17", "run 01jd8q…", "churn 4"
    when: str  # ISO 8601, UTC
    headline: str
    steps: tuple[Step, ...]
    next: tuple[str, ...] = ()  # commands that one may want now

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield mask(self.headline)
        for step in self.steps:
            yield mask(f"  {step.text}")
            for link in step.links:
                yield mask(f"    → {link}")
        if self.next:
            yield mask(f"Next    {' · '.join(self.next)}")

    def plain(self) -> dict[str, Any]:
        """For a program; what is secret is masked in it too."""
        told = asdict(self)
        steps = [{**step, "text": mask(step["text"]), "links": [mask(link) for link in step["links"]]} for step in told["steps"]]
        return told | {"headline": mask(self.headline), "steps": steps, "next": [mask(one) for one in self.next]}


def typed(*words: str) -> str:
    """A command as one types it, with quotes where the shell wants them."""
    return shlex.join(("mlforge", *words))
