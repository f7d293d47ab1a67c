"""The tabs: for each, what is in the middle and which panel is on the right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtWidgets import QWidget

from ais_app.views.annotate.panel import AnnotatePanel
from ais_app.views.export.panel import ExportPanel
from ais_app.views.export.queue_table import QueueTable
from ais_app.views.particles.area import ParticleArea
from ais_app.views.particles.panel import ParticlesPanel
from ais_app.views.render.panel import RenderPanel
from ais_app.views.render.space import Space
from ais_app.views.slices.area import SliceArea
from ais_app.views.train.panel import TrainPanel
from ais_app.views.widgets.panel import Panel
from ais_app.views.workbench import Workbench


@dataclass(frozen=True)
class Tab:
    """One tab.

    Parameters
    ----------
    name
        As in `ais_app.state.view_state.TABS`.
    title, tip
        On the tab, and in its tooltip.
    data
        In the middle; several tabs share the slice area.
    panel
        On the right.
    drawer
        Below the data; ``None`` for nothing.
    """

    name: str
    title: str
    tip: str
    data: QWidget
    panel: Panel
    drawer: QWidget | None = None

    def take_file(self, path: Path) -> bool:
        """Open a file that belongs to this tab; return whether it does."""
        return self.panel.take_file(path)

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        self.panel.apply_theme()

    def close_down(self) -> None:
        """Stop threads before the window goes."""
        self.panel.close_down()


def make_tabs(workbench: Workbench, slices: SliceArea) -> tuple[Tab, ...]:
    """Return the tabs in order."""
    space, gallery = Space(workbench), ParticleArea(workbench)
    particles = ParticlesPanel(workbench, gallery)
    particles.went.connect(slices.reveal)
    return (
        Tab("annotate", "Annotate", "Paint features and place boxes", slices, AnnotatePanel(workbench, slices)),
        Tab("train", "Train", "Train networks and combine them", slices, TrainPanel(workbench, slices)),
        Tab(
            "export", "Export", "Segment many tomograms", slices, ExportPanel(workbench, slices), QueueTable(workbench)
        ),
        Tab("render", "Render", "See it in space, pick, save", space, RenderPanel(workbench, space)),
        Tab("particles", "Particles", "Sort, group and average particles", gallery, particles),
    )
