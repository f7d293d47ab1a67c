"""A tool button whose icon is drawn in the colours of the theme, and drawn anew when the theme changes."""

from __future__ import annotations

from PyQt6.QtCore import QEvent
from PyQt6.QtWidgets import QToolButton

from ais_app.views.theme import current_theme, icon

THEME_CHANGES = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)


class IconButton(QToolButton):
    """A button with an icon of the Material Design family.

    Parameters
    ----------
    name
        Of the icon, such as ``"mdi6.close"``; without one until `set_icon` is called.
    tip
        What it does, for the tooltip.
    accessible
        What a screen reader says; the tooltip when empty.
    ink
        Name of the colour of `Theme` that it is drawn with.
    """

    def __init__(self, name: str = "", tip: str = "", accessible: str = "", ink: str = "text") -> None:
        super().__init__()
        self._name, self._ink, self._drawn = "", "", ("", "")
        if tip:
            self.setToolTip(tip)
        if tip or accessible:
            self.setAccessibleName(accessible or tip)
        if name:
            self.set_icon(name, ink)

    @property
    def icon_name(self) -> str:
        """The name of its icon."""
        return self._name

    def set_icon(self, name: str, ink: str = "text") -> None:
        """Show another icon, in a colour of the theme."""
        self._name, self._ink = name, ink
        self._draw()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take on the colours of another theme."""
        super().changeEvent(event)
        if event is not None and event.type() in THEME_CHANGES:
            self._draw()

    def _draw(self) -> None:
        wanted = (f"{self._name} {self._ink}", current_theme().name)
        if self._name and wanted != self._drawn:
            self._drawn = wanted
            self.setIcon(icon(self._name, getattr(current_theme(), self._ink)))
