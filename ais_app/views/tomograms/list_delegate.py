"""Draws a row of the list of tomograms: thumbnail, name, size, features, state."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QPointF, QRect, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ais_app.views.theme import Theme, current_theme, icon
from ais_app.views.tomograms.list_model import ROW, Chip, Row, size_words, voxel_words

HEIGHT, MARGIN, PICTURE, GAP = 68, 6, 56, 8  # px
DOT, CHIP_HEIGHT, SIGN = 8, 16, 15
SIGNS = {
    "good": "mdi6.check",
    "odd": "mdi6.alert-outline",
    "missing": "mdi6.link-variant-off",
    "unknown": "mdi6.dots-horizontal",
}


class TomogramDelegate(QStyledItemDelegate):
    """Rows of equal height."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of a row."""
        return QSize(120, HEIGHT)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a row."""
        row: Row | None = index.data(ROW)
        if painter is None or row is None:
            return
        theme = current_theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _background(painter, option, theme)
        _picture(painter, option.rect, index.data(Qt.ItemDataRole.DecorationRole), theme)
        inside = text_rect(option.rect)
        colour = {"good": theme.good, "odd": theme.warning, "missing": theme.error}.get(row.state, theme.dimmed)
        sign = QRect(inside.right() - SIGN + 1, inside.top() + 2, SIGN, SIGN)
        icon(SIGNS[row.state], colour).paint(painter, sign)
        name = QRect(inside.left(), inside.top(), inside.width() - SIGN - 4, 19)
        painter.setPen(QColor(theme.error if row.state == "missing" else theme.text))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        metrics = painter.fontMetrics()
        painter.drawText(name, left, metrics.elidedText(row.entry.name, Qt.TextElideMode.ElideMiddle, name.width()))
        painter.setFont(small_font(option.font))
        painter.setPen(QColor(theme.dimmed))
        size = QRect(inside.left(), inside.top() + 19, inside.width(), 16)
        words = f"{voxel_words(row.entry)}  ·  {size_words(row.entry)}"
        painter.drawText(size, left, painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, size.width()))
        painter.setPen(QColor(theme.text))
        for chip, place in chip_rects(option.rect, row.chips, option.font):
            _chip(painter, chip, place, theme)
        painter.restore()


def text_rect(rect: QRect) -> QRect:
    """Return the part of a row beside the thumbnail."""
    return rect.adjusted(MARGIN + PICTURE + GAP, MARGIN, -MARGIN, -MARGIN)


def small_font(font: QFont) -> QFont:
    """Return the font of what matters less."""
    small = QFont(font)
    small.setPixelSize(11)
    return small


def chip_rects(rect: QRect, chips: tuple[Chip, ...], font: QFont) -> list[tuple[Chip, QRect]]:
    """Return where the chips of a row are; those that find no room are left out."""
    inside = text_rect(rect)
    metrics = QFontMetrics(small_font(font))
    places, left = [], inside.left()
    for chip in chips:
        width = DOT + 4 + metrics.horizontalAdvance(str(chip.count)) + 8
        if left + width > inside.right() + 8:
            break
        places.append((chip, QRect(left, inside.bottom() - CHIP_HEIGHT + 1, width, CHIP_HEIGHT)))
        left += width
    return places


def _background(painter: QPainter, option: QStyleOptionViewItem, theme: Theme) -> None:
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
    if selected or hovered:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hover))
        painter.drawRoundedRect(option.rect.adjusted(1, 1, -1, -1), 5, 5)
    if selected:
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRect(option.rect.left() + 1, option.rect.top() + 8, 3, HEIGHT - 16), 1.5, 1.5)


def _picture(painter: QPainter, rect: QRect, picture: QPixmap | None, theme: Theme) -> None:
    place = QRect(rect.left() + MARGIN, rect.top() + MARGIN, PICTURE, PICTURE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.line))
    if picture is None or picture.isNull():
        painter.drawRoundedRect(place, 4, 4)
        return
    size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    inside = QRect(place.topLeft(), size)
    inside.moveCenter(place.center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(inside, picture)


def _chip(painter: QPainter, chip: Chip, place: QRect, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(chip.colour))
    painter.drawEllipse(QPointF(place.left() + DOT / 2 + 0.5, place.center().y() + 0.5), DOT / 2, DOT / 2)
    painter.setPen(QColor(theme.dimmed))
    painter.drawText(
        place.adjusted(DOT + 4, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, str(chip.count)
    )
