"""What a fit asks of its device."""

from __future__ import annotations

from typing import Any

from mlforge.components import Callback, Fitting
from mlforge.finding import Finding

__all__ = ["DeviceStats"]


class DeviceStats(Callback):
    """Measures how much memory the fit takes at most: of the GPU where it trains on one, else of the process."""

    def build(self, fitting: Fitting) -> Any:
        """The callback."""
        import resource

        import torch
        from pytorch_lightning import Callback as LightningCallback

        class Measure(LightningCallback):  # type: ignore[misc]  # pytorch_lightning is not typed for us
            def on_train_end(self, trainer: Any, module: Any) -> None:
                if not fitting.place.first:
                    return
                gpu = module.device.type == "cuda"
                most = torch.cuda.max_memory_allocated(module.device) if gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                text = f"at most {most / 2**20:,.0f} MiB of {'the GPU' if gpu else 'memory'} were taken"
                fitting.find(Finding(name="train/device_memory", value=most, unit="bytes", better="lower", volatile=True, text=text))

        return Measure()
