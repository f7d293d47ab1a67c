"""The panel of the Render tab."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QPushButton

from ais_app.state.commands import render
from ais_app.views.render.space import Space
from ais_app.views.render.surface_cards import SurfaceList, volume_suffix
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.workbench import Workbench


class RenderPanel(Panel):
    """Surfaces, picks, the tomogram itself, looks, and what is saved."""

    def __init__(self, workbench: Workbench, space: Space) -> None:
        super().__init__(workbench)
        self.space = space
        self.surfaces = SurfaceList(space)
        self.add = QPushButton("Add a segmentation…")
        self.add.setToolTip("Show another volume of probabilities, or a mask, as a surface")
        self.layout_.addWidget(heading("Surfaces"))
        self.layout_.addWidget(self.surfaces)
        self.layout_.addWidget(self.add)
        self.layout_.addStretch(1)
        self.add.clicked.connect(self.ask_for_surface)

    def take_file(self, path: Path) -> bool:
        """Show a volume as a surface while this tab is in front."""
        session = self.workbench.session
        if session.view.tab != "render" or session.tomogram is None or not volume_suffix(path):
            return False
        render.add_surface(session, path)
        return True

    def ask_for_surface(self) -> None:
        """Ask which volumes are to be shown."""
        session = self.workbench.session
        folder = str(session.folder()) if session.has_project else ""
        kinds = "Volumes (*.mrc *.map *.rec *.mrc.gz *.em *.tif *.tiff *.hdf *.h5);;All files (*)"
        chosen, _ = QFileDialog.getOpenFileNames(self, "Add segmentations", folder, kinds)
        for path in chosen:
            self.workbench.attempt(lambda path=path: render.add_surface(session, path))

    def close_down(self) -> None:
        """Stop the threads of the space."""
        self.space.close_down()
