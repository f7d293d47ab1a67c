"""One feature in the list: colour, name, how much is annotated, eye, lock."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QStackedLayout, QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.state.records import Feature
from ais_app.views.theme import current_theme
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.icon_button import IconButton

HEIGHT = 34  # px


class FeatureRow(QWidget):
    """What the list shows of a feature; a double click on the name edits it in place."""

    renamed = pyqtSignal(str)
    recoloured = pyqtSignal(str)
    shown = pyqtSignal(bool)
    locked = pyqtSignal(bool)

    def __init__(self, feature: Feature) -> None:
        super().__init__()
        self.feature = feature
        self.colour = ColourButton(feature.colour, f"Colour of {feature.name}", FEATURE_COLOURS[:16])
        self.name = QLabel()
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.editor = QLineEdit()
        self.editor.setAccessibleName("Name of the feature")
        self.editor.setToolTip("Enter keeps the name, Escape the old one")
        self.count = QLabel()
        self.count.setProperty("role", "hint")
        self.eye, self.lock = IconButton(), IconButton()
        for button in (self.eye, self.lock):
            button.setProperty("role", "close")
        self.bar = QFrame()
        self.bar.setFixedWidth(3)
        self._build()
        self.colour.changed.connect(self.recoloured)
        self.editor.returnPressed.connect(self._end_editing)
        self.editor.editingFinished.connect(self._end_editing)
        self.editor.installEventFilter(self)
        self.eye.clicked.connect(lambda: self.shown.emit(not self.feature.visible))
        self.lock.clicked.connect(lambda: self.locked.emit(not self.feature.locked))

    def _build(self) -> None:
        names = QWidget()
        names.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._names = QStackedLayout(names)
        self._names.addWidget(self.name)
        self._names.addWidget(self.editor)
        self._holder = names
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(4)
        for widget in (self.bar, self.colour, names, self.count, self.eye, self.lock):
            row.addWidget(widget)
        row.setStretch(2, 1)
        self.setFixedHeight(HEIGHT)

    def show_feature(self, feature: Feature, count: str, tip: str, chosen: bool) -> None:
        """Show the feature as it is now; says nothing to anybody."""
        self.feature = feature
        self.colour.set_colour(feature.colour)
        font = self.name.font()
        font.setBold(chosen)
        self.name.setFont(font)
        self.name.setEnabled(feature.visible)
        theme = current_theme()
        self.bar.setStyleSheet(f"background: {theme.accent if chosen else 'transparent'}; border-radius: 1px;")
        self.count.setText(count)
        self.setToolTip(tip)
        self.count.setToolTip(tip)
        # what is usual is quiet; what keeps a person from painting can be seen
        eye = ("mdi6.eye-outline", "dimmed") if feature.visible else ("mdi6.eye-off-outline", "warning")
        lock = ("mdi6.lock-outline", "warning") if feature.locked else ("mdi6.lock-open-variant-outline", "dimmed")
        for button, (name, ink), words in (
            (self.eye, eye, f"{'Hide' if feature.visible else 'Show'} {feature.name}"),
            (self.lock, lock, f"{'Unlock' if feature.locked else 'Lock'} {feature.name}"),
        ):
            button.set_icon(name, ink)
            button.setToolTip(words)
            button.setAccessibleName(words)
        self._elide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Shorten a name that is too long for the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        mode = Qt.TextElideMode.ElideMiddle
        self.name.setText(self.name.fontMetrics().elidedText(self.feature.name, mode, max(self._holder.width(), 40)))

    def edit_name(self) -> None:
        """Let the name be edited."""
        self._holder.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.editor.setText(self.feature.name)
        self._names.setCurrentWidget(self.editor)
        self.editor.selectAll()
        self.editor.setFocus()

    @property
    def is_editing(self) -> bool:
        """Whether the name is being edited."""
        return self._names.currentWidget() is self.editor

    def _end_editing(self) -> None:
        if not self.is_editing:
            return
        name = self.editor.text().strip()
        self._leave_editor()
        if name and name != self.feature.name:
            self.renamed.emit(name)

    def _leave_editor(self) -> None:
        self._names.setCurrentWidget(self.name)
        self._holder.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Escape keeps the old name."""
        is_key = event is not None and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent)
        if is_key and event.key() == Qt.Key.Key_Escape:  # type: ignore[union-attr]
            self._leave_editor()
            return True
        return False
