"""How good the shipped recipes are on the census data's usual test file, means of three seeds, beside LightGBM alone.

    python benchmarks/adult_quality.py [RECIPE …] [-- key=value …]

Each recipe is run by the command line on `adult_train.csv`, seed by seed, in a project of its own; `mlforge predict` then scores `adult_test.csv`, which the
run never sees. The recipes leave out `sex`, `race` and `fnlwgt`; LightGBM alone is fitted both without and with them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, pstdev

from adult import CATEGORIES, NUMBERS, TEST, TRAIN

RECIPES = ("adult", "adult_resnet", "adult_lightgbm")
SEEDS = (0, 1, 2)
CLI = (sys.executable, "-P", "-c", "from mlforge.cli import main; main()")


def area(target: list[str], score: list[float]) -> float:
    """Under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([value == ">50K" for value in target], score))


def of_recipe(recipe: str, seed: int, more: list[str]) -> float:
    """One run and its area on the test file."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "mlforge.toml").write_text("")
        for file in (TRAIN, TEST):
            (project / file.name).write_bytes(file.read_bytes())
        _call(project, "run", recipe, f"source.path={TRAIN.name}", f"seed={seed}", *more)
        _call(project, "predict", recipe, "--source", TEST.name, "--sink", "out.parquet", "--keep", "income")
        out = pl.read_parquet(project / "out.parquet")
        return area(out["income"].to_list(), out["probability_>50K"].to_list())


def _call(project: Path, *arguments: str) -> None:
    done = subprocess.run([*CLI, *arguments], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mlforge {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def alone(seed: int, *, protected: bool) -> float:
    """LightGBM as its users call it: pandas' categories, a tenth of the rows to stop by."""
    import lightgbm
    import polars as pl

    numbers = [*NUMBERS, *(["fnlwgt"] if protected else [])]
    categories = [*CATEGORIES, *(["race", "sex"] if protected else [])]
    both = pl.concat([pl.read_csv(TRAIN), pl.read_csv(TEST)])
    table = both.select(pl.col(numbers), pl.col(categories)).to_pandas().astype(dict.fromkeys(categories, "category"))
    rows = pl.read_csv(TRAIN).height
    order = pl.int_range(rows, eager=True).sample(fraction=1.0, shuffle=True, seed=seed).to_numpy()
    target = (both["income"] == ">50K").to_numpy()
    fit, stop = order[rows // 10 :], order[: rows // 10]
    model = lightgbm.LGBMClassifier(n_estimators=3000, learning_rate=0.05, colsample_bytree=0.8, reg_lambda=1.0, random_state=seed, verbosity=-1)
    callbacks = [lightgbm.early_stopping(100, verbose=False)]
    model.fit(table.iloc[fit], target[fit], eval_set=[(table.iloc[stop], target[stop])], callbacks=callbacks)
    return area(both["income"][rows:].to_list(), model.predict_proba(table.iloc[rows:])[:, 1].tolist())


def _line(name: str, areas: list[float], seconds: float) -> None:
    print(f"{name:<34} {mean(areas):.4f}  ± {pstdev(areas):.4f}  {' '.join(f'{one:.4f}' for one in areas)}  {seconds:6.1f} s a run", flush=True)


def main(recipes: list[str], more: list[str]) -> None:
    """Print the table."""
    print(f"{'ROC AUC on adult_test.csv':<34} mean      sd       seeds {', '.join(map(str, SEEDS))}")
    for recipe in recipes or RECIPES:
        start = time.perf_counter()
        areas = [of_recipe(recipe, seed, more) for seed in SEEDS]
        _line(recipe, areas, (time.perf_counter() - start) / len(SEEDS))
    if recipes:
        return
    for protected in (False, True):
        start = time.perf_counter()
        areas = [alone(seed, protected=protected) for seed in SEEDS]
        _line(f"LightGBM alone, {'every column' if protected else 'the same columns'}", areas, (time.perf_counter() - start) / len(SEEDS))


if __name__ == "__main__":
    asked = sys.argv[1:]
    at = asked.index("--") if "--" in asked else len(asked)
    main(asked[:at], asked[at + 1 :])
