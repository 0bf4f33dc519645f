"""For tests of plugins, and of mlforge: a contract suite for each kind of component, to be inherited, and the project fixture."""

from mlforge.testing.alerts import AlertContract
from mlforge.testing.callbacks import CallbackContract
from mlforge.testing.clusters import ClusterContract
from mlforge.testing.component import ComponentContract
from mlforge.testing.estimators import EstimatorContract
from mlforge.testing.exporters import ExporterContract
from mlforge.testing.gates import GateContract
from mlforge.testing.loggers import LoggerContract
from mlforge.testing.mitigations import MitigationContract
from mlforge.testing.monitors import MonitorContract
from mlforge.testing.networks import ModelContract
from mlforge.testing.perturbations import PerturbationContract
from mlforge.testing.probes import ProbeContract
from mlforge.testing.protections import ProtectionContract
from mlforge.testing.schemas import SchemaContract
from mlforge.testing.sources import SourceContract
from mlforge.testing.splitters import SplitterContract
from mlforge.testing.stages import StageContract
from mlforge.testing.sweeps import SweepContract
from mlforge.testing.trainers import TrainerContract
from mlforge.testing.transforms import TransformContract

__all__ = [
    "AlertContract", "CallbackContract", "ClusterContract", "ComponentContract", "EstimatorContract", "ExporterContract", "GateContract", "LoggerContract",
    "MitigationContract", "ModelContract", "MonitorContract", "PerturbationContract", "ProbeContract", "ProtectionContract", "SchemaContract", "SourceContract",
    "SplitterContract", "StageContract", "SweepContract", "TrainerContract", "TransformContract",
]  # fmt: skip
