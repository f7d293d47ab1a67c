"""About: versions of this program and of what it rests on, to be copied into a report of a fault."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PyQt6.QtCore import QT_VERSION_STR, Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from ais_app.core.provenance import program_version, versions
from ais_app.views.widgets.copy_button import copy_text
from ais_app.views.widgets.text import Details

LIBRARIES = ("PyQt6", "vispy", "superqt", "pyqtgraph")


def all_versions() -> dict[str, str]:
    """Return the versions of the program, of its libraries, of Qt and of the system."""
    found = dict(versions())
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["Qt"] = QT_VERSION_STR
    found["system"] = platform.platform()
    return found


def version_lines() -> str:
    """Return one line for each version."""
    return "\n".join(f"{name} {number}" for name, number in all_versions().items())


class AboutDialog(QDialog):
    """What this is, and the versions."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About ais-app")
        self.setMinimumWidth(420)
        title = QLabel("ais-app")
        title.setProperty("role", "title")
        words = QLabel(
            f"Version {program_version()}. A workbench for cryo-electron tomograms: annotate, train, segment, pick,"
            " render. Free software under the license that comes with it."
        )
        words.setWordWrap(True)
        details = Details(version_lines(), height=200)
        details.setAccessibleName("Versions")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton("Copy versions")
        copy.setToolTip("Copy the versions, for a report of a fault")
        copy.clicked.connect(lambda: copy_text(version_lines()))
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        for widget in (title, words, details, buttons):
            column.addWidget(widget)
