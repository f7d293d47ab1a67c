"""Actions of the Particles tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np

from ais_app.state.commands import particles
from ais_app.views.actions.action import SEPARATOR, Action
from ais_app.workers.particle_maps import why_not_placed

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow
    from ais_app.views.particles.panel import ParticlesPanel


def _panel(window: MainWindow) -> ParticlesPanel:
    return cast("ParticlesPanel", next(tab.panel for tab in window.tabs if tab.name == "particles"))


def _in_front(window: MainWindow) -> bool:
    return window.workbench.session.view.tab == "particles"


def _has_particles(window: MainWindow) -> bool:
    session = window.workbench.session
    return _in_front(window) and session.gallery.source is not None and len(session.gallery.table) > 0


def _has_selection(window: MainWindow) -> bool:
    return _has_particles(window) and len(window.workbench.session.gallery.rows) > 0


def _has_average(window: MainWindow) -> bool:
    return _in_front(window) and _panel(window).jobs.average is not None


def _can_place(window: MainWindow) -> bool:
    return _has_average(window) and not why_not_placed(window.workbench.session)


def _open(window: MainWindow) -> None:
    window.workbench.session.view.tab = "particles"
    _panel(window).source.ask_for_stack()


def _go_to(window: MainWindow) -> None:
    gallery = window.workbench.session.gallery
    rows = gallery.rows
    _panel(window).go_to(gallery.current if gallery.current in rows else int(rows[0]))


def _select(which: str) -> Callable[[MainWindow], None]:
    def run(window: MainWindow) -> None:
        session = window.workbench.session
        gallery = session.gallery
        rows = {
            "all": gallery.order,
            "none": gallery.order[:0],
            "others": np.setdiff1d(gallery.order, gallery.rows),
            "rejected": np.flatnonzero(gallery.table.rejected),
        }[which]
        particles.select(session, rows)

    return run


def _resize(step: int) -> Callable[[MainWindow], None]:
    return lambda window: _panel(window).area.grid.resize_tiles(step)


ACTIONS = (
    Action("particles.open", "&Open subtomograms…", _open, "mdi6.cube-outline",
           tip="Show the particles of a stack (NAME.zarr) that was cut before"),
    Action("particles.reject", "&Reject", lambda window: _panel(window).set_rejected(True), "mdi6.close-circle-outline",
           "R", "Mark the selected particles as none (also Delete over the gallery)", enabled=_has_selection),
    Action("particles.keep", "&Keep", lambda window: _panel(window).set_rejected(False), "mdi6.check-circle-outline",
           "K", "Take the rejection of the selected particles back", enabled=_has_selection),
    Action("particles.go_to", "&Go to the place", _go_to, "mdi6.crosshairs-gps", "Ctrl+G",
           "Show where the particle is, in the slices (double click, Enter)", enabled=_has_selection),
    Action("particles.select_all", "Select &all", _select("all"), "mdi6.select-all", "",
           "Select all particles that are shown (Ctrl+A over the gallery)", enabled=_has_particles),
    Action("particles.select_none", "Select &none", _select("none"), "mdi6.select-off", "Ctrl+Shift+A",
           "Select no particle", enabled=_has_particles),
    Action("particles.select_others", "Select the &others", _select("others"), "mdi6.select-inverse", "",
           "Select the particles shown that are not selected", enabled=_has_particles),
    Action("particles.select_rejected", "Select the re&jected", _select("rejected"), "mdi6.select-remove", "",
           "Select the particles that were rejected", enabled=_has_particles),
    Action("particles.average", "A&verage these now", lambda window: _panel(window).compute("average"), "mdi6.sigma",
           "Ctrl+Alt+A", "Average what is selected, or all that is kept, as it is turned", enabled=_has_particles),
    Action("particles.align", "Al&ign, then average", lambda window: _panel(window).compute("align"),
           "mdi6.rotate-orbit", "", "Turn particles to their common average, again and again", enabled=_has_particles),
    Action("particles.save_average", "Save the average…", lambda window: _panel(window).average.ask_folder(),
           "mdi6.content-save-outline", "", "Write average, halves and their correlation", enabled=_has_average),
    Action("particles.place", "&Place the average at picks", lambda window: _panel(window).place_average(),
           "mdi6.map-marker-plus-outline", "", "Show the average at every pick, in Render", enabled=_can_place),
    Action("particles.group", "Grou&p by likeness", lambda window: _panel(window).compute("group"),
           "mdi6.scatter-plot-outline", "", "Group what is selected, or all that is kept", enabled=_has_particles),
    Action("particles.classify", "&Classify with a network…", lambda window: _panel(window).ask_network(),
           "mdi6.tag-multiple-outline", "", "Let a network say the class of each particle", enabled=_has_particles),
    Action("particles.larger", "&Larger tiles", _resize(16), "mdi6.image-size-select-large", "Ctrl+Alt++",
           "Make the tiles of the gallery larger (Ctrl and wheel)", enabled=_has_particles, repeats=True),
    Action("particles.smaller", "&Smaller tiles", _resize(-16), "mdi6.image-size-select-small", "Ctrl+Alt+-",
           "Make the tiles of the gallery smaller (Ctrl and wheel)", enabled=_has_particles, repeats=True),
)  # fmt: skip
GALLERY_MENU = (
    "particles.reject", "particles.keep", "particles.go_to", SEPARATOR,
    "particles.select_all", "particles.select_none", "particles.select_others", SEPARATOR,
    "particles.average", "particles.align", "particles.group", "particles.classify",
)  # fmt: skip
MENU = (
    "particles.open", SEPARATOR, "particles.reject", "particles.keep", "particles.go_to", SEPARATOR,
    "particles.select_all", "particles.select_none", "particles.select_others", "particles.select_rejected", SEPARATOR,
    "particles.average", "particles.align", "particles.save_average", "particles.place", "particles.group",
    "particles.classify", SEPARATOR,
    "particles.larger", "particles.smaller",
)  # fmt: skip
