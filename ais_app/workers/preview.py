"""The live prediction of the slice in view: asks when the view changes, answers when the networks are done.

    session (tomogram, z, crop, models, interactions) ─► Latest ─► LivePrediction ─► shown(PreviewAnswer)

Moving an interaction or a threshold asks again, but runs no network: its planes are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.tomogram import Tomogram
from ais_app.state.commands.interactions import active_graph
from ais_app.state.session import Session
from ais_app.state.shown_models import DOCUMENT, ShownModel, shown_models
from ais_app.workers.engines import Engines
from ais_app.workers.latest import Latest

if TYPE_CHECKING:
    from ais_app.core.model.package import Model
    from ais_app.core.prediction.live import LivePrediction
    from ais_app.core.prediction.live_request import LiveModel


@dataclass(frozen=True, eq=False)
class PreviewAnswer:
    """What the networks say about a slice.

    Parameters
    ----------
    tomogram, z
        Which slice.
    region
        (y0, y1, x0, x1) voxels.
    planes
        Feature to (y, x) float32, probability after the interactions.
    """

    tomogram: int
    z: int
    region: tuple[int, int, int, int]
    planes: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Weights:
    """A network in training, as it was after an epoch."""

    model: Model
    epoch: int


@dataclass(frozen=True, eq=False)
class _Question:
    tomogram_id: int
    tomogram: Tomogram
    key: object
    z: int
    region: tuple[int, int, int, int]
    models: tuple[ShownModel, ...]
    graph: InteractionGraph
    training: dict[str, _Weights]


class Preview(QObject):
    """Follows a session and says what its networks predict on the slice in view.

    Parameters
    ----------
    session
        Whose view is followed.
    params
        How to predict.

    Attributes
    ----------
    answer
        The newest answer; ``None`` where there is nothing to show.
    """

    shown = pyqtSignal(object)  # PreviewAnswer or None
    restyled = pyqtSignal()  # colours, thresholds: draw the same answer again
    busy_changed = pyqtSignal(bool)
    failed = pyqtSignal(str)

    def __init__(self, session: Session, params: PredictionParams | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._params = params or PredictionParams()
        self._latest = Latest("preview", self)
        self._latest.busy_changed.connect(self.busy_changed)
        self._engines = Engines(self._params, self)
        self._engines.ready.connect(self.ask)
        self._live: LivePrediction | None = None
        self._loaded: dict[tuple[Path, str], Model] = {}
        self._training: dict[str, _Weights] = {}
        self._said = ""
        self._closed = False
        self.answer: PreviewAnswer | None = None
        self._basis: object = None  # what the answer is true of, beside its slice
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)
        view, events = session.view.events, session.events
        for signal in (view.tomogram, view.z, view.crop, view.predictions_on):
            signal.connect(self.ask)
        for changed in (events.tomograms, events.models):
            changed.connect(self._ask_anew)
        events.opened.connect(self._opened)
        events.features.connect(self._restyle)
        events.document.connect(self._document)
        events.display.connect(self._display)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._latest.busy or self._soon.isActive()

    def ask(self, *_: object) -> None:
        """Ask for the slice in view, once what is going on now has been done."""
        if not self._closed:
            self._soon.start()

    def show_training(self, feature: str, model: Model, epoch: int) -> None:
        """Show these weights instead of the networks of the feature; they must be a copy."""
        self._training[feature] = _Weights(model, epoch)
        self.ask()

    def end_training(self, feature: str) -> None:
        """Show the networks of the feature again."""
        if self._training.pop(feature, None) is not None:
            self.ask()

    def close(self) -> None:
        """End the thread; nothing is asked or shown any more."""
        self._closed = True
        self._soon.stop()
        self._latest.close()
        self._engines.close()

    def _opened(self) -> None:
        self._training.clear()  # weights of another project's training; those of this one come with its next epoch
        self._forget()
        self.ask()

    def _ask_anew(self) -> None:
        """Ask again, and do not show meanwhile what is not true any more: it could be taken as labels."""
        if self.answer is not None and self._basis != self._basis_now():
            self._forget()
        self.ask()

    def _forget(self) -> None:
        """Show nothing until the next answer; one that is under way is of something else."""
        if not self._closed:
            self._latest.drop()
            self._show(None)

    def _basis_now(self) -> object:
        """Return the tomogram in view as its file and its voxel size are now, and the networks that are on."""
        entry = self._session.tomogram
        if entry is None:
            return None
        networks = [m.entry for m in shown_models(self._session.project) if m.usable]
        return entry.fingerprint, entry.voxel_size_zyx, [(network.path, network.fingerprint) for network in networks]

    def _document(self, name: str) -> None:
        if name == "interactions":
            self.ask()

    def _display(self, name: str) -> None:
        if name == DOCUMENT:
            # switching a network on or off needs an answer; a colour needs none, and it comes from what is kept
            self._ask_anew()
            self._restyle()

    def _restyle(self, *_: object) -> None:
        if not self._closed:
            self.restyled.emit()

    def _ask(self) -> None:
        question = self._question()
        if question is None:
            self._latest.drop()
            self._show(None)
            return
        basis = self._basis_now()
        self._latest.request(
            lambda cancelled: self._answer(question, cancelled), lambda answer: self._show(answer, basis), self._fail
        )

    def _question(self) -> _Question | None:
        session = self._session
        entry = session.tomogram
        if entry is None or not session.view.predictions_on:
            return None
        shown = [model for model in shown_models(session.project) if model.usable]
        usable = tuple(m for m in shown if not {m.feature, m.label} & self._training.keys())
        if not usable and not self._training:
            return None
        try:
            tomogram = session.volume(entry.id)
        except AisAppError:
            return None  # the pane says what is wrong with the file
        y0, y1, x0, x1 = session.view.crop or (0, entry.shape[1], 0, entry.shape[2])
        key = (entry.fingerprint, entry.voxel_size_zyx)
        graph = active_graph(session)
        return _Question(
            entry.id, tomogram, key, session.view.z, (y0, y1, x0, x1), usable, graph, dict(self._training)
        )  # fmt: skip

    def _answer(self, question: _Question, cancelled: Callable[[], bool]) -> PreviewAnswer:
        """Compute, on the thread of the preview."""
        from ais_app.core.prediction.live import LivePrediction
        from ais_app.core.prediction.live_request import LiveModel, SliceInView

        if self._live is None:
            self._live = LivePrediction(self._params)
        models = [
            LiveModel(weights.model, ("training", feature), weights.epoch, by_torch=True)
            for feature, weights in question.training.items()
        ]
        models += [self._live_model(shown) for shown in question.models]
        known = {model.model.card.feature for model in models}
        steps = tuple(step for step in question.graph.steps if set(step.features) <= known)
        y0, y1, x0, x1 = question.region
        view = SliceInView(question.tomogram, question.key, question.z, (slice(y0, y1), slice(x0, x1)))
        planes = self._live.combined(models, InteractionGraph(steps), view, cancelled=cancelled)
        return PreviewAnswer(question.tomogram_id, question.z, question.region, dict(planes))

    def _live_model(self, shown: ShownModel) -> LiveModel:
        from ais_app.core.model.package import load_model
        from ais_app.core.prediction.live_request import LiveModel

        key = (shown.entry.path, shown.entry.fingerprint)
        if key not in self._loaded:
            self._loaded[key] = load_model(shown.entry.path)
        model = self._loaded[key]
        return LiveModel(model, key, by_torch=not self._engines.is_ready(key, model))

    def _show(self, answer: Any, basis: object = None) -> None:
        self._said = ""
        self.answer, self._basis = answer, basis
        self.shown.emit(answer)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        said = self._said
        self._show(None)
        self._said = str(error)
        if self._said != said:  # once, not at every slice
            self.failed.emit(self._said)
