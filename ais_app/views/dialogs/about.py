"""About: versions of this program and of what it rests on."""

from __future__ import annotations

from PyQt6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from ais_app.core.provenance import versions


class AboutDialog(QDialog):
    """Versions."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About ais-app")
        column = QVBoxLayout(self)
        column.addWidget(QLabel("\n".join(f"{name} {version}" for name, version in versions().items())))
