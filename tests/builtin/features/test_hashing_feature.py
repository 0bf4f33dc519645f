from __future__ import annotations

import polars as pl
from sklearn.utils import murmurhash3_32
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.hashing import Hashing

CITY, CODE = {"dtype": "category", "nullable": True}, {"dtype": "string"}


def rows(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"city": values, "code": [str(value) for value in values]}, schema={"city": pl.String, "code": pl.String})


def test_every_category_has_a_bucket_also_unseen_ones_and_missing_ones_have_zero(tmp_path):
    fitting = fitted(Hashing(buckets=50), rows("Rom"), city=CITY, code=CODE)
    assert fitting[0].cardinalities == (51, 51)
    assert not fitting[0].vocabularies  # what is unseen is no error
    many = [f"city {i}" for i in range(2000)]
    got = said(tmp_path, fitting, rows(None, "", "😀", *many))
    assert got[:2, 0].tolist() == [0, 0]
    assert set(got[3:, 0].tolist()) == set(range(1, 51))


def test_a_bucket_follows_from_the_text_alone(tmp_path):
    one = said(tmp_path, fitted(Hashing(), rows("a"), city=CITY), rows("Rom", "Bern"))
    other = said(tmp_path, fitted(Hashing(), rows("b", "c"), city=CITY), rows("Bern", "Rom"))
    assert one[:, 0].tolist() == other[::-1, 0].tolist() == [murmurhash3_32(city, seed=0, positive=True) % 1024 + 1 for city in ("Rom", "Bern")]
