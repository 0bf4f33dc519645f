"""Learning from what another model says. Only `mixed` needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mlforge.units import Share

if TYPE_CHECKING:
    import torch

__all__ = ["Distil"]


class Distil(BaseModel):
    """Knowledge distillation (Hinton et al., 2015): a small network learns from what a large one says of the training rows, besides their labels."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    teacher: str = Field(min_length=1, description="the registered model to learn from, such as adult_resnet@3; with @champion another one makes another fit")
    share: Share = Field(default=0.7, gt=0, description="how much of the loss is about what the teacher says; the rest is about the labels")
    temperature: float = Field(default=2.0, ge=1, le=20, description="how far probabilities are evened out first, so that small ones count too")

    def mixed(self, losses: torch.Tensor, scores: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
        """Each row's loss: partly against its label, partly against the teacher's scores."""
        from torch.nn import functional

        scores = scores.float()
        if scores.shape[1] == 1:
            apart = (scores - taught).square().squeeze(1)
        else:
            teacher = functional.log_softmax(taught / self.temperature, dim=1)
            own = functional.log_softmax(scores / self.temperature, dim=1)
            apart = functional.kl_div(own, teacher, reduction="none", log_target=True).sum(1) * self.temperature**2
        return (1 - self.share) * losses + self.share * apart
