"""What the mouse and the keys do over the space: turn, move, come closer, move the slice, choose and place picks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt

from ais_app.views.render import navigation

if TYPE_CHECKING:
    from ais_app.views.render.space import Space

SLACK = 4  # px: a press and a release nearer than this are a click
NOTCH = 120  # what Qt counts for one notch of a wheel
KEYS = (Qt.Key.Key_Home, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Escape)


class Mouse(QObject):
    """Hears the events of the canvas."""

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._space = space
        self._doing = ""  # "turn" or "move"
        self._start = self._last = QPointF()
        self._dragged = False
        self._turned = 0
        native = space.canvas.native
        native.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        native.installEventFilter(self)
        self._handlers: dict[QEvent.Type, Callable[[Any], bool]] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseButtonDblClick: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.ShortcutOverride: self._claim,
            QEvent.Type.KeyPress: self._key,
            QEvent.Type.Resize: self._resize,
        }

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Handle what concerns the space; Qt and vispy see the rest."""
        handler = None if event is None else self._handlers.get(event.type())
        return handler(event) if handler is not None else False

    def _press(self, event: Any) -> bool:
        button, shift = event.button(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._doing or button not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return True
        self._doing = "move" if shift or button == Qt.MouseButton.MiddleButton else "turn"
        self._start = self._last = event.position()
        self._dragged = False
        return True

    def _move(self, event: Any) -> bool:
        if not self._doing:
            return True
        here = event.position()
        if not self._dragged and (here - self._start).manhattanLength() < SLACK:
            return True
        self._dragged = True
        step, self._last = here - self._last, here
        camera = self._space.camera
        if self._doing == "turn":
            self._space.look(navigation.turned(camera, step.x(), step.y()))
        else:
            self._space.look(navigation.moved(camera, step.x(), step.y(), self._space.pane_size))
        return True

    def _release(self, event: Any) -> bool:
        if not self._doing:
            return True
        self._doing = ""
        if self._dragged:
            self._space.stir()
        elif event.button() == Qt.MouseButton.LeftButton:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._space.clicked.emit(event.position(), shift, control)
        return True

    def _wheel(self, event: Any) -> bool:
        # with Shift some systems turn the wheel sideways
        delta = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._turned += delta
            notches = int(self._turned / NOTCH)
            self._turned -= notches * NOTCH
            if notches:
                self._space.slice_wheeled.emit(notches)
        else:
            self._space.look(navigation.closer(self._space.camera, delta / NOTCH))
        return True

    def _claim(self, event: Any) -> bool:
        """Keep keys from the actions of the window that have them too."""
        if event.key() in KEYS and not event.modifiers():
            event.accept()
            return True
        return False

    def _key(self, event: Any) -> bool:
        if event.key() not in KEYS or event.modifiers():
            return False
        self._space.key_pressed.emit(event.key())
        return True

    def _resize(self, _: Any) -> bool:
        self._space.resized()
        return False
