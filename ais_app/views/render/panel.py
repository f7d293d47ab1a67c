"""The panel of the Render tab."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QPushButton, QWidget

from ais_app.state.commands import render
from ais_app.views.render.dropped import add_surface_file
from ais_app.views.render.editing import PickEditor
from ais_app.views.render.looks import SceneLooks, TomogramLooks
from ais_app.views.render.output import Output
from ais_app.views.render.pick_cards import PickList
from ais_app.views.render.picking import PickingPanel
from ais_app.views.render.predicted import Predicted
from ais_app.views.render.space import Space
from ais_app.views.render.surface_cards import SurfaceList
from ais_app.views.shell.file_kinds import has_coordinates, has_volume_suffix
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.workbench import Workbench


class RenderPanel(Panel):
    """Surfaces, picks, the tomogram itself, looks, and what is saved."""

    def __init__(self, workbench: Workbench, space: Space) -> None:
        super().__init__(workbench)
        self.space = space
        self.surfaces, self.predicted = SurfaceList(space), Predicted(space)
        self.picking, self.editor = PickingPanel(space), PickEditor(space)
        self.picks = PickList(space, self.editor)
        self.tomogram, self.looks, self.output = TomogramLooks(space), SceneLooks(space), Output(space)
        self.add = QPushButton("Add a segmentation…")
        self.add.setToolTip("Show another volume of probabilities, or a mask, as a surface")
        self.add.clicked.connect(self.ask_for_surface)
        sections: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            ("Surfaces", (self.surfaces, self.add)),
            ("Live prediction", (self.predicted,)),
            ("Picking", (self.picking,)),
            ("Picks", (self.picks,)),
            ("Tomogram", (self.tomogram,)),
            ("Scene", (self.looks,)),
            ("Save", (self.output,)),
        )
        for title, widgets in sections:
            self.layout_.addWidget(heading(title))
            for widget in widgets:
                self.layout_.addWidget(widget)
        self.layout_.addStretch(1)
        space.refreshed.connect(self._offer)
        self._offer()

    def take_file(self, path: Path) -> bool:
        """Show a volume as a surface while this tab is in front; coordinates are shown on slices first."""
        session = self.workbench.session
        if session.view.tab != "render" or session.tomogram is None:
            return False
        if has_coordinates(path) or not has_volume_suffix(path):
            return False
        add_surface_file(self.workbench, path)
        return True

    def ask_for_surface(self) -> None:
        """Ask which volumes are to be shown."""
        session = self.workbench.session
        folder = str(session.folder()) if session.has_project else ""
        kinds = "Volumes (*.mrc *.map *.rec *.mrc.gz *.em *.tif *.tiff *.hdf *.h5);;All files (*)"
        chosen, _ = QFileDialog.getOpenFileNames(self, "Add segmentations", folder, kinds)
        for path in map(Path, chosen):
            self.workbench.attempt(partial(add_surface_file, self.workbench, path))

    def show_everything(self) -> None:
        """Look at the whole scene."""
        self.workbench.attempt(lambda: render.look_at_everything(self.workbench.session))

    def close_down(self) -> None:
        """Stop the threads of the tab."""
        self.output.filming.stop()
        self.picking.close_down()
        self.space.close_down()

    def _offer(self) -> None:
        self.add.setEnabled(self.workbench.session.tomogram is not None)
