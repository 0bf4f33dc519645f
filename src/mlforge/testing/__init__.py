"""For tests of plugins, and of mlforge: a contract suite for each kind of component, to be inherited, and the project fixture."""

from mlforge.testing.component import ComponentContract
from mlforge.testing.estimators import EstimatorContract
from mlforge.testing.exporters import ExporterContract
from mlforge.testing.gates import GateContract
from mlforge.testing.networks import ModelContract
from mlforge.testing.probes import ProbeContract
from mlforge.testing.protections import ProtectionContract
from mlforge.testing.schemas import SchemaContract
from mlforge.testing.sources import SourceContract
from mlforge.testing.splitters import SplitterContract
from mlforge.testing.stages import StageContract
from mlforge.testing.trainers import TrainerContract
from mlforge.testing.transforms import TransformContract

__all__ = [
    "ComponentContract", "EstimatorContract", "ExporterContract", "GateContract", "ModelContract", "ProbeContract", "ProtectionContract", "SchemaContract",
    "SourceContract", "SplitterContract", "StageContract", "TrainerContract", "TransformContract",
]  # fmt: skip
