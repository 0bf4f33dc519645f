"""The built-in protections, splitters and transforms keep their contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlforge.builtin.features.arrays import Arrays
from mlforge.builtin.features.bytes import Bytes
from mlforge.builtin.features.categorical import Categorical
from mlforge.builtin.features.dates import Dates
from mlforge.builtin.features.hashing import Hashing
from mlforge.builtin.features.numeric import Numeric
from mlforge.builtin.features.text import Text
from mlforge.builtin.privacy.drop import Drop
from mlforge.builtin.privacy.generalise import Generalise
from mlforge.builtin.privacy.pseudonymise import Pseudonymise
from mlforge.builtin.splits.column import Column
from mlforge.builtin.splits.grouped import Grouped
from mlforge.builtin.splits.kfold import Kfold
from mlforge.builtin.splits.random import Random
from mlforge.builtin.splits.stratified import Stratified
from mlforge.builtin.splits.time import Time
from mlforge.testing import ProtectionContract, SplitterContract, TransformContract

KEY = "SUITE_KEY"


class TestDrop(ProtectionContract):
    component = Drop(columns=("person", "city"))


class TestGeneralise(ProtectionContract):
    component = Generalise(columns=("age", "born", "note"), band=10, keep="year", prefix=3)


class TestPseudonymise(ProtectionContract):
    component = Pseudonymise(pii=("name",), columns=("city",), key_env=KEY)

    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(KEY, "a long and random key")


class TestPseudonymiseWithAFile(ProtectionContract):
    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("MLFORGE_PSEUDONYM_KEY_FILE", str(tmp_path / "made" / "key"))  # where a bundle, which knows no paths, looks for it

    def make(self, folder: Path) -> Pseudonymise:
        (folder / "key").write_text("a long and random key")
        return Pseudonymise(columns=("person",), key_file=str(folder / "key"), characters=16)


class TestRandom(SplitterContract):
    component = Random()
    moves = 0.0


class TestStratified(SplitterContract):
    component = Stratified()


class TestGrouped(SplitterContract):
    component = Grouped()
    moves = 0.0


class TestTime(SplitterContract):
    component = Time()


class TestColumn(SplitterContract):
    component = Column()
    moves = 0.0


class TestKfold(SplitterContract):
    component = Kfold()


class TestNumeric(TransformContract):
    component = Numeric()


class TestCategorical(TransformContract):
    component = Categorical()


class TestHashing(TransformContract):
    component = Hashing()


class TestDates(TransformContract):
    component = Dates()


class TestText(TransformContract):
    component = Text()


class TestArrays(TransformContract):
    component = Arrays()


class TestBytes(TransformContract):
    component = Bytes(context=32)
