"""What a replica begins with."""

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
    """Models, settings, and how many replicas there are to be at least. The folders of the offers are those of the machine that leads."""

    version: str  # of mlforge
    offers: tuple[Offer, ...]
    settings: Serve
    replicas: int
    threads: int  # of one prediction
