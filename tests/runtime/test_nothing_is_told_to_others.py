from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from onnx import TensorProto, helper

OPEN = "import sys; from pathlib import Path; from mlforge.runtime.session import Graph; print(Graph(Path(sys.argv[1])).outputs)"


def test_opening_a_graph_leaves_no_trace_for_the_runtime_s_maker(tmp_path: Path) -> None:
    """onnxruntime keeps a device's number and events to be sent beside the user's files, unless it is told not to before it is imported."""
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negative", given[:1], given[1:])
    model = tmp_path / "model.onnx"
    model.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString())
    places = {name: tmp_path / name.lower() for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME")}
    for folder in places.values():
        folder.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")} | {name: str(folder) for name, folder in places.items()}
    done = subprocess.run([sys.executable, "-c", OPEN, str(model)], env=env, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "('y',)"
    assert [path for folder in places.values() for path in folder.rglob("*") if path.is_file()] == []
