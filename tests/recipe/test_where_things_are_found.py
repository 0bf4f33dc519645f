# ruff: noqa: E501  a case reads better in one line
from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from mlforge.errors import RecipeError
from mlforge.plugins import Catalog
from mlforge.project import Project
from mlforge.recipe import compose

ROOT = Path(__file__).resolve().parents[2]

MINE = "mlforge: 1\ndefaults: [lifecycle, _self_]\nname: {}\n"


def plugin(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text))
    return folder


def test_a_recipe_by_its_path(bench: Any) -> None:
    bench.write({"elsewhere/own.yaml": MINE.format("own")})
    assert bench.compose("./elsewhere/own.yaml").name == "own"
    assert bench.compose("elsewhere/own.yaml").files[0].name == "own.yaml"


def test_a_recipe_by_its_path_may_extend_one_of_its_name(bench: Any) -> None:
    bench.write({"elsewhere/adult.yaml": "mlforge: 1\ndefaults: [adult, _self_]\nsource: {path: rows.csv}\nseed: 9\n"})
    assert bench.compose("./elsewhere/adult.yaml").seed == 9


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("./none.yaml", "is not there"),
        ("./recipes/", "is a folder"),
        ("adlut", "no recipe 'adlut'"),
        ("", "no recipe ''"),
        ("..", "no recipe"),
        ("x" * 5000, "no recipe"),
        ("./" + "x" * 5000, "cannot be read"),
    ],
)
def test_a_recipe_that_is_not_there(bench: Any, reference: str, found: str) -> None:
    problem = bench.problem(reference)
    assert found in problem.found
    assert problem.hint == ("Did you mean adult?" if reference == "adlut" else "")


def test_names_cannot_leave_the_folders(bench: Any) -> None:
    bench.write({"secret.yaml": MINE.format("secret")}, other="mlforge: 1\ndefaults: ['..', _self_]\n")
    assert "no recipe '..'" in bench.problem("other").found


def test_a_project_may_shadow_what_mlforge_ships_and_is_told_so(bench: Any) -> None:
    bench.write(adult=MINE.format("mine"))
    recipe = bench.compose("adult")
    assert recipe.name == "mine"
    assert recipe.shadows == ("recipes/adult.yaml hides adult of mlforge",)


def test_a_plugins_recipes_and_presets_are_found_because_they_are_there(bench: Any, tmp_path: Path) -> None:
    folder = plugin(
        tmp_path / "acme",
        {
            "recipes/acme.yaml": "mlforge: 1\ndefaults: [small, {model: tuned}, _self_]\nname: acme\n",
            "conf/model/tuned.yaml": "defaults: [mlp, _self_]\nhidden: [3]\n",
        },
    )
    bench.with_plugin("mlforge-acme", {}, folder)
    assert bench.compose("acme").sections["model"].hidden == (3,)


def test_two_plugins_with_one_recipe_are_a_problem_that_names_both(bench: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        bench.with_plugin(f"mlforge-{name}", {}, plugin(tmp_path / name, {"recipes/same.yaml": MINE.format("same")}))
    problem = bench.problem("same")
    assert "mlforge-two and mlforge-one both provide same" in problem.found


def test_a_plugins_preset_and_a_component_of_one_name_are_a_problem(bench: Any, tmp_path: Path) -> None:
    bench.with_plugin("mlforge-acme", {}, plugin(tmp_path / "acme", {"conf/model/mlp.yaml": "use: linear\n"}))
    assert "mlforge-acme and mlforge both provide model/mlp" in bench.problem("small").found


def test_two_plugins_with_one_component_are_a_problem_where_it_is_used(bench: Any) -> None:
    bench.with_plugin("mlforge-acme", {"model/mlp": "mlforge.builtin.models.linear:Linear"})
    assert "mlforge-acme and mlforge both provide model/mlp" in bench.problems("small")[0].found
    assert bench.compose("small", "model=linear").options["model"] == "linear"


def test_in_mlforges_own_checkout_its_folders_clash_with_nothing(shipped: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert compose("diabetes", [], Project(ROOT), shipped).shadows == ()


def test_a_broken_component_of_a_plugin_harms_only_recipes_that_use_it(bench: Any) -> None:
    bench.with_plugin("mlforge-acme", {"model/broken": "acme_is_not_installed.model:Model"})
    assert bench.compose("small").name == "small"
    from mlforge.errors import MissingRequirement

    with pytest.raises(MissingRequirement, match="mlforge-acme"):
        bench.compose("small", "model=broken")


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        ({"recipes/a.yaml": "mlforge: 1\ndefaults: [b]\n", "recipes/b.yaml": "mlforge: 1\ndefaults: [a]\n"}, "recipes/a.yaml → recipes/b.yaml → recipes/a.yaml"),
        ({"recipes/a.yaml": "mlforge: 1\ndefaults: [small, {model: p}, _self_]\n", "conf/model/p.yaml": "defaults: [q]\n", "conf/model/q.yaml": "defaults: [p]\n"}, "conf/model/p.yaml → conf/model/q.yaml → conf/model/p.yaml"),
        ({"recipes/a.yaml": "mlforge: 1\ndefaults: [small, {model: p}, _self_]\n", "conf/model/p.yaml": "defaults: [p]\n"}, "conf/model/p.yaml → conf/model/p.yaml"),
    ],
)  # fmt: skip
def test_a_cycle_of_defaults_names_its_chain(bench: Any, files: dict[str, str], chain: str) -> None:
    bench.write(files)
    assert any(chain in problem.found for problem in bench.problems("a"))


def test_a_preset_that_builds_on_nothing(bench: Any) -> None:
    bench.write({"conf/model/empty.yaml": "hidden: [3]\n"})
    problem = bench.problem("small", "model=empty")
    assert (problem.where, problem.found) == ("model", "the preset empty builds on no component")


def test_a_cycle_through_a_path_is_found_too(bench: Any) -> None:
    bench.write(a="mlforge: 1\ndefaults: [a]\n")
    assert "a cycle" in bench.problem("./recipes/a.yaml").found


def test_files_that_cannot_be_read_are_problems(bench: Any) -> None:
    bench.write(a="mlforge: 1\n")
    (bench.project.recipes / "a.yaml").write_bytes(b"mlforge: 1\nname: \xff\xfe\n")
    problem = bench.problem("a")
    assert (problem.found, problem.origin.line) == ("is not UTF-8", 2)
    (bench.project.recipes / "a.yaml").write_bytes(b"x" * 2_000_000)
    assert "longer than" in bench.problem("a").found


def test_problems_further_found_by_plugins_are_reported(bench: Any) -> None:
    from mlforge.errors import Problem

    seen = []

    def further(plain: Any) -> list[Problem]:
        seen.append(plain["name"])
        return [Problem("x", "acme does not like it")]

    with pytest.raises(RecipeError, match="acme does not like it"):
        compose("small", [], bench.project, bench.catalog, further=further)
    assert seen == ["small"]
