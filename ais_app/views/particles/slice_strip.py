"""The central slices of a cube side by side: along z, y and x."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from ais_app.views.particles.tile_painter import grey_table, picture
from ais_app.views.theme import current_theme

GAP = 4  # px
NAMES = ("z", "y", "x")
CONTRAST = 3.2  # deviations: averages are calm


class SliceStrip(QWidget):
    """Three pictures in a row; room for them is kept while there are none.

    Parameters
    ----------
    height
        px, of each; ``None`` for as wide as the strip allows.
    words
        What stands there while there is nothing to show.
    """

    def __init__(self, height: int | None = None, words: str = "") -> None:
        super().__init__()
        self._height, self._words = height, words
        self._images: tuple[QImage, ...] = ()
        self.setAccessibleName("Central slices")
        self.setToolTip("Central slices along z, y and x")
        if height is None:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        else:
            self.setFixedSize(3 * height + 2 * GAP, height)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is shown."""
        return not self._images

    def show_slices(self, slices: Sequence[np.ndarray], y_up: bool = True) -> None:
        """Show planes (e, e) uint8 along z, y and x; none for nothing."""
        greys = grey_table(CONTRAST, False)
        # as in the slices of a tomogram: z upwards seen along y, z to the right seen along x
        planes = [(plane.T if name == "x" else plane, name == "y" or y_up)
                  for plane, name in zip(slices, NAMES, strict=False)]  # fmt: skip
        self._images = tuple(picture(plane, flipped, greys) for plane, flipped in planes)
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep the pictures square, and as wide as the strip."""
        super().resizeEvent(event)
        if self._height is None:
            self.setFixedHeight(max(40, (self.width() - 2 * GAP) // 3))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of three pictures."""
        return QSize(276, 92) if self._height is None else QSize(3 * self._height + 2 * GAP, self._height)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw them."""
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        edge = min(self.height(), (self.width() - 2 * GAP) // 3)
        for number, name in enumerate(NAMES):
            place = QRect(number * (edge + GAP), 0, edge, edge)
            if self._images:
                painter.drawImage(place, self._images[number])
            else:
                painter.fillRect(place, QColor(theme.field))
            if edge > 60:
                painter.setPen(QColor("#ffffff") if self._images else QColor(theme.dimmed))
                painter.drawText(place.adjusted(5, 3, 0, 0), Qt.AlignmentFlag.AlignLeft, name)
        if not self._images and self._words:
            painter.setPen(QColor(theme.dimmed))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        painter.end()
