"""What a replica is started with."""

from __future__ import annotations

from dataclasses import dataclass

from mlforge.service.serve import Serve
from mlforge.serving.offer import Offer

__all__ = ["ACTOR", "APPLICATION", "NAMESPACE", "ReplicaConfig"]

APPLICATION = "mlforge"  # its name in Ray Serve
NAMESPACE = "mlforge"  # of the coordinator
ACTOR = "mlforge-coordinator"


@dataclass(frozen=True, slots=True)
class ReplicaConfig:
    """Models, settings, and the least number of replicas. The folders of the offers are those of the leading machine."""

    version: str  # of mlforge
    offers: tuple[Offer, ...]
    settings: Serve
    replicas: int
    threads: int  # of one prediction
