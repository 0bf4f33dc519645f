"""Trainers with a flaw, over mlforge's own for estimators."""

import json
import os
import tempfile
import time
from pathlib import Path

from mlforge.builtin.trainers.estimator import Estimator


class Dated(Estimator):
    """Notes the time among what was learned."""

    def fit(self, fitting):
        super().fit(fitting)
        path = fitting.folder / "trained.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "at": time.time_ns()}))


class Careless(Estimator):
    """Keeps whatever comes of it."""

    def fit(self, fitting):
        from dataclasses import replace

        from mlforge.errors import RunFailed

        try:
            super().fit(fitting)
        except RunFailed:
            import numpy as np

            whole = replace(fitting, train=replace(fitting.train, target=np.nan_to_num(fitting.train.target)), validation=fitting.train)
            super().fit(replace(whole, validation=whole.train))


class Curveless(Estimator):
    """Leaves no curves."""

    def fit(self, fitting):
        super().fit(fitting)
        (fitting.folder / "curves.parquet").unlink()


class Leaving(Estimator):
    """Clears up when all has gone well, and only then."""

    def fit(self, fitting):
        handle, name = tempfile.mkstemp()
        super().fit(fitting)
        os.close(handle)
        Path(name).unlink()
