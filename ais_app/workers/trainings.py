"""Trainings as jobs of the window: each epoch goes to the run in the project, to the curves and to the preview."""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.core.jobs import Progress
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.state.commands import training
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.project import Project
from ais_app.state.records import Run
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobHandle, JobRunner
from ais_app.workers.preview import Preview
from ais_app.workers.project_reading import reading_project

if TYPE_CHECKING:
    from ais_app.core.model.package import Model
    from ais_app.operations.train import Trained

log = logging.getLogger(__name__)


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
        File of the project it belongs to, wherever that is saved: another one may be open before it ends.
    network
        File that it makes.
    epochs
        How many were asked for.
    undone
        Steps that had been taken back when it began, by their numbers.
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
    network: Path
    epochs: int
    undone: frozenset[int]
    handle: JobHandle = field(init=False)
    history: list[dict[str, Any]] = field(default_factory=list)
    losses: list[tuple[float, float]] = field(default_factory=list)


class Trainings(QObject):
    """Starts trainings and follows them."""

    changed = pyqtSignal(int)  # run: another epoch, or its end
    stepped = pyqtSignal(int)  # run: another batch
    said = pyqtSignal(str)  # what a person must know
    _weights = pyqtSignal(object, object)

    def __init__(self, session: Session, jobs: JobRunner, preview: Preview, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._preview = session, jobs, preview
        self._active: list[Training] = []
        self._version = itertools.count()
        self._weights.connect(self._show_weights)
        self._unnoted: list[tuple[Training, Callable[[Session], None]]] = []
        self._waiting: list[Training] = []  # whose networks are not shown yet
        self._soon = QTimer(self)  # a step is not yet over when it is announced
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show_waiting)
        session.events.moved.connect(self._moved)
        session.events.opened.connect(self._opened)
        session.events.history.connect(self._show_soon, check_nargs=False)

    @property
    def active(self) -> list[Training]:
        """The trainings under way, of whichever project, oldest first."""
        return list(self._active)

    @property
    def here(self) -> list[Training]:
        """Those of the open project."""
        return [under_way for under_way in self._active if self._is_here(under_way)]

    def of_run(self, run: int) -> Training | None:
        """Return the training of a run of the open project while it is under way."""
        return next((under_way for under_way in self.here if under_way.run == run), None)

    def _is_here(self, under_way: Training) -> bool:
        return self._session.is_open(under_way.project)

    def start(self, request: TrainingRequest, on_error: Callable[[Exception], None]) -> Run:
        """Start a training; errors that a person can put right at once are raised, later ones go to `on_error`."""
        run = training.start(self._session, request)
        self._begin(run, request, resume=False, on_error=on_error)
        return run

    def resume(self, run: int, on_error: Callable[[Exception], None]) -> None:
        """Go on with a run that was interrupted or stopped, from its last checkpoint."""
        found = self._session.project.run(run)
        request = training.request_of(self._session, found)  # refused before the run is called under way
        self._session.project.update_run(run, state="training", message="", parameters=request.to_dict())
        self._begin(found, request, resume=True, on_error=on_error)

    def _begin(self, run: Run, request: TrainingRequest, resume: bool, on_error: Callable[[Exception], None]) -> None:
        out = training.network_path(self._session, run)
        project, epochs, undone = self._session.project.path, request.params.epochs, _undone(self._session)
        under_way = Training(run.id, request.feature, project, out, epochs, undone)

        def make_job() -> Any:
            from ais_app.operations.train import train_job

            out.parent.mkdir(parents=True, exist_ok=True)
            return reading_project(
                lambda: self._session.now_at(under_way.project),
                lambda place: train_job(
                    place,
                    request.feature,
                    out,
                    request.params,
                    tomograms=request.tomograms,
                    negatives=request.negatives,
                    ignored=request.ignored,
                    parent=request.parent,
                    resume=resume,
                    on_epoch=lambda model: self._weights.emit(under_way, copy.deepcopy(model)),
                ),
            )

        handle = under_way.handle = self._jobs.start(
            f"Train {run.name}",
            make_job,
            on_result=lambda trained: self._finished(under_way, trained),
            on_progress=lambda step: self._progressed(under_way, out, step),
            on_error=lambda error: self._failed(under_way, error, on_error),
        )
        if resume and isinstance(run.scores, dict):
            under_way.history = list(run.scores.get("history", []))
        handle.cancelled.connect(lambda: self._ended(under_way, "stopped before the first epoch"))
        self._active.append(under_way)
        self.changed.emit(run.id)

    def _show_weights(self, under_way: Training, model: Model) -> None:
        """Hand weights to the preview; they are a copy."""
        if under_way in self.here:
            self._preview.show_training(under_way.feature, model, next(self._version))

    def _progressed(self, under_way: Training, out: Path, step: Progress) -> None:
        if under_way not in self._active:
            return
        if "epoch" in step.values:
            under_way.history.append(dict(step.values))
            try:
                with self._session_of(under_way) as session:
                    training.note_epoch(session, under_way.run, under_way.history, checkpoint_path(out))
            except AisAppError as error:  # the next epoch brings the history again, and the end says what is wrong
                log.warning("%s", error)
            self.changed.emit(under_way.run)
        elif "loss" in step.values and step.total:
            under_way.losses.append((under_way.epochs * step.done / step.total, float(step.values["loss"])))
            self.stepped.emit(under_way.run)

    def _finished(self, under_way: Training, trained: Trained) -> None:
        def note(session: Session) -> None:
            history, run = under_way.history, under_way.run
            training.finish(session, run, trained.model, history, trained.held_out, trained.finished)
            if _undone(session) <= under_way.undone:
                training.use(session, run)
            else:  # adding it is a step, after which nothing can be done again
                self._waiting.append(under_way)
                words = "is trained; you have taken steps back, so it is shown after your next step"
                self.said.emit(f"{trained.model.name} {words}")

        self._end(under_way, note)

    def _failed(self, under_way: Training, error: Exception, on_error: Callable[[Exception], None]) -> None:
        self._ended(under_way, str(error))
        on_error(error)

    def _ended(self, under_way: Training, message: str) -> None:
        self._end(under_way, lambda session: training.fail(session, under_way.run, message, under_way.network))

    def _end(self, under_way: Training, note: Callable[[Session], None]) -> None:
        self._active.remove(under_way)
        self._note(under_way, note)
        if self._is_here(under_way):
            self._preview.end_training(under_way.feature)

    def _note(self, under_way: Training, note: Callable[[Session], None]) -> None:
        """Note an end in the project; where that cannot be written now, when it is opened next."""
        try:
            with self._session_of(under_way) as session:
                note(session)
        except AisAppError as error:
            self._unnoted.append((under_way, note))
            words = (
                f"{under_way.handle.title} has ended; what it made is kept, and noted when the project is opened again"
            )
            self.said.emit(f"{words}: {error}")
        self.changed.emit(under_way.run)

    def _opened(self) -> None:
        """Note what could not be noted in this project before."""
        for under_way, note in [each for each in self._unnoted if self._is_here(each[0])]:
            self._unnoted.remove((under_way, note))
            self._note(under_way, note)

    def _show_soon(self) -> None:
        if self._waiting:
            self._soon.start()

    def _show_waiting(self) -> None:
        """Show the networks that waited until what was taken back meanwhile was done again, or can be no more."""
        for under_way in [each for each in self._waiting if self._is_here(each)]:
            if _undone(self._session) <= under_way.undone:
                self._waiting.remove(under_way)
                try:
                    training.use(self._session, under_way.run)
                except AisAppError as error:
                    self.said.emit(str(error))

    def _moved(self, _: Path, now: Path) -> None:
        """Follow a project that is saved elsewhere."""
        unnoted = (under_way for under_way, _ in self._unnoted)
        for under_way in {*self._active, *self._waiting, *unnoted}:
            if self._is_here(under_way):  # also by another spelling of the place that was left
                under_way.project = now

    @contextmanager
    def _session_of(self, under_way: Training) -> Iterator[Session]:
        """Give the session, or one of its own where the person has gone on to another project."""
        if self._is_here(under_way):
            yield self._session
            return
        other = Session(Project.open(under_way.project))
        try:
            yield other
        finally:
            other.close()


def _undone(session: Session) -> frozenset[int]:
    """Return the numbers of the steps that can be done again."""
    return frozenset(entry.id for entry in session.project.history if entry.undone)
