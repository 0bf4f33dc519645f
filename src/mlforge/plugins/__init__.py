"""Plugins: finding them, asking what they provide without importing them, and calling their hooks."""

from mlforge.plugins.api import shown
from mlforge.plugins.conflicts import conflicts
from mlforge.plugins.facade import Hooks
from mlforge.plugins.guard import Mishap
from mlforge.plugins.index import BLOCK, catalog
from mlforge.plugins.known import KNOWN, Elsewhere
from mlforge.plugins.loading import hooks
from mlforge.plugins.states import Clash, Folder, PluginState, Provided, State
from mlforge.plugins.table import Catalog

__all__ = [
    "BLOCK",
    "KNOWN",
    "Catalog",
    "Clash",
    "Elsewhere",
    "Folder",
    "Hooks",
    "Mishap",
    "PluginState",
    "Provided",
    "State",
    "catalog",
    "conflicts",
    "hooks",
    "shown",
]
