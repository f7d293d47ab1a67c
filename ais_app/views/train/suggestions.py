"""What to annotate next: a queue of the slices that the networks are most unsure of; each is looked at, then accepted.

Suggest ─► job ─► queue ─► click, Enter: go there ─► Return: accept what is predicted ─► the next one
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, QModelIndex, QObject, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QPainter
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.suggest_parameters import SuggestParams
from ais_app.state.commands import suggestions
from ais_app.state.commands.labels_in import threshold_of
from ais_app.state.commands.suggestions import Suggested
from ais_app.state.shown_models import features_found, shown_models
from ais_app.views.slices.area import SliceArea
from ais_app.views.slices.lines import Segments, frames
from ais_app.views.theme import current_theme
from ais_app.views.widgets.fold import Fold
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench
from ais_app.workers.job_runner import JobHandle
from ais_app.workers.project_reading import reading_project

if TYPE_CHECKING:
    from ais_app.core.training.suggest import Suggestion

HEIGHT, ROW = 190, 24  # px
WHAT = Qt.ItemDataRole.UserRole
BAR = 56  # px, of the uncertainty
OUTLINE = (0.30, 0.61, 0.91, 1.0)
ORDER = 65  # above boxes and picks, below what tools draw
NO_NETWORK = "Train or open a network and switch it on: what it is unsure of is suggested here."
NO_QUEUE = "Slices and parts of all tomograms that the networks are unsure of are listed here, the best first."


class SuggestionList(QWidget):
    """The queue, with what can be done about its entries.

    Parameters
    ----------
    workbench
        Whose project it is of.
    slices
        Where the part that is meant is outlined.
    """

    def __init__(self, workbench: Workbench, slices: SliceArea, prediction: PredictionParams | None = None) -> None:
        super().__init__()
        self.workbench, self.session, self.slices = workbench, workbench.session, slices
        self.prediction = prediction
        self.handle: JobHandle | None = None
        self.form = ParamsForm(
            SuggestParams(), ("count", "kind", "slices", "tomograms"), ("box_size", "diversity", "apart")
        )
        self.fold = Fold("What is looked at", self.form)
        self.suggest = QPushButton("Suggest")
        self.accept, self.skip = QPushButton("Accept prediction as label"), QPushButton("Skip")
        self.nothing = hint(NO_NETWORK)
        self.list = QListWidget()
        self._outline = Segments(slices.panes["z"].scene, ORDER, 2.0)
        self._build()
        self._soon = Soon(self, self.refresh)
        self._connect()
        self.refresh()

    @property
    def entries(self) -> list[Suggested]:
        """What the list shows, in its order."""
        return [self.list.item(row).data(WHAT) for row in range(self.list.count())]  # type: ignore[union-attr]

    @property
    def outlined(self) -> bool:
        """Whether a part of the slice in view is outlined."""
        return self._outline.count > 0

    def refresh(self) -> None:
        """Bring the list, the buttons and the outline up to date."""
        queue, chosen = suggestions.queue(self.session), self.list.currentRow()
        if queue != self.entries:
            self._fill(queue)
            self.list.setCurrentRow(min(max(chosen, 0), len(queue) - 1))
        here = [suggestions.is_in_view(self.session, each) for each in queue]
        if True in here and not here[max(self.list.currentRow(), 0)]:
            self.list.setCurrentRow(here.index(True))
        self._enable(queue)
        self._draw_outline(queue)

    def start(self) -> None:
        """Look for slices to annotate, as a job."""
        project = self.session.project
        networks = [shown.entry.path for shown in shown_models(project) if shown.usable]
        path, params, prediction = project.path, self.form.value(), self.prediction

        def make():  # type: ignore[no-untyped-def]
            from ais_app.operations.suggest import suggest_job  # torch, below it, takes seconds to import

            return reading_project(
                lambda: self.session.now_at(path), lambda place: suggest_job(place, networks, params, prediction)
            )

        self.handle = self.workbench.jobs.start(
            "Suggest what to annotate", make, on_result=partial(self._take, path), on_error=self._fail
        )
        self.handle.changed.connect(self._later)
        self.refresh()

    def _take(self, path: Path, found: list[Suggestion]) -> None:
        if not self.session.is_open(path):
            return  # another project was opened meanwhile
        suggestions.keep(self.session, found)
        if found:
            self.refresh()
            self.list.setCurrentRow(0)
        else:
            self.workbench.notify("Nothing to suggest: every slice is annotated, or next to one that is")

    def _fail(self, error: Exception) -> None:
        self.workbench.notify(str(error), "error")

    # what is done with an entry

    def jump(self) -> None:
        """Bring the chosen slice into view."""
        chosen = self._chosen()
        if chosen is not None:
            self.workbench.attempt(lambda: suggestions.jump(self.session, chosen))

    def accept_chosen(self) -> None:
        """Take what is predicted of the chosen slice as labels and go to the next; the first time only go there."""
        chosen, answer = self._chosen(), self.workbench.preview.answer
        if chosen is None:
            return
        if not suggestions.is_in_view(self.session, chosen):
            self.jump()
            return
        current = answer is not None and (answer.tomogram, answer.z) == (chosen.tomogram, chosen.z)
        if answer is None or not current or chosen.feature not in answer.planes:
            self.workbench.notify(
                f"The prediction of {self._label(chosen)} is not there yet: wait, or switch a network on"
            )
            return
        plane, corner = answer.planes[chosen.feature], (answer.region[0], answer.region[2])
        threshold = threshold_of(self.session, self._label(chosen))
        row = self.list.currentRow()
        if self.workbench.attempt(lambda: suggestions.accept(self.session, chosen, plane, corner, threshold)):
            self._go_on(row)

    def skip_chosen(self) -> None:
        """Take the chosen slice out of the queue and go to the next."""
        chosen, row = self._chosen(), self.list.currentRow()
        if chosen is not None and self.workbench.attempt(
            lambda: suggestions.skip(self.session, chosen.tomogram, chosen.z, chosen.part)
        ):
            self._go_on(row)

    def _go_on(self, row: int) -> None:
        self._fill(suggestions.queue(self.session))
        self.list.setCurrentRow(min(row, self.list.count() - 1))
        self.jump()
        self.refresh()

    def _chosen(self) -> Suggested | None:
        item = self.list.currentItem()
        return None if item is None else item.data(WHAT)

    def _label(self, suggested: Suggested) -> str:
        """Return what the feature is called now."""
        feature = features_found(self.session.project).get(suggested.feature)
        return suggested.feature if feature is None else feature.name

    # what is seen

    def _build(self) -> None:
        self.suggest.setToolTip("Look through the tomograms with the networks that are on for what they are unsure of")
        self.accept.setToolTip("Take what is predicted on this slice as labels, to be corrected (Return)")
        self.skip.setToolTip("Take this slice off the list (Delete)")
        self.list.setAccessibleName("What to annotate next")
        self.list.setToolTip("Click to go there; Return accepts the prediction, Delete skips. The bar: how unsure")
        self.list.setFixedHeight(HEIGHT)
        self.list.setItemDelegate(_Bar(self.list))
        self.list.installEventFilter(self)
        row = QHBoxLayout()
        row.addWidget(self.accept, 1)
        row.addWidget(self.skip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.nothing, self.fold, self.suggest, self.list):
            column.addWidget(widget)
        column.addLayout(row)

    def _connect(self) -> None:
        events, view = self.session.events, self.session.view.events
        for signal in (events.opened, events.models, events.features, events.planes, events.tomograms, events.display,
                       view.tomogram, view.z):  # fmt: skip
            signal.connect(self._later, check_nargs=False)
        self.workbench.preview.shown.connect(self._later)
        self.suggest.clicked.connect(self._press)
        self.accept.clicked.connect(self.accept_chosen)
        self.skip.clicked.connect(self.skip_chosen)
        self.list.itemClicked.connect(lambda _: self.jump())

    def _press(self) -> None:
        if self.handle is not None and self.handle.is_active:
            self.handle.stop()
        else:
            self.workbench.attempt(self.start)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take Return and Delete on the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.accept_chosen()
                return True
            if event.key() == Qt.Key.Key_Delete:
                self.skip_chosen()
                return True
        return super().eventFilter(watched, event)

    def _later(self, *_: object) -> None:
        self._soon.start()

    def _fill(self, queue: list[Suggested]) -> None:
        names = {entry.id: entry.name for entry in self.session.project.tomograms} if queue else {}
        found = features_found(self.session.project) if queue else {}
        self.list.clear()
        for each in queue:
            part = "" if each.part is None else f"  ·  at y {sum(each.part[:2]) // 2}, x {sum(each.part[2:]) // 2}"
            label = found[each.feature].name if each.feature in found else each.feature
            item = QListWidgetItem(f"{each.z}  ·  {label}  ·  {names[each.tomogram]}{part}")
            item.setData(WHAT, each)
            item.setToolTip(f"slice {item.text()}\nuncertainty {each.uncertainty:.2f} of 1")
            item.setSizeHint(QSize(0, ROW))
            self.list.addItem(item)

    def _enable(self, queue: list[Suggested]) -> None:
        session = self.session
        ready = session.has_project and any(shown.usable for shown in shown_models(session.project))
        active = self.handle is not None and self.handle.is_active
        self.suggest.setText("Stop looking" if active else "Suggest again" if queue else "Suggest")
        self.suggest.setEnabled(ready or active)
        self.nothing.setText(NO_QUEUE if ready else NO_NETWORK)
        self.nothing.setVisible(not queue)
        for widget in (self.list, self.accept, self.skip):
            widget.setVisible(bool(queue))

    def _draw_outline(self, queue: list[Suggested]) -> None:
        """Outline the parts of the slice in view that are in the queue."""
        parts = [e.part for e in queue if e.part is not None and suggestions.is_in_view(self.session, e)]
        if not parts and not self._outline.count:
            return
        if parts:
            bounds = np.array(parts, dtype=float)
            centres = np.stack([bounds[:, 2:].mean(axis=1), bounds[:, :2].mean(axis=1)], axis=1) - 0.5
            self._outline.set(frames(centres, bounds[:, 3] - bounds[:, 2], bounds[:, 1] - bounds[:, 0]), OUTLINE)
        else:
            self._outline.clear()
        self.slices.panes["z"].canvas.update()


class _Bar(QStyledItemDelegate):
    """Draws the uncertainty of an entry as a bar at its right end."""

    def initStyleOption(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem | None, index: QModelIndex
    ) -> None:
        """Leave room for the bar behind the text."""
        super().initStyleOption(option, index)
        if option is not None:
            width = option.rect.width() - BAR - 24
            option.text = option.fontMetrics.elidedText(option.text, Qt.TextElideMode.ElideRight, width)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if painter is None:
            return
        room = QRectF(option.rect.right() - BAR - 8, option.rect.center().y() - 3, BAR, 7)
        super().paint(painter, option, index)
        theme = current_theme()
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.line))
        painter.drawRoundedRect(room, 3, 3)
        share = min(max(index.data(WHAT).uncertainty, 0.0), 1.0)
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRectF(room.left(), room.top(), max(3.0, room.width() * share), room.height()), 3, 3)
        painter.restore()
