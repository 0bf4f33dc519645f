"""Fit the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from mlforge.artifact import Artifact, Assignment, Encoding, Table, Trained
from mlforge.components import Callback, Cluster, Fitting, Job, Logger, Model, Stage, Tensors, Trainer
from mlforge.errors import RecipeError
from mlforge.finding import Finding
from mlforge.lifecycle.baselines.teaching import taught
from mlforge.lifecycle.bundling.mitigating import mitigated
from mlforge.lifecycle.fitting.errand import carry_out
from mlforge.lifecycle.rows.encode import encode

__all__ = ["Train"]


class Train(Stage):
    """Reads training and validation rows through the fitted features and has the trainer fit the model."""

    needs: ClassVar[tuple[str, ...]] = ("contract", "model", "trainer")
    reads: ClassVar[tuple[str, ...]] = ("seed", "task", "observers", "mitigations")
    asides: ClassVar[tuple[str, ...]] = ("cluster", "loggers")
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "assignment": Assignment, "encoding": Encoding}
    declares: ClassVar[tuple[str, ...]] = ("train/epochs",)
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"trained": Trained}

    def external(self, job: Job) -> Mapping[str, str]:
        """The model to learn from, where there is one."""
        teacher = job.component("trainer", Trainer).teacher()
        try:
            return {} if teacher is None else {"teacher": job.version(teacher).bundle.digest}
        except RecipeError as error:
            raise RecipeError(f"trainer: the teacher {teacher}: {error}") from None

    def headline(self, findings: Sequence[Finding]) -> str:
        """Epochs."""
        return " · ".join(finding.text for finding in findings if finding.name == "train/epochs")

    def run(self, job: Job) -> None:
        """Fill the draft of `trained`."""
        model, trainer = job.component("model", Model), job.component("trainer", Trainer)
        _fitting_pair(model, trainer, job.task.name)
        encoding = job.input("encoding", Encoding)
        rows = _tensors(job, encoding, "train")
        if (teacher := trainer.teacher()) is not None:
            rows = replace(rows, taught=taught(job, job.version(teacher), encoding.output, job.work))
        train, validation = mitigated(job, encoding, rows, _tensors(job, encoding, "validation"))
        fitting = Fitting(
            model=model,
            blocks=encoding.blocks,
            output=encoding.output,
            train=train,
            validation=validation,
            seed=job.seed,
            folder=job.draft("trained"),
            work=job.work / "fit",
            smoke=job.smoke,
            progress=job.progress,
            find=job.find,
            report=job.report,
            aside=job.beside,
            callbacks=job.entries("observers", Callback),
            loggers=job.entries("loggers", Logger),
        )
        fitting.work.mkdir(exist_ok=True)
        cluster = job.aside("cluster", Cluster)
        if cluster is None:
            trainer.fit(fitting)
        else:
            carry_out(fitting, trainer, cluster, job.work / "errand")
        trained = Trained(fitting.folder).json("trained.json")
        epochs = f"{trained['epochs']} epoch{'s' * (trained['epochs'] != 1)}"
        job.find(Finding(name="train/epochs", value=trained["epochs"], text=f"trained for {epochs}; the best was {trained['best_epoch']}"))


def _tensors(job: Job, encoding: Encoding, part: str) -> Tensors:
    assignment = job.input("assignment", Assignment)
    rows = assignment.counts.get(part, 0)
    return encode(part, job.input("table", Table), assignment, encoding, job.contract, job.work, lambda done: job.progress(done, rows, f"reading {part} rows"))


def _fitting_pair(model: Model, trainer: Trainer, task: str) -> None:
    if model.family not in trainer.fits:
        raise RecipeError(f"trainer: {type(trainer).__name__} fits {', '.join(sorted(trainer.fits))}, and model {type(model).__name__} is a {model.family}")
    if task not in model.tasks:
        raise RecipeError(f"model: {type(model).__name__} is for {', '.join(sorted(model.tasks))}, and the task is {task}")
