"""A plugin's package to start from: what `mlforge plugins new` writes. The texts are files in `templates/`."""

from mlforge.plugins.starter.kinds import KINDS, Kind
from mlforge.plugins.starter.names import Names
from mlforge.plugins.starter.write import write

__all__ = ["KINDS", "Kind", "Names", "write"]
