"""Whatever is in a file or on the command line, the answer is a recipe or an error that a user can mend."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import MlforgeError

ROOT = Path(__file__).resolve().parents[2]
PIECES = [":", "{", "}", "[", "]", "&a ", "*a", "- ", "\n", "  ", "#", "'", '"', "???", "${", "${seed}", "null", "true", "1e400", "-0", "!!", "!x ", "|", ">", "%", "@", "`", "\t", "é", "\U0001f600", "use: ", "defaults", "_self_", "~", "? ", "...", "---", "\\", "0x", "9" * 500]  # fmt: skip  # noqa: E501
OVERRIDES = ["=", "a", "+", "~", "a=", "=a", "model", "model=", "+model", "++model=mlp", "~model", "model=[]", "model={}", "model=null", "model=3", "model.use", "model.use=3", "model.use=null", "model.use=[a]", "gates={}", "gates={a: 1}", "gates=3", "gates=[3]", "gates=[[a]]", "gates={a: {use: [1]}}", "gates.a=1", "~gates.a.b.c", "contract=3", "contract=null", "contract={columns: 3}", "contract.columns=null", "name=null", "name=3", "seed=1e400", "seed=nan", "store=3", "store=''", "source.path=''", "source.path=null", "source.path=[a]", "source.path={a: 1}", "source.path='a\\0b'", "task=null", "task=[a]", "defaults=[x]", "mlforge=2", "requires=[3]", "requires=['>=']", "model.hidden.7=1", "model.hidden.0.x=1", "stages.train=null", "stages.train=3", "stages=null", "stages.nothing.x=1", "features=null", "a.b.c.d=1", "." , "..=1", "a..b=1", "a b=1", "a/b=1", "a@b=1", "x=" + "[" * 300, "x." * 300 + "y=1", "x=" + "9" * 5000, "model={use: {use: mlp}}", "trainer.lr=inf", "trainer.lr=nan", "trainer.max_epochs=99999999999999999999999", "gates.thresholds.rules=[1]", "gates.thresholds.rules.auc=3", "gates.thresholds.rules.auc.finding=[1]", "gates.thresholds.rules.auc.finding=null", "features.numeric.columns=[nothing]", "contract.columns.income.positive=nothing"]  # fmt: skip  # noqa: E501


def answered(bench: Any, reference: str, *overrides: str) -> None:
    said = "a recipe"
    try:
        bench.compose(reference, *overrides)
    except MlforgeError as error:
        said = str(error)
    assert said


@pytest.mark.parametrize("name", ["adult", "diabetes"])
def test_whatever_is_in_a_recipe(bench: Any, name: str) -> None:
    chance = random.Random(name)
    text = (ROOT / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    for _ in range(150):
        changed = text
        for _ in range(chance.randint(1, 3)):
            start = chance.randrange(len(changed))
            changed = changed[:start] + chance.choice([*PIECES, ""]) + changed[start + chance.choice([0, 0, 1, 5]) :]
        bench.write({"recipes/changed.yaml": changed})
        answered(bench, "changed", "source.path=rows.csv")


def test_whatever_is_on_the_command_line(bench: Any) -> None:
    for override in OVERRIDES:
        answered(bench, "adult", "source.path=rows.csv", override)
        answered(bench, "adult", override, "model=linear")


def test_whatever_is_in_a_preset(bench: Any) -> None:
    for text in (
        "",
        "3",
        "[]",
        "use: 3",
        "use: null",
        "use: nothing",
        "defaults: [nothing]",
        "defaults: 3",
        "defaults: [_self_]",
        "hidden: 3",
        "use: [mlp]",
        "defaults: [linear, mlp]",
    ):
        bench.write({"conf/model/odd.yaml": text, "conf/gates/odd.yaml": text})
        answered(bench, "small", "model=odd")
        answered(bench, "adult", "source.path=rows.csv", "gates=[odd]")
