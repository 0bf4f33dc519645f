"""How much of a device's arithmetic a fit has used: model FLOPs utilisation. Imports torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from mlforge.finding import Finding

__all__ = ["Counted", "peak_flops", "utilisation"]


@runtime_checkable
class Counted(Protocol):
    """A network that knows what a row costs: a property `flops_per_row`, and `context`, the tokens of a row."""

    @property
    def flops_per_row(self) -> float:
        """Floating point operations of a training step for one row, forward and backward, without what activation checkpointing computes again."""

    context: int


_PEAKS: Mapping[str, tuple[float, float]] = {
    # name of the device, of several that it has the longest: 16-bit tensor cores, and TF32 tensor cores, dense; FLOP/s. Data sheets, as of November 2026
    "GB300": (2.5e15, 1.25e15),
    "B300": (2.25e15, 1.1e15),
    "GB200": (2.5e15, 1.25e15),
    "B200": (2.25e15, 1.1e15),
    "GH200": (989.4e12, 494.7e12),
    "H200": (989.4e12, 494.7e12),
    "H200 NVL": (835.5e12, 417.5e12),
    "H100": (989.4e12, 494.7e12),
    "H100 NVL": (835.5e12, 417.5e12),
    "H100 PCIe": (756e12, 378e12),
    "H800": (989.4e12, 494.7e12),
    "H20": (148e12, 74e12),
    "A100": (312e12, 156e12),
    "A800": (312e12, 156e12),
    "A40": (149.7e12, 74.8e12),
    "A30": (165e12, 82e12),
    "A10": (125e12, 62.5e12),
    "A10G": (70e12, 35e12),
    "L40S": (362.05e12, 183e12),
    "L40": (181.05e12, 90.5e12),
    "L4": (121e12, 60e12),
    "RTX 6000 Ada": (364.2e12, 182.1e12),
    "RTX A6000": (154.8e12, 77.4e12),
    "RTX 5090": (209.5e12, 104.8e12),
    "RTX 4090": (165.2e12, 82.6e12),
    "RTX 3090": (71e12, 35.6e12),
    "V100": (125e12, 15.7e12),
    "T4": (65e12, 8.1e12),
    "MI300X": (1307.4e12, 653.7e12),
}


def peak_flops(device: str, precision: str) -> float | None:
    """What a device can do at most in a second, dense, in the number format of the products; None when it is not known.

    For `32-true` that is TF32, which torch uses only where it is allowed to: the share is too small rather than too large.
    """
    known = [name for name in _PEAKS if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", device, re.IGNORECASE)]  # whole words: an L40 is no L4
    if not known or " MIG " in device:  # a part of a device has a part of its peak
        return None
    half, single = _PEAKS[max(known, key=len)]
    return single if precision.startswith("32") else half if precision.startswith(("bf16", "16")) else None


def utilisation(network: nn.Module, rows_per_second: float, precision: str, devices: int) -> Iterator[Finding]:
    """Of a network that is `Counted`: tokens per second; and `train/mfu` on a device whose peak is known.

    Model FLOPs utilisation (Chowdhery et al., 2022, appendix B): operations that the network needs, whatever is computed again, by what the devices could do.
    """
    network = getattr(network, "_orig_mod", network)  # what torch.compile has wrapped
    if not isinstance(network, Counted):
        return
    tokens = rows_per_second * network.context
    yield Finding(name="train/tokens_per_second", value=tokens, unit="tokens/s", volatile=True, better="higher", text="tokens that training went through")
    if not torch.cuda.is_available() or (peak := peak_flops(torch.cuda.get_device_name(), precision)) is None:
        return
    share = rows_per_second * network.flops_per_row / (peak * devices)
    text = f"share of the {peak / 1e12:.4g} TFLOP/s that a {torch.cuda.get_device_name()} has in {precision}"
    yield Finding(name="train/mfu", value=share, volatile=True, better="higher", text=text)
