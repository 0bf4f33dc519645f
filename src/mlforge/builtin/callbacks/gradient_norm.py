"""How long gradients are."""

from __future__ import annotations

from typing import Any

from mlforge.components import Callback, Fitting
from mlforge.finding import Finding

__all__ = ["GradientNorm"]


class GradientNorm(Callback):
    """Measures how long each step's gradient is, before it is clipped: curves, and the longest as a finding."""

    def build(self, fitting: Fitting) -> Any:
        """The callback."""
        import torch
        from pytorch_lightning import Callback as LightningCallback

        class Measure(LightningCallback):  # type: ignore[misc]  # pytorch_lightning is not typed for us
            def __init__(self) -> None:
                self.norms: list[torch.Tensor] = []  # of the epoch's steps
                self.longest = 0.0

            def on_before_optimizer_step(self, trainer: Any, module: Any, optimizer: Any) -> None:
                self.norms.append(torch.nn.utils.get_total_norm([weight.grad for weight in module.parameters() if weight.grad is not None]).detach())

            def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
                norms = torch.stack(self.norms).float().cpu()
                self.longest, self.norms = max(self.longest, float(norms.max())), []
                module.log_dict({"train/gradient_norm": norms.mean(), "train/gradient_norm_max": norms.max()})

            def on_train_end(self, trainer: Any, module: Any) -> None:
                if fitting.place.first:
                    text = f"the longest gradient of a step was {self.longest:.3g} long"
                    fitting.find(Finding(name="train/gradient_norm", value=self.longest, text=text))

            def state_dict(self) -> dict[str, Any]:
                return {"norms": list(self.norms), "longest": self.longest}

            def load_state_dict(self, state: dict[str, Any]) -> None:
                self.norms, self.longest = list(state["norms"]), state["longest"]

        return Measure()
