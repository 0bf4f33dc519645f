"""The built-in observers and loggers of fits keep their contracts."""

from __future__ import annotations

from mlforge.builtin.callbacks.device_stats import DeviceStats
from mlforge.builtin.callbacks.gradient_norm import GradientNorm
from mlforge.builtin.callbacks.learning_rate import LearningRate
from mlforge.builtin.loggers.csv import Csv
from mlforge.builtin.loggers.tensorboard import Tensorboard
from mlforge.testing import CallbackContract, LoggerContract


class TestDeviceStats(CallbackContract):
    component = DeviceStats()


class TestGradientNorm(CallbackContract):
    component = GradientNorm()


class TestLearningRate(CallbackContract):
    component = LearningRate()


class TestCsv(LoggerContract):
    component = Csv()


class TestTensorboard(LoggerContract):
    component = Tensorboard()
