"""Commands about trainings: what is noted in the project when one starts and when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ais_app.core.errors import ParameterProblem
from ais_app.core.training.parameters import TrainParams
from ais_app.state.commands import models
from ais_app.state.log import command
from ais_app.state.records import ModelEntry, Run
from ais_app.state.session import Session
from ais_app.state.shown_models import shown_models

FOLDER = "models"
DOCUMENT = "training"  # what the form was set to last


@dataclass(frozen=True)
class TrainingRequest:
    """What shall be trained.

    Parameters
    ----------
    feature
        Name of the feature to learn.
    params
        How.
    negatives, ignored
        Names of features that are background, or left out.
    tomograms
        Names of the tomograms to learn from; all when empty.
    parent
        Network file whose weights it starts from.
    """

    feature: str
    params: TrainParams = field(default_factory=TrainParams)
    negatives: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    tomograms: tuple[str, ...] = ()
    parent: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "feature": self.feature,
            "params": self.params.to_dict(),
            "negatives": list(self.negatives),
            "ignored": list(self.ignored),
            "tomograms": list(self.tomograms),
            "parent": None if self.parent is None else str(self.parent),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingRequest:
        """Read `to_dict`'s values; parameters that this version does not know raise `ParameterProblem`."""
        lists = {name: tuple(values.get(name, ())) for name in ("negatives", "ignored", "tomograms")}
        parent = values.get("parent")
        params = TrainParams.from_dict(values.get("params", {}))
        return cls(str(values["feature"]), params, **lists, parent=Path(parent) if parent else None)


@command("Train {request}", shell="ais-app train --project {project} --feature {request} --out {request}.aismodel")
def start(session: Session, request: TrainingRequest) -> Run:
    """Note a training that begins; its network goes to ``models/NAME.aismodel`` beside the project.

    Raises
    ------
    ParameterProblem
        There is no such feature, or nothing of it is annotated.
    """
    project = session.project
    feature = project.feature(request.feature)
    annotated = {id for each in project.annotation_summary().values() for id in each}
    if feature.id not in annotated:
        remedy = "paint it on a few slices first, or place boxes on it"
        raise ParameterProblem(feature.name, "is not annotated anywhere yet", remedy)
    name = fresh_name(request.feature, [run.name for run in project.runs])
    return project.add_run(name, feature=feature.id, parameters=request.to_dict(), state="training")


def network_path(session: Session, run: Run) -> Path:
    """Return where the network of a run goes."""
    return session.project.folder / FOLDER / f"{run.name}.aismodel"


def note_epoch(session: Session, run: int, history: Sequence[Mapping[str, Any]], checkpoint: Path | None) -> None:
    """Keep the scores so far."""
    known = {"checkpoint": checkpoint} if checkpoint is not None and checkpoint.exists() else {}
    session.project.update_run(run, scores={"history": [dict(entry) for entry in history]}, **known)


def finish(
    session: Session, run: int, network: Path, history: Sequence[Mapping[str, Any]], held_out: str, finished: bool
) -> ModelEntry:
    """Note the end of a training, add its network to the project and show it instead of its earlier ones."""
    checkpoint = network.with_name(network.name + ".checkpoint")
    session.project.update_run(
        run,
        state="finished" if finished else "stopped",
        scores={"history": [dict(entry) for entry in history], "held_out": held_out},
        model=network,
        checkpoint=checkpoint if checkpoint.exists() else None,
    )
    return use(session, run)


def fail(session: Session, run: int, message: str) -> None:
    """Note why a training ended without a network."""
    session.project.update_run(run, state="failed", message=message)


@command("Use the network of run {run}")
def use(session: Session, run: int) -> ModelEntry:
    """Show the network of a run, and switch the others of its feature off: this restores an earlier one."""
    found = session.project.run(run)
    if found.model is None:
        raise ParameterProblem(found.name, "has no network", "resume the training")
    entry = models.add(session, found.model)
    shown = shown_models(session.project)
    feature = next(model.feature for model in shown if model.entry.id == entry.id)
    for model in shown:
        if model.feature == feature:
            models.change_style(session, model.entry.id, on=model.entry.id == entry.id)
    return entry


def fresh_name(stem: str, taken: Sequence[str]) -> str:
    """Return ``"membrane 1"``, or with the first number that no name has yet.

    >>> fresh_name("membrane", ["membrane 1", "membrane 2"])
    'membrane 3'
    """
    number = 1
    while f"{stem} {number}" in taken:
        number += 1
    return f"{stem} {number}"
