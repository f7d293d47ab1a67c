"""What the mouse and the space bar do over a pane: pan, zoom, move the cross; the rest goes to the tool in the hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PyQt6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit

from ais_app.views.slices.pointer import PointerEvent

if TYPE_CHECKING:
    from ais_app.views.slices.pane import SlicePane

BUTTONS = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
    Qt.MouseButton.MiddleButton: "middle",
}
NOTCH = 120  # what Qt counts for one notch of a wheel; touch pads send less at a time
TYPING = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)


class Gestures(QObject):
    """Hears the events of a pane's canvas.

    Parameters
    ----------
    pane
        The pane; its signals and its tool are called.
    """

    def __init__(self, pane: SlicePane) -> None:
        super().__init__(pane)
        self._pane = pane
        self._doing = ""  # what the held button does: "pan", "cross" or "tool"
        self._button = Qt.MouseButton.NoButton  # the held one; others are not heard until it is released
        self._last = QPointF()
        self._space = False
        self._turned = 0
        self._handlers: dict[QEvent.Type, Callable[[Any], bool]] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseButtonDblClick: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.Enter: self._enter,
            QEvent.Type.Leave: self._leave,
            QEvent.Type.Resize: self._resize,
            QEvent.Type.KeyPress: self._key,
            QEvent.Type.KeyRelease: self._key,
            QEvent.Type.FocusOut: self._focus_out,
        }
        native = pane.native
        native.setMouseTracking(True)
        native.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        native.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take events of the canvas."""
        handler = self._handlers.get(event.type()) if event is not None else None
        return handler(event) if handler is not None else False

    def hold_space(self, held: bool) -> None:
        """While space is held the left button pans."""
        self._space = held
        if held:
            self._pane.native.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self._pane.native.unsetCursor()

    def _event(self, event: QMouseEvent, button: str) -> PointerEvent:
        held = event.modifiers()
        double = event.type() == QEvent.Type.MouseButtonDblClick
        return PointerEvent(
            self._pane.axis,
            self._pane.to_voxel(event.position()),
            button,
            shift=bool(held & Qt.KeyboardModifier.ShiftModifier),
            control=bool(held & Qt.KeyboardModifier.ControlModifier),
            alt=bool(held & Qt.KeyboardModifier.AltModifier),
            clicks=2 if double else 1,
        )

    def _press(self, event: QMouseEvent) -> bool:
        pane = self._pane
        pane.native.setFocus()
        if self._doing:
            return True
        self._button = event.button()
        button = BUTTONS.get(event.button(), "")
        pointed = self._event(event, button)
        self._last = event.position()
        if button == "middle" or self._space:
            self._doing = "pan"
            return True
        pane.pressed.emit(pointed)
        if button == "left" and pointed.control and not pointed.shift:
            self._doing = "cross"
            pane.crossed.emit(pointed.position_zyx)
        elif pane.shown_index is not None and pane.tool is not None and pane.tool.press(pointed):
            self._doing = "tool"
        else:
            self._doing = "pan" if button == "left" else ""
        return True

    def _move(self, event: QMouseEvent) -> bool:
        pane, point = self._pane, event.position()
        if self._doing == "pan":
            shift = point - self._last
            pane.move_image(shift.x(), shift.y())
        self._last = point
        held = next((name for button, name in BUTTONS.items() if event.buttons() & button), "")
        pointed = self._event(event, held)
        if self._doing == "cross":
            pane.crossed.emit(pointed.position_zyx)
        elif self._doing == "tool" and pane.tool is not None:
            pane.tool.drag(pointed)
        elif not self._doing and pane.tool is not None and pane.shown_index is not None:
            pane.tool.hover(pointed)
        pane.pointed.emit(pointed.position_zyx)
        return True

    def _release(self, event: QMouseEvent) -> bool:
        if event.button() != self._button:
            return True
        doing, self._doing = self._doing, ""
        if doing == "tool" and self._pane.tool is not None:
            self._pane.tool.release(self._event(event, BUTTONS.get(event.button(), "")))
        return True

    def _wheel(self, event: QWheelEvent) -> bool:
        angle = event.angleDelta()
        turned = angle.y() or angle.x()  # Shift or Alt turn the wheel sideways on some systems
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._pane.zoom(turned / NOTCH, event.position())
            return True
        if turned * self._turned < 0:
            self._turned = 0  # turned back: what was left over of the other direction does not count
        self._turned += turned
        steps = int(self._turned / NOTCH)
        self._turned -= steps * NOTCH
        if steps:
            self._pane.wheeled.emit(steps, event.modifiers())
        return True

    def _enter(self, _: QEvent) -> bool:
        # keys go where the pointer is, unless a person is typing
        if not isinstance(QApplication.focusWidget(), TYPING):
            self._pane.native.setFocus()
        return False

    def _leave(self, _: QEvent) -> bool:
        self._pane.hide_cursor()
        self._pane.pointed.emit(None)
        return False

    def _resize(self, _: QEvent) -> bool:
        self._pane.resized()
        return False

    def _key(self, event: QKeyEvent) -> bool:
        pressed = event.type() == QEvent.Type.KeyPress
        if event.key() == Qt.Key.Key_Space and not event.modifiers():
            if not event.isAutoRepeat():
                self.hold_space(pressed)
            return True
        if event.key() == Qt.Key.Key_Escape and pressed and self._pane.tool is not None:
            self._pane.tool.cancel()
            return True
        return False

    def _focus_out(self, _: QEvent) -> bool:
        if self._space:
            self.hold_space(False)
        return False
