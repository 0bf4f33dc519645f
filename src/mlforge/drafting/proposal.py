"""What is proposed for one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Proposal"]

Setting = str | int | float | bool | list[str] | list[int] | list[bool]


@dataclass(frozen=True)
class Proposal:
    """One line of the contract, and what is said of it."""

    key: str
    name: str  # the column's real name
    settings: Mapping[str, Setting] = field(default_factory=dict)  # of the contract's column, in the order in which they are written
    comment: str = ""  # in the recipe
    seen: str = ""  # on the terminal: what was seen …
    done: str = ""  # … and what was made of it; nothing when there is nothing to tell

    @property
    def role(self) -> str:
        """The column's role."""
        return str(self.settings.get("role", "feature"))

    def having(self, comment: str, seen: str = "", done: str = "", **settings: Setting) -> Proposal:
        """The same with more settings, and with this said of it."""
        return replace(self, settings={**self.settings, **settings}, comment=comment, seen=seen or self.seen, done=done or self.done)

    def declared(self, settings: Mapping[str, Setting]) -> Proposal:
        """The same with these settings of the contract's column."""
        return replace(self, settings={**self.settings, **settings})

    def ignored(self, comment: str, seen: str, done: str = "→ left out", **settings: Setting) -> Proposal:
        """Left out: nothing is asked of its values."""
        kept = {key: value for key, value in self.settings.items() if key in ("dtype", "name", "nullable")}
        return replace(self, settings={**kept, "role": "ignore", **settings}, comment=comment, seen=seen, done=done)
