"""The language model's training steps inside mlforge against a bare PyTorch loop of the same network; with a GPU of known peak also MFU.

python benchmarks/tiny_lm.py              # what fits the machine: small on a CPU, 127 million weights in bf16 with compile on a GPU
python benchmarks/tiny_lm.py --size small
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mlforge.artifact import Block
from mlforge.builtin.models.tiny_lm import TinyLm
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.builtin.trainers.utilisation import peak_flops
from mlforge.components import Fitting, Tensors
from mlforge.finding import Finding
from mlforge.task import Output

WARM = 10  # steps that do not count, as in train/rows_per_second


@dataclass(frozen=True)
class Size:
    """What is trained, and for how many steps."""

    model: TinyLm
    context: int
    batch: int
    steps: int
    precision: str = "32-true"
    compile: bool = False

    @property
    def output(self) -> Output:
        """What the model puts out."""
        return Output("bytes", "text", context=self.context)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What it reads."""
        return (Block("bytes", "uint8", self.context),)


SIZES = {
    "small": Size(TinyLm(), 64, 16, 110),
    "gpt2": Size(TinyLm(layers=18, heads=12, width=768), 1024, 32, 100, "bf16-mixed", compile=True),
}


def texts(size: Size, rows: int) -> Tensors:
    """Random letters: what is read does not change how fast it is."""
    read = np.random.default_rng(0).integers(97, 123, (rows, size.context), np.uint8)
    count = np.full((rows, 1), size.context, np.int64)
    return Tensors((read,), count, count[:, 0].astype(np.float32))


def bare(size: Size, tensors: Tensors) -> float:
    """Rows per second of a loop that does nothing but train."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    network = size.model.build(size.blocks, size.output).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01, fused=True)
    run = torch.compile(network) if size.compile else network
    rows, order = torch.from_numpy(tensors.blocks[0]), torch.randperm(len(tensors))
    began = 0.0
    for step in range(size.steps):
        if step == WARM:
            _wait()
            began = time.perf_counter()
        some = rows[order[step * size.batch : (step + 1) * size.batch]]
        some = some.pin_memory().to(device, non_blocking=True) if device == "cuda" else some
        with torch.autocast(device, torch.bfloat16, enabled=size.precision == "bf16-mixed"):
            scores = run(some)
        loss = scores[:, -2].sum() / scores[:, -1].sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    _wait()
    return (size.steps - WARM) * size.batch / (time.perf_counter() - began)


def forged(size: Size, tensors: Tensors) -> Mapping[str, float]:
    """What mlforge's trainer finds of the same steps."""
    found: list[Finding] = []
    more = {"compile": "default"} if size.compile else {}
    trainer = Lightning(max_epochs=1, batch_size=size.batch, precision=size.precision, checkpoint_every=3600.0, **more)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("out", "work")]
        for folder in folders:
            folder.mkdir()
        part = texts(size, size.batch)
        fitting = Fitting(size.model, size.blocks, size.output, tensors, part, 0, *folders, smoke=False, progress=lambda *_: None, find=found.append)
        trainer.fit(fitting)
    return {finding.name: finding.value for finding in found if finding.value is not None}


def main(rounds: int = 3) -> None:
    """Race them in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="gpt2" if torch.cuda.is_available() else "small")
    parser.add_argument("--rounds", type=int, default=rounds)
    chosen = parser.parse_args()
    size = SIZES[chosen.size]
    tensors = texts(size, size.steps * size.batch)
    seen = [(bare(size, tensors), forged(size, tensors)) for _ in range(chosen.rounds)]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    network = size.model.build(size.blocks, size.output)
    weights = sum(weight.numel() for weight in network.parameters())
    print(f"\n### tiny_lm, {weights / 1e6:.3g} M weights, context {size.context}, batch {size.batch}, {size.precision}, compile {size.compile}, {device}\n")
    print("| contender | tokens/s | data wait | MFU |\n|---|---|---|---|")
    peak = peak_flops(device, size.precision)
    for name, speeds, waits in (
        ("bare loop", [one for one, _ in seen], []),
        ("mlforge", [found["train/rows_per_second"] for _, found in seen], [found["train/data_wait_share"] for _, found in seen]),
    ):
        speed = statistics.median(speeds)
        share = f"{speed * network.flops_per_row / peak:.1%}" if peak else "–"  # type: ignore[operator]
        print(f"| {name} | {speed * size.context:,.0f} | {f'{statistics.median(waits):.2%}' if waits else '–'} | {share} |")
    print(f"\nmlforge ÷ bare loop: {statistics.median(found['train/rows_per_second'] / one for one, found in seen):.3f}")


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
