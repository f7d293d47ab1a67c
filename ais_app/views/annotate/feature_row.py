"""One feature in the list: colour, name, how much is annotated, eye, lock."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QStackedLayout, QToolButton, QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.state.records import Feature
from ais_app.views.theme import current_theme, icon
from ais_app.views.widgets.colour_button import ColourButton

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
        self.eye, self.lock = QToolButton(), QToolButton()
        for button in (self.eye, self.lock):
            button.setCheckable(True)
            button.setProperty("role", "close")
        self._build()
        self.colour.changed.connect(self.recoloured)
        self.editor.returnPressed.connect(self._end_editing)
        self.editor.editingFinished.connect(self._end_editing)
        self.editor.installEventFilter(self)
        self.eye.clicked.connect(lambda on: self.shown.emit(on))
        self.lock.clicked.connect(lambda on: self.locked.emit(on))

    def _build(self) -> None:
        names = QWidget()
        names.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._names = QStackedLayout(names)
        self._names.addWidget(self.name)
        self._names.addWidget(self.editor)
        self._holder = names
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(4)
        for widget in (self.colour, names, self.count, self.eye, self.lock):
            row.addWidget(widget)
        row.setStretch(1, 1)
        self.setFixedHeight(HEIGHT)

    def show_feature(self, feature: Feature, count: str, tip: str, chosen: bool) -> None:
        """Show the feature as it is now; says nothing to anybody."""
        self.feature = feature
        self.colour.set_colour(feature.colour)
        font = self.name.font()
        font.setBold(chosen)
        self.name.setFont(font)
        self.name.setText(feature.name)
        self.count.setText(count)
        self.setToolTip(tip)
        self.count.setToolTip(tip)
        faint = current_theme().dimmed
        self.name.setEnabled(feature.visible)
        self._button(self.eye, feature.visible, ("mdi6.eye-outline", "mdi6.eye-off-outline"), "Hide", "Show", faint)
        lock = ("mdi6.lock-outline", "mdi6.lock-open-variant-outline")
        self._button(self.lock, feature.locked, lock, "Unlock", "Lock", faint)

    def _button(
        self, button: QToolButton, on: bool, icons: tuple[str, str], if_on: str, if_off: str, colour: str
    ) -> None:
        button.blockSignals(True)
        button.setChecked(on)
        button.blockSignals(False)
        # what is usual is quiet; what keeps a person from painting can be seen
        unusual = on if button is self.lock else not on
        button.setIcon(icon(icons[0] if on else icons[1], current_theme().warning if unusual else colour))
        words = f"{if_on if on else if_off} {self.feature.name}"
        button.setToolTip(words)
        button.setAccessibleName(words)

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
