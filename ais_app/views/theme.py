"""Light and dark: one neutral ramp each, one accent, as palette and style sheet on Qt's Fusion style."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.resources import as_file, files

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PyQt6.QtWidgets import QApplication


@dataclass(frozen=True)
class Theme:
    """Colours of one theme, ``#rrggbb``.

    Parameters
    ----------
    window, panel, line
        Backgrounds from the outside in, and what separates them.
    field
        Behind text that can be edited.
    text, dimmed
        Writing, and writing that matters less.
    accent
        What is active or has the focus.
    warning, error
        For warnings and errors alone.
    canvas
        Behind the data.
    """

    name: str
    window: str
    panel: str
    line: str
    field: str
    hover: str
    text: str
    dimmed: str
    accent: str
    on_accent: str
    warning: str
    error: str
    good: str
    canvas: str


DARK = Theme(
    name="dark", window="#1f2124", panel="#26292d", line="#34383d", field="#1b1d20", hover="#2f3338", text="#e6e7e9",
    dimmed="#9aa0a6", accent="#4c9be8", on_accent="#0d1720", warning="#e5a50a", error="#ed6a5e", good="#5fb878",
    canvas="#000000",
)  # fmt: skip
LIGHT = Theme(
    name="light", window="#f6f7f8", panel="#ffffff", line="#dfe3e6", field="#ffffff", hover="#edf0f2", text="#1d2023",
    dimmed="#5f6770", accent="#2f7fd0", on_accent="#ffffff", warning="#9a6700", error="#c62f26", good="#2e7d46",
    canvas="#16181a",
)  # fmt: skip

_applied = {"theme": DARK}


def theme_of(setting: str) -> Theme:
    """Return the theme of a setting; ``"system"`` asks the system."""
    if setting == "system":
        hints = QGuiApplication.styleHints()
        light = hints is not None and hints.colorScheme() == Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return LIGHT if setting == "light" else DARK


def current_theme() -> Theme:
    """Return the theme that was applied last."""
    return _applied["theme"]


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Give the application palette and style sheet of a theme."""
    _applied["theme"] = theme
    application.setStyle("Fusion")
    application.setPalette(_palette(theme))
    application.setStyleSheet(_style_sheet(theme))


def icon(name: str, colour: str = "") -> QIcon:
    """Return an icon of the Material Design family in the colour of the theme's text."""
    import qtawesome

    theme = current_theme()
    made: QIcon = qtawesome.icon(name, color=colour or theme.text, color_disabled=theme.line, color_on=theme.accent)
    return made


def _palette(theme: Theme) -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, colour in (
        (roles.Window, theme.window),
        (roles.WindowText, theme.text),
        (roles.Base, theme.field),
        (roles.AlternateBase, theme.panel),
        (roles.ToolTipBase, theme.panel),
        (roles.ToolTipText, theme.text),
        (roles.Text, theme.text),
        (roles.PlaceholderText, theme.dimmed),
        (roles.Button, theme.panel),
        (roles.ButtonText, theme.text),
        (roles.BrightText, theme.error),
        (roles.Link, theme.accent),
        (roles.Highlight, theme.accent),
        (roles.HighlightedText, theme.on_accent),
        (roles.Mid, theme.line),
    ):
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.dimmed))
    return palette


def _style_sheet(theme: Theme) -> str:
    folder = files("ais_app.resources")
    text = (folder / "styles" / "window.qss").read_text(encoding="utf-8")
    # Qt wants a path for pictures in a style sheet; the package is always a folder of files
    with as_file(folder / "icons" / theme.name) as icons:
        names = {**asdict(theme), "icons": icons.as_posix()}
    for name, value in sorted(names.items(), key=lambda item: -len(item[0])):
        text = text.replace(f"@{name}", value)
    return text
