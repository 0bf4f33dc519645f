"""Splitters that split badly."""

from pydantic import PrivateAttr

from mlforge.artifact import ROW
from mlforge.components import Objection, Splitter


class Good(Splitter):
    """By the row's hash, and not for groups."""

    def objections(self, contract):
        return [Objection("", "groups")] if contract.having("group") else []

    def assign(self, rows, contract, seed):
        import polars as pl

        return self.parted(rows.with_columns((pl.col(ROW).hash(seed) % 10).alias("place")))

    def parted(self, rows):
        import polars as pl

        part = pl.when(pl.col("place") < 2).then(pl.lit("test")).when(pl.col("place") < 4).then(pl.lit("validation")).otherwise(pl.lit("train"))
        return rows.select(ROW, part.alias("part"))


class Dropping(Good):
    """Loses a row."""

    def assign(self, rows, contract, seed):
        import polars as pl

        return super().assign(rows, contract, seed).filter(pl.col(ROW) != 299)


class Testless(Good):
    """Leaves nothing to test on."""

    def assign(self, rows, contract, seed):
        import polars as pl

        return super().assign(rows, contract, seed).with_columns(part=pl.col("part").replace("test", "train"))


class Wavering(Good):
    """Puts a row elsewhere each second time."""

    _asked: int = PrivateAttr(default=0)

    def assign(self, rows, contract, seed):
        import polars as pl

        found = super().assign(rows, contract, seed)
        if rows.first().collect()[ROW].to_list() != [0]:
            return found
        self._asked += 1
        return found.with_columns(part=pl.when(pl.col(ROW) == 5).then(pl.lit("test" if self._asked % 2 else "train")).otherwise(pl.col("part")))

    def parted(self, rows):
        import polars as pl

        return super().parted(rows).with_columns(part=pl.when(pl.col(ROW) == 5).then(pl.lit("test")).otherwise(pl.col("part")))


class Positional(Good):
    """By the place at which a row arrives."""

    def assign(self, rows, contract, seed):
        import polars as pl

        return self.parted(rows.with_row_index("at").with_columns((pl.col("at") % 10).alias("place")))


class Permuting(Good):
    """By a shuffle of all rows there are."""

    def assign(self, rows, contract, seed):
        import numpy as np
        import polars as pl

        ordered = rows.sort(ROW).collect()
        places = np.random.default_rng(seed).permutation(len(ordered)) % 10
        return self.parted(ordered.lazy().with_columns(pl.Series("place", places)))


class Tearing(Good):
    """Says nothing against groups, and tears them apart."""

    def objections(self, contract):
        return []


class Fragile(Good):
    """Looks at the second row of one."""

    def assign(self, rows, contract, seed):
        rows.collect().row(1)
        return super().assign(rows, contract, seed)
