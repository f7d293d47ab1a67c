"""Trainings as jobs of the window: each epoch goes to the run in the project, to the curves and to the preview."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.jobs import Progress
from ais_app.state.commands import training
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.project import Project
from ais_app.state.records import Run
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobHandle, JobRunner
from ais_app.workers.preview import Preview

if TYPE_CHECKING:
    from ais_app.core.model.package import Model
    from ais_app.operations.train import Trained


@dataclass(eq=False)
class Training:
    """A training under way.

    Parameters
    ----------
    run
        Its number in the project.
    feature
        What it learns.
    project
        File of the project it belongs to: another one may be open before it ends.
    handle
        Its job: to pause and to stop.
    history
        One entry per epoch so far.
    losses
        (epoch as a fraction, loss) of every batch so far.
    """

    run: int
    feature: str
    project: Path
    epochs: int
    handle: JobHandle
    history: list[dict[str, Any]] = field(default_factory=list)
    losses: list[tuple[float, float]] = field(default_factory=list)


class Trainings(QObject):
    """Starts trainings and follows them."""

    changed = pyqtSignal(int)  # run: another epoch, or its end
    stepped = pyqtSignal(int)  # run: another batch
    _weights = pyqtSignal(str, object, int)

    def __init__(self, session: Session, jobs: JobRunner, preview: Preview, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._preview = session, jobs, preview
        self._active: dict[int, Training] = {}
        self._version = itertools.count()
        self._weights.connect(preview.show_training)

    @property
    def active(self) -> list[Training]:
        """The trainings under way, oldest first."""
        return list(self._active.values())

    def of_run(self, run: int) -> Training | None:
        """Return the training of a run while it is under way."""
        return self._active.get(run)

    def start(self, request: TrainingRequest, on_error: Callable[[Exception], None]) -> Run:
        """Start a training; errors that a person can put right at once are raised, later ones go to `on_error`."""
        run = training.start(self._session, request)
        self._begin(run, request, resume=False, on_error=on_error)
        return run

    def resume(self, run: int, on_error: Callable[[Exception], None]) -> None:
        """Go on with a run that was interrupted or stopped, from its last checkpoint."""
        found = self._session.project.run(run)
        request = TrainingRequest.from_dict(found.parameters)  # refused before the run is called under way
        self._session.project.update_run(run, state="training", message="")
        self._begin(found, request, resume=True, on_error=on_error)

    def _begin(self, run: Run, request: TrainingRequest, resume: bool, on_error: Callable[[Exception], None]) -> None:
        out = training.network_path(self._session, run)
        project = self._session.project.path

        def make_job() -> Any:
            from ais_app.operations.train import train_job

            out.parent.mkdir(parents=True, exist_ok=True)
            return train_job(
                project,
                request.feature,
                out,
                request.params,
                tomograms=request.tomograms,
                negatives=request.negatives,
                ignored=request.ignored,
                parent=request.parent,
                resume=resume,
                on_epoch=lambda model: self._copied(request.feature, model),
            )

        handle = self._jobs.start(
            f"Train {run.name}",
            make_job,
            on_result=lambda trained: self._finished(run.id, trained),
            on_progress=lambda step: self._progressed(run.id, out, step),
            on_error=lambda error: self._failed(run.id, error, on_error),
        )
        under_way = Training(run.id, request.feature, project, request.params.epochs, handle)
        if resume and isinstance(run.scores, dict):
            under_way.history = list(run.scores.get("history", []))
        handle.cancelled.connect(lambda: self._ended(run.id, "stopped before the first epoch"))
        self._active[run.id] = under_way
        self.changed.emit(run.id)

    def _copied(self, feature: str, model: Model) -> None:
        """Hand a copy of the weights to the preview; called on the thread of the training."""
        self._weights.emit(feature, copy.deepcopy(model), next(self._version))

    def _progressed(self, run: int, out: Path, step: Progress) -> None:
        under_way = self._active.get(run)
        if under_way is None:
            return
        if "epoch" in step.values:
            under_way.history.append(dict(step.values))
            checkpoint = out.with_name(out.name + ".checkpoint")
            with self._session_of(under_way) as session:
                training.note_epoch(session, run, under_way.history, checkpoint)
            self.changed.emit(run)
        elif "loss" in step.values and step.total:
            under_way.losses.append((under_way.epochs * step.done / step.total, float(step.values["loss"])))
            self.stepped.emit(run)

    def _finished(self, run: int, trained: Trained) -> None:
        under_way = self._active.pop(run)
        with self._session_of(under_way) as session:
            training.finish(session, run, trained.model, under_way.history, trained.held_out, trained.finished)
        self._preview.end_training(under_way.feature)
        self.changed.emit(run)

    def _failed(self, run: int, error: Exception, on_error: Callable[[Exception], None]) -> None:
        self._ended(run, str(error))
        on_error(error)

    def _ended(self, run: int, message: str) -> None:
        under_way = self._active.pop(run, None)
        if under_way is None:
            return
        with self._session_of(under_way) as session:
            training.fail(session, run, message)
        self._preview.end_training(under_way.feature)
        self.changed.emit(run)

    @contextmanager
    def _session_of(self, under_way: Training) -> Iterator[Session]:
        """Give the session, or one of its own where the person has gone on to another project."""
        if self._session.has_project and self._session.project.path == under_way.project:
            yield self._session
            return
        other = Session(Project.open(under_way.project))
        try:
            yield other
        finally:
            other.close()
