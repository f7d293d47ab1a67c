"""The one QApplication, made as vispy and several top-level canvases need it."""

from __future__ import annotations

import sys
from typing import cast

from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtWidgets import QApplication


def application() -> QApplication:
    """Return the application; made where there is none yet.

    OpenGL contexts are shared, otherwise a canvas that moves to another window loses its textures.
    """
    existing = QApplication.instance()
    if existing is None:
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        existing = QApplication(sys.argv[:1])
        existing.setApplicationName("ais-app")
        existing.setApplicationDisplayName("ais-app")
    return cast(QApplication, existing)


def use_vispy() -> None:
    """Choose vispy's backend; called before the first canvas is made."""
    import vispy

    vispy.use("pyqt6", "gl+")
