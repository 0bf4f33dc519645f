"""The model of the second race: the shipped recipe `adult`, briefly trained; its bundle, and rows as JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

DATA = Path(os.environ.get("MLFORGE_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "adult_train.csv"


def main(work: Path) -> None:
    """Write the bundle `named/` and `records.json`."""
    from mlforge.artifact import Bundles
    from mlforge.store import Store

    project = work / "project"
    project.mkdir()
    (project / "mlforge.toml").touch()  # a project of its own, whatever lies above
    arguments = ("run", "adult", f"source.path={DATA}", "trainer.max_epochs=1", "gates.thresholds.rules.auc.min=0.5")
    env = {**os.environ, "MLFORGE_BLOCK_PLUGINS": ",".join(path.name for path in (Path(__file__).parents[2] / "plugins").glob("*/"))}
    subprocess.run([sys.executable, "-c", "from mlforge.cli import main; main()", *arguments], cwd=project, env=env, check=True)
    with Store.at(None, project / ".mlforge") as store:
        folder = Bundles(store.artifacts.path(store.registry.resolve("adult").bundle)).bundle()
        shutil.copytree(folder, work / "named", copy_function=shutil.copyfile)
    columns = json.loads((folder / "bundle.json").read_text())["contract"]["columns"]
    rows = pl.read_csv(DATA, n_rows=400).rename(lambda name: name.strip().replace("-", "_").replace(".", "_")).select(list(columns))
    whole = rows.filter(~pl.any_horizontal(pl.col(pl.String).str.strip_chars() == "?")).head(100)  # peers' handlers know no missing values
    (work / "records.json").write_text(json.dumps(whole.with_columns(pl.col(pl.String).str.strip_chars()).to_dicts()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
