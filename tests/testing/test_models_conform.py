"""The built-in networks, trainers and exporters keep their contracts."""

from __future__ import annotations

from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.models.tabular_resnet import TabularResnet
from mlforge.testing import ModelContract


class TestLinear(ModelContract):
    component = Linear()


class TestMlp(ModelContract):
    component = Mlp(hidden=(16,))


class TestTabularResnet(ModelContract):
    component = TabularResnet()


class TestFtTransformer(ModelContract):
    component = FtTransformer()
