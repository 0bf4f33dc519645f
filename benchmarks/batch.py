"""Batch prediction with the Adult model, a CSV of raw rows to a parquet file of predictions, beside MLflow's `pyfunc` on pandas.

`python benchmarks/batch.py [ROWS [MORE]]` (1,000,000 and 10,000,000). MLflow gets the same kind of network, two layers of
256, as a scikit-learn pipeline, which is how its users take raw rows in. The last table is mlforge alone over more rows: memory has to stay where it was.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from adult import CATEGORIES, NUMBERS, TEST, TRAIN
from ingest import PEAK
from race import Contender, race
from startup import MLFORGE

CLI = "from mlforge.cli.entry import run\nassert run(['predict', 'adult', '--source', '{source}', '--sink', '{sink}']) == 0\n"
PYFUNC = """
import warnings
warnings.filterwarnings("ignore")
import mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model("{model}")
frame = pd.read_csv("{source}")
pd.DataFrame(model.predict(frame)).to_parquet("{sink}")
"""
BUILD = """
import sys, warnings
warnings.filterwarnings("ignore")
import mlflow.sklearn, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
numbers, categories = {numbers!r}, {categories!r}
table = pd.read_csv("{train}")
front = ColumnTransformer([("numbers", StandardScaler(), numbers), ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories)])
pipeline = make_pipeline(front, MLPClassifier((256, 256), batch_size=1024, max_iter=10, random_state=0))
pipeline.fit(table[numbers + categories], table["income"])
mlflow.sklearn.save_model(pipeline, "{model}", pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle")
"""


def main(rows: int = 1_000_000, more: int = 10_000_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = str(Path(MLFORGE).with_name("python"))
        (folder / "mlforge.toml").write_text("")
        shutil.copy(TRAIN, folder / "train.csv")
        subprocess.run([MLFORGE, "run", "adult", "source.path=train.csv"], cwd=folder, check=True, capture_output=True)
        model = folder / "pyfunc"
        subprocess.run(
            [python, "-c", BUILD.format(numbers=list(NUMBERS), categories=list(CATEGORIES), train=TRAIN, model=model)], check=True, capture_output=True
        )
        _write(folder / "rows.csv", rows)
        contenders = [
            Contender("mlforge predict", [python, "-c", CLI.format(source="rows.csv", sink="ours.parquet") + PEAK], cwd=folder),
            Contender(
                "MLflow pyfunc, scikit-learn pipeline",
                [python, "-c", PYFUNC.format(model=model, source="rows.csv", sink="theirs.parquet") + PEAK],
                cwd=folder,
            ),
        ]
        race(f"Batch prediction of {rows:,} rows of Adult, CSV to parquet", contenders, contenders[0].name, rounds=3)
        assert pl.scan_parquet(folder / "ours.parquet").select(pl.len()).collect().item() == rows
        if more:
            _write(folder / "rows.csv", more)
            race(f"The same for {more:,} rows", contenders[:1], contenders[0].name, rounds=1, warmup=0)


def _write(path: Path, rows: int) -> None:
    table = pl.read_csv(TEST, infer_schema=False)
    with path.open("wb") as file:
        table.clear().write_csv(file)
        left = rows
        while left:
            part = table.head(left)
            part.write_csv(file, include_header=False)
            left -= part.height


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
