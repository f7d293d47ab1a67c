"""The gallery: a grid of tiles that scrolls. Only what is in view is drawn, so the number of particles does not matter.

A list view of Qt would keep one range for each selected tile: a lasso around half of 5,000 points makes 2,500 of them,
and halts the window. Here the selection is one array.
"""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QEvent, QPoint, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent
from PyQt6.QtWidgets import QAbstractScrollArea, QSizePolicy, QToolTip

from ais_app.state.commands import particles
from ais_app.state.gallery import Gallery
from ais_app.views.particles.layout import CellLayout
from ais_app.views.particles.tile_painter import TilePainter
from ais_app.views.particles.tile_selection import ADD, KEYS, RANGE, TileSelection, is_all, step_of
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench
from ais_app.workers.tiles import Tiles

SMALLEST, LARGEST = 40, 240  # px of a tile


class TileGrid(QAbstractScrollArea):
    """The tiles of the gallery of a session.

    Parameters
    ----------
    workbench
        Whose gallery.
    tiles
        The pictures.
    """

    activated = pyqtSignal(int)  # row: double click or Enter
    asked_to_reject = pyqtSignal()
    asked_for_menu = pyqtSignal(QPoint)  # on the screen

    def __init__(self, workbench: Workbench, tiles: Tiles) -> None:
        super().__init__()
        self._workbench, self._tiles = workbench, tiles
        self._painter = TilePainter(tiles)
        self._selection = TileSelection(workbench.session)
        self._order = np.zeros(0, dtype=np.int64)
        self._cells = CellLayout(1, 0, 88)
        self._choice: object = None  # of particles: what is shown of which source
        self._sort: object = None
        self._gap: int | None = None  # how many tiles are before the current one, once it has gone from the choice
        self._wants = False
        self._ask = Soon(self, self._ask_for_tiles)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Gallery of particles")
        port = self._port
        port.setMouseTracking(True)
        self._bar.valueChanged.connect(lambda _: self.want())
        tiles.changed.connect(self._show_made)

    @property
    def gallery(self) -> Gallery:
        """What is shown."""
        return self._workbench.session.gallery

    @property
    def _port(self):  # type: ignore[no-untyped-def]
        port = self.viewport()
        assert port is not None  # every scroll area has one
        return port

    @property
    def _bar(self):  # type: ignore[no-untyped-def]
        bar = self.verticalScrollBar()
        assert bar is not None  # it was not replaced
        return bar

    def refresh(self) -> None:
        """Take on another table, order or look."""
        first, look, order = self._cells.first_in_view(self._bar.value()), self.gallery.look, self.gallery.order
        choice = self.gallery.source, look.shown, look.of_class, look.of_cluster
        same = choice == self._choice  # some of it may have gone: one was rejected, and only what is kept is shown
        place = self._current_place()
        if place is not None or not same:
            self._gap = int(np.isin(self._order[:place], order).sum()) if same else None
        sort = look.sort, look.descending  # of another order the first are asked for: the best, the worst
        stays = sort == self._sort and (same or len(self._order) == len(order))
        self._choice, self._sort, self._order = choice, sort, order
        self._lay_out(first if stays else 0)
        self.want()
        self._describe()

    def _catch_up(self) -> None:
        """Take on what has changed a moment ago, before a person acts on it."""
        if self._order is not self.gallery.order:
            self._tiles.follow()
            self.refresh()

    def set_colours(self, colours: dict[str, str]) -> None:
        """Take the colours of the classes."""
        self._painter.colours = colours

    def show_selection(self) -> None:
        """Draw what is selected now; scroll to the first of it where none is in view, and a person looks elsewhere."""
        self._describe()
        self._port.update()
        low, high = self._cells.in_view(self._bar.value(), self._port.height())
        selected = self.gallery.selected
        if self.hasFocus() or not selected.any() or len(selected) <= self._order.max(initial=-1):
            return
        if not selected[self._order[low:high]].any():
            places = np.flatnonzero(selected[self._order])
            if len(places):
                self._bar.setValue(self._cells.rect(int(places[0])).top() - self._cells.gap)

    def want(self) -> None:
        """Ask for the tiles in view once they are drawn: the cutting would take the time that the drawing needs."""
        self._wants = True
        self._port.update()

    def _ask_for_tiles(self) -> None:
        low, high = self._cells.in_view(self._bar.value(), self._port.height())
        self._tiles.want(self._order[low:high])

    def _show_made(self, rows: np.ndarray) -> None:
        """Draw tiles that have come, where they are in view: most come for later."""
        low, high = self._cells.in_view(self._bar.value(), self._port.height())
        if np.isin(rows, self._order[low:high]).any():
            self._port.update()

    def place_of(self, row: int) -> QRect:
        """Return where the tile of a row is, in pixels of the viewport; empty when it is not shown."""
        found = np.flatnonzero(self._order == row)
        if not len(found):
            return QRect()
        return self._cells.rect(int(found[0])).translated(0, -self._bar.value())

    def scroll_to(self, row: int) -> None:
        """Scroll until the tile of a row is seen."""
        found = np.flatnonzero(self._order == row)
        if len(found):
            rect = self._cells.rect(int(found[0]))
            low, high = self._bar.value(), self._bar.value() + self._port.height()
            if rect.top() < low:
                self._bar.setValue(rect.top() - self._cells.gap)
            elif rect.bottom() > high:
                self._bar.setValue(rect.bottom() + self._cells.gap - self._port.height())

    def image_of(self, row: int) -> QImage | None:
        """Return the picture of a row as it is drawn, without frame and marks; ``None`` while it is not made."""
        size = round(self._cells.size * self.devicePixelRatioF())
        return self._painter.image(row, self.gallery.look, self._flipped, size)

    # drawing

    @property
    def _flipped(self) -> bool:
        return self._workbench.session.view.y_up or self.gallery.look.axis == "y"

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the tiles in view."""
        low, high = self._cells.in_view(self._bar.value(), self._port.height())
        order = self._order[low:high]
        order = order[order < len(self.gallery.table)]  # some have just gone: what follows is drawn in a moment
        with self._painter.on(self._port, self.gallery, self._flipped, self.hasFocus()) as draw:
            for place, row in enumerate(order.tolist(), start=low):
                draw.tile(row, self._cells.rect(place).translated(0, -self._bar.value()))
            if (frame := self._selection.frame) is not None:
                draw.frame(frame.translated(0, -self._bar.value()))
        if self._wants:
            self._wants = False
            self._ask.start()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Lay the tiles out anew; what was at the top stays there."""
        super().resizeEvent(event)
        self._lay_out(self._cells.first_in_view(self._bar.value()))
        self.want()

    def _lay_out(self, first: int) -> None:
        look = self.gallery.look
        caption = TilePainter.CAPTION if look.sort != "place" else 0
        self._cells = CellLayout(self._port.width(), len(self._order), look.size, caption)
        height = self._port.height()
        self._bar.setPageStep(height)
        self._bar.setSingleStep(max(20, self._cells.step // 2))
        self._bar.setRange(0, max(0, self._cells.height - height))
        if len(self._order):
            self._bar.setValue(self._cells.rect(min(first, len(self._order) - 1)).top() - self._cells.gap)

    def _describe(self) -> None:
        self.setAccessibleDescription(f"{len(self._order)} particles, {len(self.gallery.rows)} selected")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size at which a few dozen tiles are seen."""
        return QSize(600, 400)

    # mouse

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Select a tile, or begin a frame."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._catch_up()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._selection.press(self._content(event), self._cells, self._order, event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw a frame around tiles, which are selected as it grows."""
        if event is None:
            return
        self._catch_up()
        if self._selection.drags(self._content(event)):
            self._scroll_along(event.position().toPoint().y())
            self._selection.framed(self._cells, self._order)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """End the frame."""
        self._selection.release()
        self._port.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go to the particle."""
        self._catch_up()
        if event is not None and (place := self._cells.place_at(self._content(event))) is not None:
            self._selection.release()
            self.activated.emit(int(self._order[place]))

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Scroll; with Ctrl make tiles larger or smaller."""
        if event is not None and event.modifiers() & ADD:
            self.resize_tiles(8 if event.angleDelta().y() > 0 else -8)
            event.accept()
            return
        super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the menu of what is selected; a tile that was not is selected first."""
        if event is None:
            return
        self._catch_up()
        where = event.pos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            where = self.place_of(self.gallery.current).center()
        place = self._cells.place_at(where + QPoint(0, self._bar.value()))
        if place is not None and not self.gallery.selected[self._order[place]]:
            self._selection.pick(place, self._order, Qt.KeyboardModifier.NoModifier)
        self.asked_for_menu.emit(self._port.mapToGlobal(where))

    def resize_tiles(self, step: int) -> None:
        """Make tiles so many pixels larger."""
        size = min(max(self.gallery.look.size + step, SMALLEST), LARGEST)
        particles.change_look(self._workbench.session, size=size)

    def viewportEvent(self, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Say what a tile is, where the mouse rests."""
        if event is not None and event.type() == QEvent.Type.ToolTip:
            self._catch_up()
            place = self._cells.place_at(event.pos() + QPoint(0, self._bar.value()))  # type: ignore[attr-defined]
            words = "" if place is None else self._painter.words(int(self._order[place]), self.gallery)
            QToolTip.showText(event.globalPos(), words, self)  # type: ignore[attr-defined]
            return True
        return super().viewportEvent(event)

    def _content(self, event: QMouseEvent) -> QPoint:
        return event.position().toPoint() + QPoint(0, self._bar.value())

    def _scroll_along(self, y: int) -> None:
        if y < 0:
            self._bar.setValue(self._bar.value() + y)
        elif y > self._port.height():
            self._bar.setValue(self._bar.value() + y - self._port.height())

    # keyboard

    def event(self, event: QEvent | None) -> bool:
        """Keep the keys that the gallery uses from the actions of the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            plain = not event.modifiers() & ~(RANGE | Qt.KeyboardModifier.KeypadModifier)
            if (plain and Qt.Key(event.key()) in KEYS) or is_all(event):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move through the tiles, select, reject."""
        if event is None:
            return
        self._catch_up()
        key = Qt.Key(event.key())
        current = self._current_place()
        if is_all(event):
            self._selection.rows(self._order)
        elif key == Qt.Key.Key_Delete:
            self.asked_to_reject.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if current is not None:
                self.activated.emit(int(self._order[current]))
        elif key == Qt.Key.Key_Space:
            if current is not None:
                self._selection.pick(current, self._order, ADD)
        elif (step := step_of(key, self._cells, self._port.height())) is not None:
            place = self._place_after(step)
            if len(self._order):
                self._selection.pick(place, self._order, event.modifiers() & RANGE)
                self.scroll_to(int(self._order[place]))
        else:
            super().keyPressEvent(event)

    def _place_after(self, step: int) -> int:
        """Return the place that a key leads to; from the gap that the current tile has left, if it has gone."""
        current = self._current_place()
        if current is None and self.gallery.current >= 0 and self._gap is not None:
            current = self._gap - (step > 0)  # the next tile has come up to the gap
        return 0 if current is None else min(max(current + step, 0), len(self._order) - 1)

    def _current_place(self) -> int | None:
        found = np.flatnonzero(self._order == self.gallery.current)
        return int(found[0]) if len(found) else None
