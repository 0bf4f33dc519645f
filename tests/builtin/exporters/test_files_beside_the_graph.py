from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mlforge.artifact import Block
from mlforge.builtin.exporters.safetensors import Safetensors
from mlforge.builtin.exporters.torch_export import TorchExport
from mlforge.errors import MissingRequirement
from mlforge.runtime.bundle import read_bundle
from mlforge.task import Output
from mlforge.testing.exporters import shipment


def test_weights_and_config_alone_make_the_network_again(tmp_path: Path) -> None:
    given = shipment(tmp_path)
    Safetensors().export(given)
    assert set(read_bundle(given.folder).files) == {"model.onnx", "config.json", "weights.safetensors"}
    told = json.loads((given.folder / "config.json").read_bytes())
    module, _, name = told["model"]["component"].partition(":")
    model = getattr(importlib.import_module(module), name).model_validate_json(json.dumps(told["model"]["fields"]))
    blocks = tuple(Block(**{**block, "cardinalities": tuple(block["cardinalities"])}) for block in told["blocks"])
    network = model.build(blocks, Output(**{**told["output"], "classes": tuple(told["output"]["classes"])}))
    network.load_state_dict(load_file(given.folder / "weights.safetensors"))
    rows = given.training_rows(20)
    with torch.no_grad():
        assert np.array_equal(network.eval()(*map(torch.from_numpy, rows)).numpy(), given.scorer()(rows))


def test_without_a_compiler_it_is_told_before_anything_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingRequirement, match=r"needs a C\+\+ compiler, and there is none"):
        TorchExport().export(replace(shipment(tmp_path), aside=tmp_path / "aside"))


@pytest.mark.slow
def test_the_compiled_network_lies_beside_the_bundle_and_says_the_same(tmp_path: Path) -> None:
    from torch._inductor import aoti_load_package

    given = replace(shipment(tmp_path), aside=tmp_path / "aside")
    TorchExport().export(given)
    assert [path.name for path in (tmp_path / "aside").iterdir()] == ["network.pt2"]
    assert set(read_bundle(given.folder).files) == {"model.onnx"}
    rows = given.training_rows(7)
    said = aoti_load_package(str(tmp_path / "aside" / "network.pt2"))(*map(torch.from_numpy, rows)).numpy()
    assert np.allclose(said, given.scorer()(rows), atol=1e-5)
