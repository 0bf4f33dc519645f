"""What installed plugins require and the installed packages do not satisfy. Read from metadata, when a person asks; no command needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlforge.plugins.states import PluginState

__all__ = ["conflicts"]


def conflicts(plugins: Iterable[PluginState]) -> Iterator[str]:
    """A line for each requirement of an installed plugin that is missing or of another version. pip says so once, when it installs, and goes on."""
    from importlib.metadata import PackageNotFoundError, requires

    seen = set()
    for plugin in plugins:
        name = plugin.name.partition(":")[0]  # one of several entry points of a distribution
        if plugin.local or name in seen:
            continue
        seen.add(name)
        try:
            wanted = requires(name) or ()
        except PackageNotFoundError:
            continue  # removed since it was listed
        yield from (f"{name} {plugin.version} requires {line}" for text in wanted if (line := _unmet(text)))


def _unmet(text: str) -> str:
    """What is wrong with one requirement: "numpy<1, and 2.1.0 is installed"; nothing when it is met, or is for an extra or another machine."""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return f"{text[:60]!r}, which cannot be read"
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name}{wanted.specifier}, which is not installed"
    return "" if wanted.specifier.contains(found, prereleases=True) else f"{wanted.name}{wanted.specifier}, and {found} is installed"
