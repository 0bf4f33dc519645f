from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mlforge.compress import Compress

TREES = '''
from typing import ClassVar
from mlforge.components import Model

class Trees(Model):
    """Trees."""
    family: ClassVar[str] = "estimator"
    def build(self, blocks, output):
        raise NotImplementedError
'''

RECIPE = """
mlforge: 1
defaults: [lifecycle, source: sample, split: random, model: {model}, trainer: {trainer}, exporters: [{exporters}], evaluators: [classification], {gates} _self_]
name: small
source: {{name: breast_cancer}}
contract: {{columns: {{mean_radius: {{dtype: float, name: mean radius}}, target: {{dtype: category, role: target}}}}}}
compress: {compress}
"""


def problems(bench: Any, compress: str, exporters: str = "onnx, onnx_int8", gates: str = "gates: [baseline],", model: str = "linear") -> dict[str, Any]:
    text = RECIPE.format(compress=compress, exporters=exporters, gates=gates, model=model, trainer="lightning")
    if not exporters:
        text = text.replace("exporters: [], ", "").replace("evaluators: [classification], ", "")
    bench.write(shrunk=text)
    return {problem.where: problem for problem in bench.problems("shrunk")}


def fine(bench: Any, compress: str, exporters: str = "onnx, onnx_int8") -> Compress | None:
    bench.write(shrunk=RECIPE.format(compress=compress, exporters=exporters, gates="gates: [baseline],", model="linear", trainer="lightning"))
    found: Compress | None = bench.compose("shrunk").compress
    return found


def test_a_contract_that_can_be_kept_is_no_problem(bench: Any) -> None:
    asked = fine(bench, "{max_drop: 0.5%, min_speedup: 1.2, max_size: 4MB, runtime: onnxruntime-cpu}")
    assert asked == Compress(max_drop=0.005, min_speedup=1.2, max_size=4_000_000)


@pytest.mark.parametrize(
    ("compress", "where", "found"),
    [
        ("{}", "compress", "nothing is asked: write max_drop, min_speedup or max_size"),
        ("{max_dropp: 0.1}", "compress.max_dropp", "unknown key"),
        ("{max_size: 4 megs}", "compress.max_size", "a size is a number of bytes"),
        ("{max_drop: 2}", "compress.max_drop", "1"),
        ("{min_speedup: 0}", "compress.min_speedup", "0"),
        ("{max_drop: 0.1, runtime: tensorrt}", "compress.runtime", "onnxruntime-cpu"),
    ],
)
def test_what_is_wrong_with_a_contract_is_told_where_it_stands(bench: Any, compress: str, where: str, found: str) -> None:
    told = problems(bench, compress)
    assert where in told, told
    assert found in str(told[where])


def test_a_contract_without_exporters_has_nothing_to_choose_from(bench: Any) -> None:
    assert "nothing is exported" in problems(bench, "{max_drop: 0.1}", exporters="", gates="")["compress"].found


def test_a_contract_without_gates_could_not_say_no(bench: Any) -> None:
    assert "no gates" in problems(bench, "{max_drop: 0.1}", gates="")["compress"].found


def test_one_exporter_cannot_be_faster_than_itself(bench: Any) -> None:
    assert problems(bench, "{min_speedup: 1.2}", exporters="onnx")["compress.min_speedup"].found == "there is one exporter, and nothing is faster than itself"
    assert fine(bench, "{max_drop: 0.1}", exporters="onnx") == Compress(max_drop=0.1)


def test_an_exporter_of_networks_is_not_for_an_estimator(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_trees.py").write_text(TREES)
    monkeypatch.syspath_prepend(tmp_path)
    bench.with_plugin("mlforge-acme", {"model/trees": "acme_trees:Trees"})
    told = problems(bench, "{max_drop: 0.1}", model="trees")["exporters.onnx_int8"]
    sys.modules.pop("acme_trees", None)
    assert (told.found, told.expected) == ("it exports no estimator, and trees is one", "an exporter for it; this one is for network")
