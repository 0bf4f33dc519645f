"""The built-in networks, trainers and exporters keep their contracts."""

from __future__ import annotations

import pytest

from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.exporters.onnx_fp16 import OnnxFp16
from mlforge.builtin.exporters.onnx_int8 import OnnxInt8
from mlforge.builtin.exporters.safetensors import Safetensors
from mlforge.builtin.exporters.torch_export import TorchExport
from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.models.tabular_resnet import TabularResnet
from mlforge.builtin.models.tiny_lm import TinyLm
from mlforge.builtin.trainers.estimator import Estimator
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.testing import ExporterContract, ModelContract, TrainerContract


class TestLinear(ModelContract):
    component = Linear()


class TestMlp(ModelContract):
    component = Mlp(hidden=(16,))


class TestTabularResnet(ModelContract):
    component = TabularResnet()


class TestFtTransformer(ModelContract):
    component = FtTransformer()


class TestTinyLm(ModelContract):
    component = TinyLm(layers=1, heads=2, width=16)
    feeds = ("bytes",)


class TestLightning(TrainerContract):
    component = Lightning(max_epochs=6, batch_size=32, lr=0.05, accelerator="cpu", threads=1, checkpoint_every=0.001)


class TestEstimator(TrainerContract):
    component = Estimator(threads=1)


class TestOnnx(ExporterContract):
    component = Onnx()


class TestOnnxFp16(ExporterContract):
    component = OnnxFp16()
    families = ("network",)
    tolerance = 2e-3


@pytest.mark.slow  # the graph is onnx's; what is beside it has tests of its own
class TestSafetensors(ExporterContract):
    component = Safetensors()
    families = ("network",)


@pytest.mark.slow  # likewise
class TestTorchExport(ExporterContract):
    component = TorchExport()
    families = ("network",)


class TestOnnxInt8(ExporterContract):
    component = OnnxInt8(rows=100)
    families = ("network",)
    tolerance = 0.1
