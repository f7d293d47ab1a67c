"""Draws tiles: the picture, its class, whether it is selected, current or rejected, and the number it is sorted by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPen
from PyQt6.QtWidgets import QWidget

from ais_app.core.particles.tiles import LEVELS_PER_DEVIATION, MIDDLE
from ais_app.state.gallery import Gallery
from ais_app.state.gallery_look import GalleryLook
from ais_app.views.theme import current_theme
from ais_app.workers.tiles import MADE, OUTSIDE, UNREADABLE, Tiles

_MOST_BYTES = 128 * 2**20  # of pictures that are kept
MISSING = {  # in a tile that has no picture, and in its tooltip
    OUTSIDE: ("outside", "lies outside the tomogram"),
    UNREADABLE: ("no file", "its tomogram is not found, or cannot be read"),
}


class TilePainter:
    """Draws the tiles of a gallery.

    Parameters
    ----------
    tiles
        The pictures.
    """

    CAPTION = 16  # px

    def __init__(self, tiles: Tiles) -> None:
        self._tiles = tiles
        self._images: dict[int, QImage] = {}
        self._made_for: tuple[object, ...] = ()
        self.colours: dict[str, str] = {}  # of the classes

    def image(self, row: int, look: GalleryLook, flipped: bool, pixels: int) -> QImage | None:
        """Return the picture of a row, so many pixels wide and high; ``None`` while it is not made.

        It is brought to the size of the screen once: a painter that does so each time hands every tile to Qt's threads
        and waits for them, which takes most of the time of a scrolled gallery.
        """
        if row >= len(self._tiles.state) or self._tiles.state[row] != MADE:
            return None
        key = (look.contrast, look.invert, flipped, pixels, self._tiles.version)
        if key != self._made_for or len(self._images) * 4 * pixels**2 > _MOST_BYTES:
            self._images, self._made_for = {}, key
            self._greys = grey_table(look.contrast, look.invert)
        if row not in self._images:
            plane = self._tiles.images[row]
            # along x the slices show z to the right and y upwards
            self._images[row] = picture(plane.T if look.axis == "x" else plane, flipped, self._greys).scaled(
                pixels, pixels, transformMode=Qt.TransformationMode.SmoothTransformation
            )
        return self._images[row]

    @contextmanager
    def on(self, widget: QWidget, gallery: Gallery, flipped: bool, focused: bool) -> Iterator[_Drawing]:
        """Draw on a widget."""
        painter = QPainter(widget)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)  # for screens of 1.5 pixels a point
        try:
            yield _Drawing(self, painter, gallery, flipped, focused, widget.devicePixelRatioF())
        finally:
            painter.end()

    def missing(self, row: int) -> tuple[str, str] | None:
        """Return why there is no picture, in a word and in words; ``None`` where there is one, or will be."""
        return MISSING.get(int(self._tiles.state[row])) if row < len(self._tiles.state) else None

    def words(self, row: int, gallery: Gallery) -> str:
        """Return what is known of a particle, for a tooltip."""
        table = gallery.table
        z, y, x = table.positions_zyx[row]
        lines = [f"{table.names[row] or 'no tomogram'} · pick {table.ids[row]}", f"x {x:.0f}, y {y:.0f}, z {z:.0f} Å"]
        lines += [
            f"{name} {text}"
            for name, text in (
                ("score", _number(table.scores[row])),
                ("quality", _number(gallery.quality[row]) if row < len(gallery.quality) else ""),
                ("class", table.classes[row]),
                ("cluster", str(gallery.clusters[row] + 1) if gallery.clusters[row] >= 0 else ""),
            )
            if text
        ]
        if (missing := self.missing(row)) is not None:
            lines.append(missing[1])
        return "\n".join([*lines, "rejected"] if table.rejected[row] else lines)


class _Drawing:
    """One time that tiles are drawn."""

    def __init__(
        self, owner: TilePainter, painter: QPainter, gallery: Gallery, flipped: bool, focused: bool, ratio: float
    ) -> None:
        self._owner, self._painter, self._gallery = owner, painter, gallery
        self._flipped, self._focused, self._ratio = flipped, focused, ratio
        self._look, self._table = gallery.look, gallery.table
        self._selected, self._clusters = gallery.selected, gallery.clusters
        theme = self._theme = current_theme()
        self._behind, self._accent, self._text = QColor(theme.field), QColor(theme.accent), QColor(theme.dimmed)
        self._veil = QColor(theme.window)
        self._veil.setAlpha(175)
        font = QFont(painter.font())
        font.setPixelSize(11)
        painter.setFont(font)

    def tile(self, row: int, rect: QRect) -> None:
        """Draw one."""
        painter, size = self._painter, rect.width()
        square = QRect(rect.left(), rect.top(), size, size)
        image = self._owner.image(row, self._look, self._flipped, round(size * self._ratio))
        if image is not None:
            painter.drawImage(square, image)
        else:
            painter.fillRect(square, self._behind)
            painter.setPen(QColor(self._theme.line))  # that its place is seen
            painter.drawRect(square.adjusted(0, 0, -1, -1))
            if (missing := self._owner.missing(row)) is not None:
                painter.setPen(self._text)
                painter.drawText(square, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, missing[0])
        self._mark(row, square)
        if self._look.sort != "place":
            painter.setPen(self._text)
            below = QRect(rect.left(), square.bottom() + 1, size, TilePainter.CAPTION)
            words = painter.fontMetrics().elidedText(self._caption(row), Qt.TextElideMode.ElideMiddle, size)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)

    def frame(self, rect: QRect) -> None:
        """Draw the frame that selects."""
        inside = QColor(self._accent)
        inside.setAlpha(40)
        self._painter.fillRect(rect, inside)
        self._painter.setPen(QPen(self._accent, 1))
        self._painter.drawRect(rect)

    def _mark(self, row: int, square: QRect) -> None:
        painter, table = self._painter, self._table
        if table.rejected[row]:
            painter.fillRect(square, self._veil)
            painter.setPen(QPen(QColor(self._theme.error), 2))
            corner, edge = QPointF(square.right() - 5, square.top() + 6), 6
            painter.drawLine(corner, corner + QPointF(-edge, edge))
            painter.drawLine(corner + QPointF(-edge, 0), corner + QPointF(0, edge))
        name = table.classes[row]
        is_selected = row < len(self._selected) and bool(self._selected[row])
        if name in self._owner.colours:
            inset = 3 if is_selected else 0  # inside the frame, which would hide it
            strip = QRect(square.left() + inset, square.bottom() - 3 - inset, square.width() - 2 * inset, 4)
            painter.fillRect(strip, QColor(self._owner.colours[name]))
        if is_selected:
            painter.setPen(QPen(self._accent, 3))
            painter.drawRect(QRectF(square).adjusted(1, 1, -1, -1))
        if self._focused and row == self._gallery.current:
            painter.setPen(QPen(QColor(self._theme.text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(square).adjusted(3.5, 3.5, -3.5, -3.5))

    def _caption(self, row: int) -> str:
        sort = self._look.sort
        if sort == "score":
            return _number(self._table.scores[row]) or "no score"
        if sort == "quality":
            known = row < len(self._gallery.quality)
            return (_number(self._gallery.quality[row]) if known else "") or "…"
        if sort == "cluster":
            return f"cluster {self._clusters[row] + 1}" if self._clusters[row] >= 0 else "not grouped"
        return str(self._table.classes[row] or "no class") if sort == "class" else str(self._table.names[row])


def grey_table(contrast: float, invert: bool) -> list[int]:
    """Return the 256 colours that show so many standard deviations around the mean from black to white."""
    reach = contrast * LEVELS_PER_DEVIATION
    shares = np.clip((np.arange(256) - MIDDLE + reach) / (2 * reach), 0, 1)
    levels = np.round(255 * (1 - shares if invert else shares)).astype(np.int64)
    return [int(0xFF000000 | level << 16 | level << 8 | level) for level in levels]


def picture(plane: np.ndarray, flipped: bool, colours: list[int]) -> QImage:
    """Return a plane of uint8 as an image, the first row at the bottom where `flipped`."""
    data = np.ascontiguousarray(plane[::-1] if flipped else plane)
    height, width = data.shape
    image = QImage(data.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(colours)
    return image.convertToFormat(QImage.Format.Format_RGB32)  # a copy: the bytes go with this call


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else ""
