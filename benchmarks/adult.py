"""The Adult data, and the bare PyTorch loop that mlforge's fit is held against."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

DATA = Path(os.environ.get("MLFORGE_DATA", Path(__file__).parents[2] / "shared" / "data"))
TRAIN = DATA / "adult_train.csv"
TEST = DATA / "adult_test.csv"
EPOCHS, BATCH = 10, 1024
SHARE = 0.7  # of the rows are for training in mlforge's recipe; the bare loop gets as many
NUMBERS = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
CATEGORIES = ("workclass", "education", "marital_status", "occupation", "relationship", "native_country")


def bare() -> None:
    """A 2×256 network over ready tensors, one-hot, Adam: what the arithmetic alone costs."""
    began = time.perf_counter()
    import numpy as np
    import polars as pl
    import torch

    frame = pl.read_csv(TRAIN).sample(fraction=1.0, shuffle=True, seed=0)
    numbers = frame.select((pl.col(name) - pl.col(name).mean()) / pl.col(name).std() for name in NUMBERS).to_numpy().astype(np.float32)
    onehot = frame.select(CATEGORIES).to_dummies().to_numpy().astype(np.float32)
    rows = int(SHARE * frame.height)
    x = torch.from_numpy(np.concatenate([numbers, onehot], 1)[:rows])
    y = torch.from_numpy((frame["income"] == ">50K").to_numpy().astype(np.int64)[:rows])
    torch.manual_seed(0)
    layers = torch.nn.Linear(x.shape[1], 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 2)
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    loss = torch.nn.CrossEntropyLoss()
    fit = time.perf_counter()
    for _ in range(EPOCHS):
        order = torch.randperm(rows)
        for start in range(0, rows, BATCH):
            some = order[start : start + BATCH]
            value = loss(network(x[some]), y[some])
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
    end = time.perf_counter()
    print("BENCH_JSON " + json.dumps({"fit_s": end - fit, "before_fit_s": fit - began}))


if __name__ == "__main__":
    assert sys.argv[1:] == ["bare"]
    bare()
