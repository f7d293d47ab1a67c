"""The space of the Render tab: a canvas with surfaces, volumes, slices and picks."""

from __future__ import annotations

from PyQt6.QtWidgets import QVBoxLayout, QWidget
from vispy import scene

from ais_app.views.theme import current_theme
from ais_app.views.workbench import Workbench


class Space(QWidget):
    """The canvas in three dimensions."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.canvas = scene.SceneCanvas(keys=None, show=False, bgcolor=current_theme().canvas)
        self.view = self.canvas.central_widget.add_view()
        self.view.camera = scene.TurntableCamera(fov=30)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas.native)
