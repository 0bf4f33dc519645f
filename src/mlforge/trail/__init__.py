"""Why something is as it is: the causal trail of an alert, a verdict, a run, a version or a rollback, from records and the audit log alone."""

from __future__ import annotations

from mlforge.trail.marks import marks
from mlforge.trail.question import trail_of
from mlforge.trail.trail import Step, Trail

__all__ = ["Step", "Trail", "marks", "trail_of"]
