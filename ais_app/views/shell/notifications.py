"""Messages that do not block: they lie over the lower right corner of the data and can be read again later.

    workbench.notify(...) ──► NotificationArea ──► up to three cards
                                    └──► history (the bell in the status line)

What informs fades after some seconds, and so does a warning that a person can put right at once; any other warning or
error stays until it is dismissed. When a project is closed, all go but the errors: they may tell of work that is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from PyQt6.QtCore import QEasingCurve, QEvent, QObject, QPropertyAnimation, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ais_app.views.theme import current_theme, icon
from ais_app.views.widgets.fold import Fold
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.text import Details, WrappedText
from ais_app.views.workbench import Notification, Workbench

WIDTH = 368  # px
MARGIN, BELOW = 16, 56  # below lies the bar of the slices
MOST_SHOWN = 3
MOST_KEPT = 200
INFO_SECONDS = 6.0
WARNING_TIMES = 2  # as long stays a warning that goes by itself
FADE_MS = 150
ICONS = {"info": "mdi6.information-outline", "warning": "mdi6.alert-outline", "error": "mdi6.alert-circle-outline"}


@dataclass
class Note:
    """A notification, when it came, and how often in a row."""

    notification: Notification
    when: float = field(default_factory=time.time)
    count: int = 1

    @property
    def text(self) -> str:
        """The sentence, with how often it came."""
        return self.notification.text + (f" (×{self.count})" if self.count > 1 else "")

    @property
    def passes(self) -> bool:
        """Whether it goes by itself."""
        return self.notification.kind == "info" or self.notification.passing


class NotificationArea(QWidget):
    """The messages that wait, newest below, over the lower right corner of a widget.

    Parameters
    ----------
    workbench
        Whose messages these are.
    parent
        What they lie over.

    Attributes
    ----------
    history
        Every message of this session, oldest first.
    """

    noted = pyqtSignal(object)  # Note, new or once more

    def __init__(self, workbench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self.history: list[Note] = []
        self.fade_seconds = INFO_SECONDS
        self._open: list[Note] = []
        self._cards: dict[int, NoteCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.setFixedWidth(WIDTH)
        self.setAccessibleName("Messages")
        self._session = workbench.session
        workbench.notified.connect(self.add)
        self._session.events.opened.connect(self._leave_project)
        parent.installEventFilter(self)
        self.hide()

    @property
    def shown(self) -> list[Note]:
        """The messages on screen, the newest last."""
        return self._open[-MOST_SHOWN:]

    def card(self, note: Note) -> NoteCard:
        """Return the card of a message on screen."""
        return self._cards[id(note)]

    def add(self, notification: Notification) -> None:
        """Show a message as the newest; the same one again is counted, and the same words take the place of others."""
        note = next((known for known in self._open if _same(known.notification, notification)), None)
        self._open = [known for known in self._open if known.notification.text != notification.text]
        if note is None:
            note = Note(notification)
        else:
            note.count += 1
            note.when = time.time()
            self.history = [known for known in self.history if known is not note]
        self._open.append(note)
        self.history.append(note)
        del self.history[:-MOST_KEPT]
        self._refresh()
        self.card(note).refresh()
        self.noted.emit(note)

    def dismiss(self, note: Note) -> None:
        """Take a message off the screen; it stays in the history."""
        self._open = [known for known in self._open if known is not note]
        self._refresh()

    def dismiss_all(self) -> None:
        """Take all messages off the screen."""
        self._open.clear()
        self._refresh()

    def _leave_project(self) -> None:
        if not self._session.has_project:  # also before another one is opened in its place
            self._open = [note for note in self._open if note.notification.kind == "error"]
            self._refresh()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Stay in the corner."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.place()
        return False

    def event(self, event: QEvent | None) -> bool:
        """Take the height that the cards need as soon as one of them has changed its own."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.place()
        return super().event(event)

    def place(self) -> None:
        """Move to the corner, as tall as the cards need."""
        parent = self.parentWidget()
        if parent is not None:
            self._column.activate()
            height = self._column.sizeHint().height()
            self.setGeometry(parent.width() - WIDTH - MARGIN, parent.height() - height - BELOW, WIDTH, height)
            self.raise_()

    def _refresh(self) -> None:
        wanted = {id(note): note for note in self.shown}
        for key in [key for key in self._cards if key not in wanted]:
            card = self._cards.pop(key)
            self._column.removeWidget(card)
            card.leave()
        for key, note in wanted.items():
            if key not in self._cards:
                self._cards[key] = card = NoteCard(note, self.fade_seconds)
                card.dismissed.connect(self.dismiss)
                card.resized.connect(self.place)
        for place, key in enumerate(wanted):
            self._column.insertWidget(place, self._cards[key])
        self.setVisible(bool(wanted))
        self.place()


class NoteCard(QFrame):
    """One message."""

    dismissed = pyqtSignal(object)  # Note
    resized = pyqtSignal()

    def __init__(self, note: Note, fade_seconds: float) -> None:
        super().__init__()
        self.note = note
        notification = note.notification
        self.setProperty("role", "note")
        self.setProperty("kind", notification.kind)
        self.setFixedWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 8, 10)
        column.setSpacing(6)
        column.addLayout(self._sentence(notification))
        if notification.button and notification.act is not None:
            column.addLayout(self._act(notification.button, notification.act))
        self.fold: Fold | None = None
        if notification.details:
            self.fold = Fold("Details", Details(notification.details))
            self.fold.toggled.connect(lambda _: QTimer.singleShot(0, self.resized.emit))
            column.addWidget(self.fold)
        self._fading: QPropertyAnimation | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(int(fade_seconds * (1 if notification.kind == "info" else WARNING_TIMES) * 1000))
        self._timer.timeout.connect(self._fade)
        if note.passes:
            self._timer.start()

    def refresh(self) -> None:
        """Say the count again, and stay as long as a new message does."""
        self.text.set_text(self.note.text)
        if self._fading is not None:
            self._fading.stop()
            self._fading = None
            self.setGraphicsEffect(None)
        if self.note.passes:
            self._timer.start()

    def enterEvent(self, event: QEvent | None) -> None:  # type: ignore[override]  # noqa: N802 - Qt's name
        """Stay while the pointer is on it."""
        self._timer.stop()

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go some time after the pointer has left, if it goes by itself."""
        if self.note.passes:
            self._timer.start()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take on the colours of another theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange and hasattr(self, "_sign"):
            self._draw_sign()

    def leave(self) -> None:
        """Go for good."""
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def _draw_sign(self) -> None:
        kind, theme = self.note.notification.kind, current_theme()
        colours = {"warning": theme.warning, "error": theme.error}
        self._sign.setPixmap(icon(ICONS[kind], colours.get(kind, theme.accent)).pixmap(18, 18))

    def _sentence(self, notification: Notification) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self._sign = sign = QLabel()
        sign.setToolTip(notification.kind.capitalize())
        self._draw_sign()
        self.text = WrappedText(self.note.text)
        self.text.fit_width(WIDTH - 12 - 8 - 18 - 22 - 2 * 8 - 8)
        self.close_button = IconButton("mdi6.close", "Dismiss; it can be read again in History", "Dismiss", "dimmed")
        self.close_button.setProperty("role", "close")
        self.close_button.clicked.connect(lambda: self.dismissed.emit(self.note))
        row.addWidget(sign, alignment=Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.close_button, alignment=Qt.AlignmentFlag.AlignTop)
        return row

    def _act(self, words: str, act: Callable[[], object]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(26, 0, 0, 0)
        self.button = QPushButton(words)
        self.button.clicked.connect(act)
        self.button.clicked.connect(lambda: self.dismissed.emit(self.note))
        row.addWidget(self.button)
        row.addStretch(1)
        return row

    def _fade(self) -> None:
        effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(effect)
        self._fading = fading = QPropertyAnimation(effect, b"opacity", self)
        fading.setDuration(FADE_MS)
        fading.setStartValue(1.0)
        fading.setEndValue(0.0)
        fading.setEasingCurve(QEasingCurve.Type.OutCubic)
        fading.finished.connect(lambda: self.dismissed.emit(self.note))
        fading.start()


def _same(one: Notification, other: Notification) -> bool:
    return (one.text, one.kind, one.details, one.button) == (other.text, other.kind, other.details, other.button)
