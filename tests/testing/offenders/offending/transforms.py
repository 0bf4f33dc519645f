"""Transforms that make something else than they say."""

from dataclasses import replace
from typing import ClassVar

from mlforge.builtin.features.categorical import Categorical
from mlforge.builtin.features.nodes import Nodes
from mlforge.builtin.features.numeric import Numeric
from mlforge.components import Fragment


class Drawing(Numeric):
    """Draws a constant by chance."""

    def fit(self, entry, columns, rows, contract):
        import numpy as np

        graph = Nodes(entry)
        fragment = super().fit(f"{entry}/own", columns, rows, contract)
        if fragment is None:
            return None
        noise = np.random.default_rng().normal(size=(1, fragment.width)).astype(np.float32)
        output = graph.add("Add", fragment.output, graph.constant(noise))
        return replace(fragment, nodes=(*fragment.nodes, *graph.nodes), initialisers=(*fragment.initialisers, *graph.constants), output=output)


class Overflowing(Categorical):
    """Has more ids than it says."""

    def fit(self, entry, columns, rows, contract):
        fragment = super().fit(entry, columns, rows, contract)
        return fragment and replace(fragment, cardinalities=(1,) * fragment.width)


class _Own(Numeric):
    """The column of incomes by nodes of its own."""

    names_of_its_own: ClassVar[bool] = True

    def takes(self, contract):
        return self.columns or ("income",)

    def fit(self, entry, columns, rows, contract):
        if not columns:
            return None
        graph = Nodes(entry if self.names_of_its_own else "mine")
        output = self.nodes(graph, columns[0])
        return Fragment(columns[:1], tuple(graph.nodes), tuple(graph.constants), output, "numbers", 1)

    def nodes(self, graph, key):
        import numpy as np

        known = graph.add("Where", graph.add("IsNaN", key), graph.constant(np.array([[1.0]])), key)
        return graph.add("Cast", known, to=1)


class Leaking(_Own):
    """Lets missing values through."""

    def nodes(self, graph, key):
        return graph.add("Cast", key, to=1)


class Logarithm(_Own):
    """The logarithm of whatever comes."""

    def nodes(self, graph, key):
        return graph.add("Log", super().nodes(graph, key))


class Centring(_Own):
    """Around the mean of the rows at hand."""

    def nodes(self, graph, key):
        import numpy as np

        known = super().nodes(graph, key)
        return graph.add("Sub", known, graph.add("ReduceMean", known, graph.constant(np.array([0], np.int64)), keepdims=1))


class Nameless(_Own):
    """The same names under every entry."""

    names_of_its_own: ClassVar[bool] = False


class Needy(_Own):
    """Looks at the first row of none."""

    def fit(self, entry, columns, rows, contract):
        if columns:
            rows.collect().row(0)
        return super().fit(entry, columns, rows, contract)


class Insisting(_Own):
    """Wants a column where there is none."""

    def fit(self, entry, columns, rows, contract):
        return super().fit(entry, (columns[0],), rows, contract)


class Peeking(Categorical):
    """Takes the target for a feature."""

    def takes(self, contract):
        return ("bought",)


class Deaf(_Own):
    """Takes what it wants, whatever a recipe says."""

    def takes(self, contract):
        return tuple(key for key in ("income", "age") if key in contract.columns) if self.columns != () else ("age", "income")
