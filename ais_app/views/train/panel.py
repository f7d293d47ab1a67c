"""The panel of the Train tab: a new training, what runs, the networks, their interactions, what to annotate next."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ais_app.core.errors import AisAppError
from ais_app.state.commands.training import DOCUMENT, TrainingRequest
from ais_app.views.slices.area import SliceArea
from ais_app.views.train.curves import Curve, Curves
from ais_app.views.train.interaction_list import InteractionList
from ais_app.views.train.model_list import ModelList, take_model_file
from ais_app.views.train.overlay import PredictionOverlay
from ais_app.views.train.runs import RunList
from ais_app.views.train.setup import TrainingSetup
from ais_app.views.train.suggestions import SuggestionList
from ais_app.views.widgets.panel import Panel, discard, heading
from ais_app.views.workbench import Workbench
from ais_app.workers.trainings import Training

REDRAW_MS = 250  # curves are drawn four times a second at most
COLOURS = ("#4c9be8", "#E69F00", "#009E73", "#CC79A7", "#D55E00")


class TrainPanel(Panel):
    """Everything about networks."""

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__(workbench)
        self.slices = slices
        self.setup = TrainingSetup(workbench)
        self.under_way = UnderWay(workbench)
        self.curves = Curves()
        self.runs = RunList(workbench)
        self.models = ModelList(workbench)
        self.interactions = InteractionList(workbench)
        self.overlay = PredictionOverlay(workbench, slices)
        self.suggestions = SuggestionList(workbench, slices)
        self._running = 0
        # what runs and how it does lie under the button that starts it: all of it is in view while it trains
        for title, widget, *buttons in (
            ("New training", self.setup, self.setup.toggle),
            ("", self.under_way),
            ("", self.curves),
            ("Trainings", self.runs),
            ("Networks", self.models),
            ("Interactions", self.interactions),
            ("What to annotate next", self.suggestions),
        ):
            if title:
                self.layout_.addWidget(heading(title, *buttons))
            self.layout_.addWidget(widget)
        self.layout_.addStretch(1)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self._connect()
        self._draw()

    def take_file(self, path: Path) -> bool:
        """Open a network."""
        return take_model_file(self.workbench, path)

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        self.curves.apply_theme()

    def _connect(self) -> None:
        self.setup.asked.connect(self._start)
        self.runs.compared.connect(lambda _: self._draw())
        self.runs.reuse.connect(self._reuse)
        trainings = self.workbench.trainings
        trainings.changed.connect(self._run_changed)
        trainings.said.connect(lambda words: self.workbench.notify(words, "warning"))
        trainings.stepped.connect(lambda _: self._redraw.isActive() or self._redraw.start())
        self.workbench.session.events.opened.connect(self._opened)

    def _start(self, request: TrainingRequest) -> None:
        trainings = self.workbench.trainings

        def start() -> None:
            run = trainings.start(request, lambda error: self.workbench.notify(str(error), "error"))
            self.runs.select(run.id)
            self.slices.panes["z"].native.setFocus()  # the form folds: the arrows are for the slices from here on
            self.bring_into_view(self.setup)

        self.workbench.attempt(start)

    def _reuse(self, request: TrainingRequest) -> None:
        self.setup.show_request(request)
        self.setup.fold(False)
        self.bring_into_view(self.setup)

    def _run_changed(self, _: int) -> None:
        before, self._running = self._running, len(self.workbench.trainings.here)
        if self._running > before:
            self.setup.fold()
        self.under_way.refresh()
        self._draw()

    def _opened(self) -> None:
        session = self.workbench.session
        self._running = len(self.workbench.trainings.here)
        self.under_way.refresh()
        self._draw()
        if session.has_project and (values := session.project.display(DOCUMENT)) is not None:
            try:
                self.setup.show_request(TrainingRequest.from_dict(values))
            except AisAppError as error:
                self.workbench.notify(f"the settings of the last training cannot be used: {error}", "warning")

    def _draw(self) -> None:
        session = self.workbench.session
        if not session.has_project:
            self.curves.setVisible(False)
            return
        known = {run.id: run for run in session.project.runs}
        active = {training.run: training for training in self.workbench.trainings.here}
        chosen = [id for id in self.runs.selected() if id in known] or sorted(active) or sorted(known)[-1:]
        curves = []
        for colour, id in zip(COLOURS, chosen, strict=False):
            training = active.get(id)
            scores = known[id].scores if isinstance(known[id].scores, dict) else {}
            history = training.history if training is not None else scores.get("history", [])
            curves.append(Curve(known[id].name, colour, history, training.losses if training is not None else ()))
        self.curves.setVisible(bool(active) or any(curve.history or curve.losses for curve in curves))
        self.curves.show_curves(curves)


class UnderWay(QWidget):
    """The trainings that run: progress, pause, stop and keep the best."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._rows: dict[Training, _TrainingRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def refresh(self) -> None:
        """Show a row for each training of the project that runs; those of others are among the jobs."""
        here = self.workbench.trainings.here
        for gone in set(self._rows) - set(here):
            discard(self._rows.pop(gone))
        for training in here:
            if training not in self._rows:
                self._rows[training] = _TrainingRow(training)
                self._column.addWidget(self._rows[training])


class _TrainingRow(QWidget):
    def __init__(self, training: Training) -> None:
        super().__init__()
        self._handle = training.handle
        self.words = QLabel(training.handle.title)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.pause, self.stop = QPushButton("Pause"), QPushButton("Stop and keep best")
        self.pause.setToolTip("Halt after this batch; Resume goes on")
        self.stop.setToolTip("End now with the best weights so far; it can be resumed later")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.bar)
        row = QHBoxLayout()
        row.addWidget(self.pause)
        row.addWidget(self.stop, 1)
        column.addLayout(row)
        self.pause.clicked.connect(self._toggle)
        self.stop.clicked.connect(self._handle.stop)
        self._handle.progressed.connect(self._show)
        self._handle.changed.connect(self._show)
        self._show()

    def _toggle(self) -> None:
        (self._handle.resume if self._handle.state == "paused" else self._handle.pause)()

    def _show(self, *_: object) -> None:
        step = self._handle.progress
        self.bar.setRange(0, int(step.total) or 0)
        self.bar.setValue(int(step.done))
        left = self._handle.seconds_left
        time = f" · {int(left // 60)}:{int(left % 60):02d} left" if left is not None else ""
        self.words.setText(f"{self._handle.title} · {self._handle.state if step.total == 0 else step.message}{time}")
        self.pause.setText("Resume" if self._handle.state == "paused" else "Pause")
