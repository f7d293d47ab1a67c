"""Below the slices: which slice is shown, where the chosen feature is annotated, how many slices are averaged."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QRectF, QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QSlider, QStyle, QWidget

from ais_app.views.theme import current_theme
from ais_app.views.widgets.numbers import NumberField

HANDLE = 14  # px, as in the style sheet
NEAR = 6  # px from a tick that still count as on it


class SliceTicks(QWidget):
    """Thin ticks above the slider, one for each annotated slice; a click goes there."""

    clicked = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Annotated slices")
        self.setToolTip("Slices on which the chosen feature is annotated; click one to go there")
        self.setMouseTracking(True)
        self.slices: tuple[int, ...] = ()
        self._last, self._colour = 0, ""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a low, wide size."""
        return QSize(120, 9)

    def set_slices(self, slices: Sequence[int], last: int, colour: str) -> None:
        """Show ticks at these slices of 0 … last."""
        if (tuple(slices), last, colour) != (self.slices, self._last, self._colour):
            self.slices, self._last, self._colour = tuple(slices), last, colour
            self.update()

    def place(self, z: int) -> float:
        """Return where the tick of a slice is, px from the left: above the slider's handle."""
        at = QStyle.sliderPositionFromValue(0, max(self._last, 1), z, self.width() - HANDLE)
        return at + HANDLE / 2

    def paintEvent(self, _: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Paint the ticks."""
        painter = QPainter(self)
        colour = QColor(self._colour or current_theme().dimmed)
        for z in self.slices:
            painter.fillRect(QRectF(self.place(z) - 1, 0, 2, self.height()), colour)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go to the tick under the pointer."""
        z = None if event is None else self._at(event.position().x())
        if z is not None:
            self.clicked.emit(z)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show a hand over a tick."""
        near = event is not None and self._at(event.position().x()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if near else Qt.CursorShape.ArrowCursor)

    def _at(self, x: float) -> int | None:
        if not self.slices:
            return None
        nearest = min(self.slices, key=lambda z: abs(self.place(z) - x))
        return nearest if abs(self.place(nearest) - x) <= NEAR else None


class SliceBar(QWidget):
    """Slider, number of the slice, slab.

    Attributes
    ----------
    slider, field, slab, ticks
        Its parts.
    """

    moved = pyqtSignal(int)  # to a slice
    slab_changed = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Slice")
        self.slider.setToolTip("Slice along z (Left, Right, PgUp, PgDown, wheel)")
        self.field, self.slab = NumberField(low=0, high=0, integer=True), NumberField(low=1, high=101, integer=True)
        self.field.setAccessibleName("Slice number")
        self.field.setToolTip("Slice along z, counted from 0")
        self.slab.setAccessibleName("Slab")
        self.slab.setToolTip("How many slices are averaged for display; an odd number")
        self.ticks = SliceTicks()
        self._of, slab_label = QLabel(), QLabel("Slab")
        self._of.setProperty("role", "hint")
        slab_label.setBuddy(self.slab)
        slab_label.setProperty("role", "hint")
        self.field.setFixedWidth(76)
        self.slab.setFixedWidth(60)
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 4, 12, 6)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.addWidget(self.ticks, 0, 0)
        grid.addWidget(self.slider, 1, 0)
        for column, widget in enumerate((self.field, self._of, slab_label, self.slab), start=1):
            grid.addWidget(widget, 0, column, 2, 1)
        grid.setColumnStretch(0, 1)
        self.slider.valueChanged.connect(self.moved)
        self.field.valueChanged.connect(lambda value: self.moved.emit(int(value)))
        self.slab.valueChanged.connect(lambda value: self.slab_changed.emit(int(value)))
        self.ticks.clicked.connect(self.moved)

    def show_position(self, z: int, count: int, slab: int) -> None:
        """Show where the person is: slice `z` of `count`; does not emit."""
        self.setEnabled(count > 0)
        for widget in (self.slider, self.field, self.slab):
            widget.blockSignals(True)
        self.slider.setRange(0, max(count - 1, 0))
        self.slider.setValue(z)
        self.field.high = max(count - 1, 0)
        self.field.setValue(z)
        self.slab.setValue(slab)
        for widget in (self.slider, self.field, self.slab):
            widget.blockSignals(False)
        self._of.setText(f"of {count - 1}" if count else "")

    def show_annotated(self, slices: Sequence[int], count: int, colour: str) -> None:
        """Show where the chosen feature is annotated."""
        with QSignalBlocker(self.ticks):
            self.ticks.set_slices(slices, max(count - 1, 0), colour)
