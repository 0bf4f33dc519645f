"""A generated corpus of ways to name code: none is resolved, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import RecipeError

TARGETS = [
    "builtins.open", "builtins.eval", "builtins.exec", "builtins.__import__", "os.system", "os.popen", "posix.system", "nt.system", "subprocess.run",
    "subprocess.Popen", "subprocess.os.system", "pathlib.Path.write_text", "pathlib.os.system", "shutil.os.system",
    "logging.os.system", "importlib.import_module",
    "runpy.run_path", "pickle.loads", "urllib.request.urlopen", "multiprocessing.Process", "code.interact", "timeit.timeit", "hydra.utils.get_method",
    "hydra.utils.instantiate", "omegaconf.OmegaConf.register_new_resolver", "mlforge.recipe.composer.os.system", "pydantic.ImportString", "polars.os.system",
]  # fmt: skip
RESOLVERS = [
    "oc.create", "oc.decode", "oc.env", "oc.dict.keys", "oc.dict.values", "oc.select", "oc.deprecated", "hydra", "env", "python", "eval", "now", "import",
]  # fmt: skip
KEYS = ["_target_", "_args_", "_partial_", "_convert_", "_recursive_", "()"]
PLACES = [
    "",
    "model",
    "trainer",
    "source",
    "gates.thresholds",
    "gates.thresholds.rules.auc",
    "contract",
    "contract.columns.age",
    "stages.train",
    "unknown.deep.place",
]


def witness(folder: Path) -> str:
    return str(folder / "reached")


def at(place: str, body: str) -> str:
    lines = []
    parts = [part for part in place.split(".") if part]
    for depth, part in enumerate(parts):
        lines.append("  " * depth + f"{part}:")
    return "\n".join([*lines, "  " * len(parts) + body])


def bodies(folder: Path) -> Iterator[tuple[str, str]]:
    for place in PLACES:
        for index, key in enumerate(KEYS):
            target = TARGETS[(index + len(place)) % len(TARGETS)]
            yield place, f'"{key}": {target}'
        for resolver in RESOLVERS:
            yield place, f"anything: '${{{resolver}:{witness(folder)}}}'"
            yield place, f"anything: ['x ${{seed}} ${{{resolver}:{witness(folder)}}}']"
        yield place, "anything: '${${name}:x}'"
        yield place, "anything: '${oc.env:${name}}'"
        yield place, "anything: '\\${oc.env:HOME}'"
        yield place, "anything: '${oc.env:HOME,default}'"
    for target in TARGETS:
        yield "model", f"_target_: {target}"
        yield "trainer", f"callbacks: [{{_target_: {target}, _args_: ['{witness(folder)}', w]}}]"
        yield "", f"defaults: [adult, {{'{target}': x}}]"
        yield "", f"defaults: ['{target.replace('.', '/')}']"


def test_in_files(bench: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = 0
    for place, body in bodies(tmp_path):
        defaults = "" if body.startswith("defaults") else "defaults: [adult, _self_]\n"
        bench.write({"recipes/attack.yaml": f"mlforge: 1\n{defaults}{at(place, body)}\n"})
        with pytest.raises(RecipeError):
            bench.compose("attack")
        count += 1
    assert not Path(witness(tmp_path)).exists()
    with capsys.disabled():
        print(f" {count} of {count} refused", end="")  # noqa: T201  how many is what the reader wants to know
    assert count > 400


def test_on_the_command_line(bench: Any, tmp_path: Path) -> None:
    count = 0
    for target in TARGETS:
        for place in ("model", "trainer", "gates.thresholds", "contract.columns.age", "x"):
            for override in (f"+{place}._target_={target}", f"++{place}={{_target_: {target}}}", f"{place}.y='${{oc.create:{target}}}'", f"~{place}._target_"):
                with pytest.raises(RecipeError):
                    bench.compose("adult", "source.path=rows.csv", override)
                count += 1
    for override in (
        "hydra/launcher=joblib",
        "hydra.searchpath=[file:///tmp]",
        "+hydra.callbacks.x._target_=os.system",
        "hydra/sweeper=x",
        "hydra.mode=MULTIRUN",
        "hydra.job_logging={}",
    ):
        with pytest.raises(RecipeError, match="Hydra"):
            bench.compose("adult", override)
    assert count > 400


@pytest.mark.parametrize(
    "text", ["_target_: os.system\n", "defaults: ['${oc.env:HOME}', _self_]\n", "defaults: [{model: mlp}]\n", "hidden: '${oc.create:x}'\n", "deep: {'()': x}\n"]
)
def test_in_presets(bench: Any, text: str) -> None:
    bench.write({"conf/model/bad.yaml": text})
    assert any(str(problem.origin).startswith("conf/model/bad.yaml:1:") for problem in bench.problems("small", "model=bad"))


def test_refusals_come_before_anything_is_resolved(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.configured(env=("ALLOWED",))
    monkeypatch.setenv("ALLOWED", "not-to-be-read")
    bench.write(attack="mlforge: 1\ndefaults: [small, _self_]\nname: ${oc.env:ALLOWED}\nmodel: {_target_: os.system, droput: 1}\n")
    problem = bench.problem("attack")  # neither the variable nor the misspelt key was looked at
    assert problem.where == "model._target_"
    from mlforge.secrets import mask

    assert mask("not-to-be-read") == "not-to-be-read"


def test_only_variables_that_the_project_allows_are_read(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    assert "does not allow" in bench.problem("small", "description='${oc.env:SECRET}'").found
    bench.configured(env=("SECRET",))
    assert bench.compose("small", "description='${oc.env:SECRET}'").description == "hunter2"
    monkeypatch.delenv("SECRET")
    assert "SECRET is not set" in bench.problem("small", "description='${oc.env:SECRET}'").found


def test_no_variable_stands_in_what_travels_with_the_model(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    bench.configured(env=("SECRET",))
    problem = bench.problem("small", "contract.columns.x.description='${oc.env:SECRET}'")
    assert (problem.where, "travels with the model" in problem.found) == ("contract.columns.x.description", True)
