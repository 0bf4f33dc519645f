"""The fit inside mlforge against a bare loop of the same network over as many rows; the whole run, from CSV to registered model, against Ludwig's `train`."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import adult
import peers
from race import Contender, race
from startup import MLFORGE

SAME = ["model.dropout=0", f"trainer.max_epochs={adult.EPOCHS}", f"trainer.batch_size={adult.BATCH}", "trainer.patience=null"]
LUDWIG = """
input_features:
{inputs}
output_features:
  - {{name: income, type: category}}
combiner: {{type: concat, num_fc_layers: 2, output_size: 256}}
trainer: {{epochs: {epochs}, batch_size: {batch}, early_stop: -1}}
"""


def main(rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = folder / ".mlforge"

        def fresh() -> None:
            shutil.rmtree(state, ignore_errors=True)

        def fit(output: str) -> Mapping[str, float]:
            rows = sqlite3.connect(state / "records.db").execute("SELECT name, body FROM findings WHERE name IN ('train/seconds', 'test/roc_auc')")
            found = {name: json.loads(body) for name, body in rows if json.loads(body)["subject"] == "candidate"}
            return {"fit_s": found["train/seconds"]["value"], "auc": found["test/roc_auc"]["value"]}

        run = [MLFORGE, "run", "adult", f"source.path={adult.TRAIN}", *SAME]
        contenders = [
            Contender("bare loop", [sys.executable, str(Path(__file__).with_name("adult.py")), "bare"], cwd=folder),
            Contender("mlforge run adult", run, cwd=folder, before=fresh, figures=fit),
        ]
        if peers.there("ludwig"):
            inputs = "\n".join(f"  - {{name: {n}, type: number}}" for n in adult.NUMBERS)
            inputs += "".join(f"\n  - {{name: {n}, type: category, encoder: {{type: onehot}}}}" for n in adult.CATEGORIES)
            (folder / "ludwig.yaml").write_text(LUDWIG.format(inputs=inputs, epochs=adult.EPOCHS, batch=adult.BATCH))
            train = [peers.command("ludwig", "ludwig"), "train", "-c", "ludwig.yaml", "--dataset", str(adult.TRAIN), "--output_directory", "ludwig_out"]
            contenders.append(Contender("ludwig train", [*train, "--skip_save_processed_input", "--logging_level", "error"], cwd=folder))
        table = race("Training on Adult: 2×256, batch 1024, 10 epochs", contenders, contenders[-1].name, rounds=rounds)
    fits = {row["name"]: row["fit_s"] for row in table if "fit_s" in row}
    print(f"\nfit inside mlforge ÷ bare loop: {fits['mlforge run adult'] / fits['bare loop']:.2f}")  # type: ignore[index]


if __name__ == "__main__":
    main()
