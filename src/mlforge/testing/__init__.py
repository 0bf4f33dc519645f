"""For tests of plugins, and of mlforge: a contract suite for each kind of component, to be inherited, and the project fixture."""

from mlforge.testing.component import ComponentContract
from mlforge.testing.sources import SourceContract

__all__ = ["ComponentContract", "SourceContract"]
