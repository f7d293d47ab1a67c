"""How the window was left: its place, its splitters, its docks; kept as text in the settings."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QByteArray
from PyQt6.QtWidgets import QMainWindow, QSplitter

VERSION = 2
FIRST_SIZE = (1280, 800)
LEFT, RIGHT, BELOW = 272, 336, 300  # px; below the list are contrast and filters


def saved(window: QMainWindow, across: QSplitter, down: QSplitter) -> dict[str, Any]:
    """Return the layout as JSON-able values."""
    return {
        "version": VERSION,
        "geometry": _text(window.saveGeometry()),
        "splitter": _text(across.saveState()),
        "side": _text(down.saveState()),
    }


def restore(window: QMainWindow, across: QSplitter, down: QSplitter, layout: dict[str, Any]) -> None:
    """Bring a layout back; one of another version, or none, gives the first one."""
    if layout.get("version") == VERSION:
        window.restoreGeometry(_bytes(layout.get("geometry", "")))
        across.restoreState(_bytes(layout.get("splitter", "")))
        down.restoreState(_bytes(layout.get("side", "")))
        return
    width, height = FIRST_SIZE
    window.resize(width, height)
    across.setSizes([LEFT, width - LEFT - RIGHT, RIGHT])
    down.setSizes([height - BELOW, BELOW])


def _text(state: QByteArray) -> str:
    return bytes(state.data()).hex()


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromHex(text.encode("ascii", "replace"))
