"""Commands about trainings: what is noted in the project when one starts and when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ais_app.core.errors import AisAppError, FileProblem, ParameterProblem, ProjectProblem
from ais_app.core.training.checkpoint import checkpoint_path, network_of
from ais_app.core.training.parameters import TrainParams
from ais_app.state.commands import models
from ais_app.state.log import command
from ais_app.state.records import ModelEntry, Run
from ais_app.state.session import Session
from ais_app.state.shown_models import shown_models

FOLDER = "models"
MODEL_SUFFIX = ".aismodel"
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
    name = _reserved(project.folder / FOLDER, request.feature, [run.name for run in project.runs])
    try:
        return project.add_run(name, feature=feature.id, parameters=request.to_dict(), state="training")
    except AisAppError:
        _kept(project.folder / FOLDER / f"{name}{MODEL_SUFFIX}").unlink()
        raise


def _reserved(folder: Path, feature: str, taken: Sequence[str]) -> str:
    """Return a name that no run of the project has and no network in the folder; nobody else gets it from now on.

    Drafts, and projects in one folder, share the place of their networks. The empty file that keeps a name goes when
    the network is there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            there = [file.name.partition(MODEL_SUFFIX)[0] for file in folder.glob(f"*{MODEL_SUFFIX}*")]
            name = fresh_name(feature, [*taken, *there])
            try:
                _kept(folder / f"{name}{MODEL_SUFFIX}").touch(exist_ok=False)
            except FileExistsError:
                continue  # somebody was faster
            return name
    except OSError as error:
        remedy = "save the project in a folder that can be written"
        raise FileProblem(folder, f"cannot be written ({error.strerror})", remedy) from error


def _kept(network: Path) -> Path:
    return network.with_name(f"{network.name}.begun")


def request_of(session: Session, run: Run) -> TrainingRequest:
    """Return what a run was started with, by the name that its feature has now.

    Raises
    ------
    ParameterProblem
        Its settings are not known to this version.
    ProjectProblem
        The feature has gone.
    """
    request = TrainingRequest.from_dict(run.parameters)
    if run.feature is None:
        return request
    names = {feature.id: feature.name for feature in session.project.features}
    if run.feature not in names:
        remedy = "take its removal back, or train a new network"
        raise ProjectProblem(f"feature {request.feature}", "is not in the project any more", remedy)
    return replace(request, feature=names[run.feature])


def network_path(session: Session, run: Run) -> Path:
    """Return where the network of a run goes; once it has begun, where it began, also if the project has moved on."""
    if run.checkpoint is not None:
        return network_of(run.checkpoint)
    return session.project.folder / FOLDER / f"{run.name}{MODEL_SUFFIX}"


def note_epoch(session: Session, run: int, history: Sequence[Mapping[str, Any]], checkpoint: Path | None) -> None:
    """Keep the scores so far."""
    known = {"checkpoint": checkpoint} if checkpoint is not None and checkpoint.exists() else {}
    session.project.update_run(run, scores={"history": [dict(entry) for entry in history]}, **known)


def finish(
    session: Session, run: int, network: Path, history: Sequence[Mapping[str, Any]], held_out: str, finished: bool
) -> None:
    """Note the end of a training that made a network; see `use`."""
    checkpoint = checkpoint_path(network)
    _kept(network).unlink(missing_ok=True)
    session.project.update_run(
        run,
        state="finished" if finished else "stopped",
        scores={"history": [dict(entry) for entry in history], "held_out": held_out},
        model=network,
        checkpoint=checkpoint if checkpoint.exists() else None,
    )


def fail(session: Session, run: int, message: str, network: Path) -> None:
    """Note why a training ended without a network; where nothing is there to resume it from its name is free again."""
    if session.project.run(run).checkpoint is None:
        _kept(network).unlink(missing_ok=True)
    session.project.update_run(run, state="failed", message=message)


@command("Use the network of run {run}")
def use(session: Session, run: int) -> ModelEntry:
    """Show the network of a run, and switch the others of its feature off: this restores an earlier one."""
    found = session.project.run(run)
    if found.model is None:
        raise ParameterProblem(found.name, "has no network", "resume the training")
    entry = models.add(session, found.model)
    shown = shown_models(session.project)
    used = next(model for model in shown if model.entry.id == entry.id)
    for model in shown:
        if model.feature == used.feature or model.label == used.label:
            models.change_style(session, model.entry.id, on=model.entry.id == entry.id)
    return entry


def fresh_name(stem: str, taken: Sequence[str]) -> str:
    """Return ``"membrane 1"``, or with the first number that no name has yet.

    >>> fresh_name("membrane", ["membrane 1", "membrane 2"])
    'membrane 3'
    """
    number, known = 1, {name.casefold() for name in taken}  # on some disks two names that differ in case are one
    while f"{stem} {number}".casefold() in known:
        number += 1
    return f"{stem} {number}"
