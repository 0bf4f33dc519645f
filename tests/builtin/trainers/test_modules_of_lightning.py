"""A LightningModule and a LightningDataModule that a plugin registers, through a whole run to a registered model; and its fit, killed and continued."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from tests.builtin.trainers.fittings import files, fitting

from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # Lightning's own, in a whole run

PLUGIN = '''
    """A network that learns in its own way, from rows of its own."""

    from mlforge.components import DataModuleSource, Model
    from mlforge.hookspecs import hookimpl


    @hookimpl
    def mlforge_components():
        return {"model/own": "mine:Own", "source/rings": "mine:Rings"}


    class Own(Model):
        """Two layers with an optimiser, a schedule and a loss of their own."""

        width: int = 16

        def build(self, blocks, output):
            import torch
            from pytorch_lightning import LightningModule

            class Module(LightningModule):
                def __init__(self, columns, width, classes):
                    super().__init__()
                    self.layers = torch.nn.Sequential(torch.nn.Linear(columns, width), torch.nn.Tanh(), torch.nn.Linear(width, classes))
                    self.noise = 0.01

                def forward(self, *blocks):
                    return self.layers(torch.cat([block.float() for block in blocks], 1))

                def training_step(self, batch, index):
                    scores = self(*(block + self.noise * torch.randn_like(block) for block in batch.blocks))
                    loss = torch.nn.functional.multi_margin_loss(scores, batch.target)
                    self.log("train/margin", loss, on_step=False, on_epoch=True)
                    return loss

                def configure_optimizers(self):
                    optimiser = torch.optim.RMSprop(self.parameters(), 0.01)
                    return {"optimizer": optimiser, "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimiser, 2, 0.5)}

            return Module(sum(block.width for block in blocks), self.width, output.width)


    class Rings(DataModuleSource):
        """Points on two rings."""

        def datamodule(self):
            import torch
            from pytorch_lightning import LightningDataModule
            from torch.utils.data import DataLoader, Dataset

            class Points(Dataset):
                def __init__(self, seed, rows):
                    draw = torch.Generator().manual_seed(seed)
                    self.ring = torch.randint(0, 2, (rows,), generator=draw)
                    angle = 6.28 * torch.rand(rows, generator=draw)
                    radius = 1 + self.ring + 0.1 * torch.randn(rows, generator=draw)
                    self.place = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)

                def __len__(self):
                    return len(self.ring)

                def __getitem__(self, index):
                    return {"place": self.place[index], "ring": "outer" if self.ring[index] else "inner"}

            class Module(LightningDataModule):
                def train_dataloader(self):
                    return DataLoader(Points(1, 400), 32, shuffle=True)

                def val_dataloader(self):
                    return DataLoader(Points(2, 100), 32)

                def test_dataloader(self):
                    return DataLoader(Points(3, 120), 32)

            return Module()
'''

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, source: rings, split: column, model: own, trainer: lightning, exporters: [onnx], evaluators: [classification],
               gates: [thresholds], _self_]
    name: rings
    contract:
      columns:
        place: {dtype: "array[float, 2]"}
        ring:  {dtype: category, role: target, positive: outer}
        loader: {dtype: category, role: part}
    trainer: {max_epochs: 12, batch_size: 32, accelerator: cpu}
    gates: {thresholds: {rules: {auc: {finding: test/roc_auc, min: 0.95}}}}
"""


def test_modules_of_plugins_go_from_rows_to_a_registered_model(project):
    project.write({"mine.py": PLUGIN, "mlforge.toml": 'plugins = ["mine"]\n'}, rings=RECIPE)
    run = project.run("run", "rings")
    assert run.code == 0, run.text
    assert "train 400 · validation 100 · test 120" in run.out
    assert "passed 1 of 1" in run.out
    assert "rings 1, champion" in run.out
    import polars as pl

    (curves,) = project.root.glob(".mlforge/artifacts/**/curves.parquet")
    assert "train/margin" in pl.read_parquet(curves)["name"].to_list()


class Own(Model):
    """A LightningModule with a schedule, a validation step and noise of its own; in manual optimisation where that is asked for."""

    manual: bool = False

    def build(self, blocks, output):
        import pytorch_lightning as lightning

        manual = self.manual

        class Module(lightning.LightningModule):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(4, output.width)
                self.automatic_optimization = not manual

            def forward(self, numbers, ids):
                return self.layer(torch.cat([numbers, ids.float()], 1))

            def training_step(self, batch, index):
                scores = self(*batch.blocks)
                loss = torch.nn.functional.cross_entropy(scores + 0.1 * torch.randn_like(scores), batch.target)
                if manual:
                    optimiser = self.optimizers()
                    optimiser.zero_grad()
                    self.manual_backward(loss)
                    optimiser.step()
                return loss

            def validation_step(self, batch, index):
                self.log("validation/margin", torch.nn.functional.multi_margin_loss(self(*batch.blocks), batch.target))

            def configure_optimizers(self):
                optimiser = torch.optim.Adam(self.parameters(), 0.02)
                return {"optimizer": optimiser, "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.98), "interval": "step"}}

        return Module()


@pytest.mark.parametrize("manual", [False, True])
def test_a_module_that_is_stopped_within_an_epoch_ends_with_the_same_bytes(tmp_path, manual):
    class Stopped(BaseException):
        pass

    def stop(done: float, total: float, note: str) -> None:
        if done > 1.6:
            raise Stopped

    trainer = Lightning(max_epochs=4, batch_size=32, accelerator="cpu", threads=1, checkpoint_every="1h", checkpoint_steps=3, ema=0.9)
    stopped = fitting(tmp_path / "stopped", model=Own(manual=manual))
    with pytest.raises(Stopped):
        trainer.fit(type(stopped)(**{**vars(stopped), "progress": stop}))
    assert any("step" in path.name for path in (tmp_path / "stopped" / "work").iterdir())
    for name in ("stopped", "undisturbed"):
        trainer.fit(fitting(tmp_path / name, model=Own(manual=manual)))
    assert files(tmp_path / "stopped") == files(tmp_path / "undisturbed")


def test_a_module_that_is_asked_to_stop_at_an_epochs_last_step_is_judged_next_time(tmp_path):
    """With eleven steps an epoch, progress is told at the first and the last."""
    trainer = Lightning(max_epochs=3, batch_size=46, accelerator="cpu", threads=1, checkpoint_every="1h")
    asked = fitting(tmp_path / "asked", model=Own())

    def ask(done: float, total: float, note: str) -> None:
        if 1.5 < done < 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        trainer.fit(type(asked)(**{**vars(asked), "progress": ask}))
    assert [path.name for path in (tmp_path / "asked" / "work").iterdir()] == ["epoch-00001-step-000000011"]
    for name in ("asked", "undisturbed"):
        trainer.fit(fitting(tmp_path / name, model=Own()))
    assert (tmp_path / "asked" / "out" / "weights.safetensors").read_bytes() == (tmp_path / "undisturbed" / "out" / "weights.safetensors").read_bytes()
