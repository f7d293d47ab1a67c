"""A button that shows a colour and lets another be chosen, the colour-blind-safe ones first."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QSize, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap
from PyQt6.QtWidgets import QColorDialog, QGridLayout, QMenu, QToolButton, QWidget, QWidgetAction

from ais_app.core.display.colours import OKABE_ITO
from ais_app.views.theme import current_theme

COLUMNS = 4
SWATCH = 22  # px


class ColourButton(QToolButton):
    """A swatch; a click offers the safe colours and, behind them, any other.

    Parameters
    ----------
    colour
        ``#rrggbb``.
    name
        What has this colour, for the tooltip and the accessible name.
    colours
        What is offered first.
    """

    changed = pyqtSignal(str)  # #rrggbb, chosen by a person

    def __init__(self, colour: str, name: str = "Colour", colours: Sequence[str] = OKABE_ITO) -> None:
        super().__init__()
        self._colour, self._name, self._colours = colour, name, tuple(colours)
        self.setIconSize(QSize(16, 16))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        self.set_colour(colour)

    @property
    def colour(self) -> str:
        """The colour, ``#rrggbb``."""
        return self._colour

    def set_colour(self, colour: str) -> None:
        """Show another colour; does not emit ``changed``."""
        self._colour = QColor(colour).name()
        self.setIcon(swatch(self._colour))
        self.setAccessibleName(f"{self._name}: {self._colour}")
        self.setToolTip(f"{self._name} ({self._colour})")

    def set_name(self, name: str) -> None:
        """Say anew what has this colour."""
        self._name = name
        self.set_colour(self._colour)

    def choose(self, colour: str) -> None:
        """Take a colour as if a person had clicked it."""
        if QColor(colour).name() != self._colour:
            self.set_colour(colour)
            self.changed.emit(self._colour)

    def _fill(self) -> None:
        self._menu.clear()
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(8, 8, 8, 4)
        grid.setSpacing(4)
        for place, colour in enumerate(self._colours):
            button = QToolButton()
            button.setIcon(swatch(colour, SWATCH))
            button.setIconSize(QSize(SWATCH, SWATCH))
            button.setToolTip(colour)
            button.setAccessibleName(colour)
            button.clicked.connect(lambda _=False, colour=colour: self._take(colour))
            grid.addWidget(button, place // COLUMNS, place % COLUMNS)
        action = QWidgetAction(self._menu)
        action.setDefaultWidget(inside)
        self._menu.addAction(action)
        other = self._menu.addAction("Another colour…")
        if other is not None:
            other.triggered.connect(self._ask)

    def _take(self, colour: str) -> None:
        self._menu.close()
        self.choose(colour)

    def _ask(self) -> None:
        for place, colour in enumerate(self._colours):
            QColorDialog.setCustomColor(place, QColor(colour))
        chosen = QColorDialog.getColor(QColor(self._colour), self.window(), self._name)
        if chosen.isValid():
            self.choose(chosen.name())


def swatch(colour: str, size: int = 16) -> QIcon:
    """Return a rounded square of a colour."""
    ratio = 2  # sharp on fine screens too
    pixmap = QPixmap(size * ratio, size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    painter.setPen(QColor(current_theme().line))
    painter.drawRoundedRect(1, 1, size - 2, size - 2, 3, 3)
    painter.end()
    return QIcon(pixmap)
