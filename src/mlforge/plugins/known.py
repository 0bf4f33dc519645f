"""Options that are known to come from a plugin, whether or not it is installed: so that a recipe that names one is answered with what to install."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlforge.plugins.states import PluginState, Provided

__all__ = ["KNOWN", "Elsewhere", "remembered"]

KNOWN: Mapping[str, str] = {
    "model/lightgbm": "mlforge-lightgbm",
    "model/lightgbm_fast": "mlforge-lightgbm",
    "model/logistic_regression": "mlforge-sklearn",
    "model/ridge": "mlforge-sklearn",
    "model/random_forest": "mlforge-sklearn",
    "model/extra_trees": "mlforge-sklearn",
    "model/hist_gradient_boosting": "mlforge-sklearn",
}
"""What the plugins that are published together with mlforge provide. Others are learnt when they are installed, and remembered afterwards."""

_MOST = 5000  # options that are remembered: plugins come and go, a file in the cache must not grow for ever


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where an option comes from that is not to be had just now."""

    plugin: str
    why: str  # "is not installed", "is broken: …"
    remedy: str

    @classmethod
    def of(cls, plugin: str, plugins: Iterable[PluginState]) -> Elsewhere:
        """Why the plugin does not provide it, and what to do."""
        state = next((one for one in plugins if one.name == plugin), None)
        if state is None:
            return cls(plugin, "is not installed", f"pip install {plugin}")
        if state.state == "blocked":
            return cls(plugin, f"is blocked {state.reason}", f"take {plugin} out of it")
        if state.state == "ok":
            return cls(plugin, f"is installed as {state.version} and does not have it", f"pip install --upgrade {plugin}")
        return cls(plugin, f"is {state.state}: {state.reason}", "mlforge plugins says more")


def remembered(before: object, provided: Iterable[Provided], own: str) -> dict[str, str]:
    """What has ever been provided by an installed plugin other than mlforge itself, the latest last."""
    known = dict(before) if isinstance(before, Mapping) else {}
    for one in provided:
        key = f"{one.section}/{one.option}"
        if one.plugin != own and one.version != "local" and one.section != "commands" and known.get(key) != one.plugin:
            known.pop(key, None)
            known[key] = one.plugin
    return dict(list(known.items())[-_MOST:])
