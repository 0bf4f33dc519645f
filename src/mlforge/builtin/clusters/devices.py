"""What this machine has to fit on."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cores", "gpus"]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> int:
    """GPUs that torch sees. torch is asked only where there is a driver: importing it takes seconds."""
    if not (Path("/proc/driver/nvidia/version").exists() or Path("/dev/kfd").exists() or Path("/dev/nvidiactl").exists()):
        return 0
    import torch

    return torch.cuda.device_count()
