"""Picking: the blobs of a segmentation, found anew while the sliders move, kept with one click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ais_app.core.errors import AisAppError
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.scene.scene import ScenePicks, SceneSurface
from ais_app.core.surfaces.mesh import NM3
from ais_app.core.tomogram import ZYX
from ais_app.state import scene_store as store
from ais_app.state.commands import render
from ais_app.state.first_picking import FirstPicking, first_picking
from ais_app.views.render.columns import aligned
from ais_app.views.render.space import Space
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.sliders import LabelledSlider
from ais_app.workers.latest import Latest
from ais_app.workers.rendering import Stamp, Volumes, VolumeSource, offset_zyx

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.core.scene.thresholding import LivePicks

DOCUMENT = "picking"  # display setting: parameters by the name of the surface
RADII = "picking-radii"  # display setting: radius of the particle (Å) by the name of the surface
LEAST_VOLUME, MOST_VOLUME = 1.0, 1e5  # nm³; at the left end nothing is discarded
ADVANCED = ("neck", "one_per_component", "position", "border_margin", "max_count", "binning", "orientation")


class PickingPanel(QWidget):
    """Which surface is picked from, how, and what was found.

    Attributes
    ----------
    particles
        What the sliders find now, in the tomogram's frame; ``None`` while it is off or before it is known.
    """

    found = pyqtSignal(object)  # Particles or None

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space
        self._latest = Latest("picking", self)
        self._live: tuple[Stamp, LivePicks] | None = None
        self._asked: tuple[Stamp, BlobParams, ZYX] | None = None
        self._first: FirstPicking | None = None
        self.particles: Particles | None = None
        self.on = QCheckBox("Pick from")
        self.on.setToolTip("Find the blobs of a surface's volume, and show them while the sliders move")
        self.source = ChoiceBox()
        self.source.setAccessibleName("Surface that is picked from")
        self.source.setToolTip("Surface whose volume is picked from")
        self.threshold = LabelledSlider(
            "Threshold", 0.01, 1, 0.5, tip="Prediction from which a voxel belongs to a particle"
        )
        self.radius = LabelledSlider(
            "Radius", 5, 500, 100, unit="Å", logarithmic=True, open_ended=True, tip="Radius of the particle (Å)"
        )
        self.volume = LabelledSlider(
            "Min volume", LEAST_VOLUME, MOST_VOLUME, LEAST_VOLUME, unit="nm³", logarithmic=True,
            tip="Discard groups of voxels smaller than this; at the left end none (nm³)",
        )  # fmt: skip
        self.spacing = LabelledSlider(
            "Spacing", 0, 500, 0, unit="Å", open_ended=True,
            tip="Of two particles closer than this the one of lower weight goes (Å)",
        )  # fmt: skip
        self.form = ParamsForm(BlobParams(), (), ADVANCED)
        self.start, self.state = hint(""), hint("")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the set of picks")
        self.name.setToolTip("Name under which they are kept; a set of this name is replaced")
        self.keep = QPushButton("Keep these picks")
        self.keep.setToolTip("Store them in the project, where they can be edited and saved")
        self._build()
        self._connect()
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._latest.busy

    def params(self) -> BlobParams:
        """Return what the form and the sliders say."""
        params: BlobParams = self.form.value()
        volume = self.volume.value()
        sliders = {"threshold": self.threshold.value(), "min_spacing": self.spacing.value(),
                   "min_volume": volume * NM3 if volume > LEAST_VOLUME else 0.0}  # fmt: skip
        return BlobParams.from_dict({**params.to_dict(), **sliders})

    def set_params(self, params: BlobParams) -> None:
        """Show parameters, and pick with them."""
        self.form.set_value(params)
        self.threshold.set_value(params.threshold)
        self.volume.set_value(max(params.min_volume / NM3, LEAST_VOLUME))
        self.spacing.set_value(params.min_spacing)
        self.start.setVisible(self._first is not None and params == self._first.params)
        self._ask()

    def refresh(self) -> None:
        """List the surfaces of the scene."""
        names = [surface.name for surface in self._space.scene.surfaces]
        if [self.source.itemText(i) for i in range(self.source.count())] != names:
            before = self.source.currentText()
            self.source.blockSignals(True)
            self.source.clear()
            self.source.addItems(names)
            self.source.setCurrentText(before if before in names else (names or [""])[0])
            self.source.blockSignals(False)
            self._choose()
        for widget in (self.on, self.source):
            widget.setEnabled(bool(names))
        if not names:
            self.on.setChecked(False)
        self._ask()

    def close_down(self) -> None:
        """End the thread."""
        self._latest.close()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        top = QHBoxLayout()
        top.addWidget(self.on)
        top.addWidget(self.source, 1)
        column.addLayout(top)
        self._inside = QWidget()
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(6)
        for slider in aligned(self.threshold, self.volume, self.spacing, self.radius):
            inside.addWidget(slider)
        inside.addWidget(self.start)
        inside.addWidget(self.form)
        inside.addWidget(self.state)
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self.keep)
        inside.addLayout(row)
        column.addWidget(self._inside)
        self._inside.hide()

    def _connect(self) -> None:
        session = self._space.workbench.session
        for signal in (session.view.events.tomogram, session.events.opened):
            signal.connect(self._forget, check_nargs=False)
        self._space.refreshed.connect(self.refresh)
        self.on.toggled.connect(self._inside.setVisible)
        self.on.toggled.connect(lambda _: self._ask())
        self.source.currentIndexChanged.connect(lambda _: self._choose())
        for slider in (self.threshold, self.volume, self.spacing):
            slider.changed.connect(lambda _: self._changed())
        self.form.changed.connect(lambda _: self._changed())
        self.radius.changed.connect(self._set_radius)
        self.keep.clicked.connect(self.keep_picks)

    # asking

    def _surface(self) -> SceneSurface | None:
        name = self.source.currentText()
        return next((surface for surface in self._space.scene.surfaces if surface.name == name), None)

    def _choose(self) -> None:
        """Take the parameters that this surface was picked with last, or what is sensible for its feature."""
        surface, session = self._surface(), self._space.workbench.session
        if surface is None:
            return
        kept = session.project.display(DOCUMENT, {}).get(surface.name)
        self._first = first = first_picking(session, surface.name, surface.settings.level)
        self.start.setText(first.words)
        self.name.setText(surface.name)
        self.radius.set_value(session.project.display(RADII, {}).get(surface.name, first.radius))
        self.set_params(first.params if kept is None else BlobParams.from_dict(kept))

    def _set_radius(self, radius: float) -> None:
        surface, session = self._surface(), self._space.workbench.session
        if surface is not None:
            session.project.set_display(RADII, {**session.project.display(RADII, {}), surface.name: radius})
        self._show()

    def _changed(self) -> None:
        surface, session = self._surface(), self._space.workbench.session
        if surface is not None:
            kept = session.project.display(DOCUMENT, {})
            session.project.set_display(DOCUMENT, {**kept, surface.name: self.params().to_dict()})
            self.start.hide()
        self._ask()

    def _ask(self) -> None:
        surface = self._surface()
        if surface is None or not self.on.isChecked() or not self._space.is_in_front:
            self._forget()
            return
        try:
            source = self._space.content.source_of(surface)
        except KeyError:
            self._forget()
            return
        question = (source.stamp, self.params(), self._space.scene.first_voxel_zyx)
        if question == self._asked:
            self._show()
            return
        if self._asked is not None and self._asked[0] != source.stamp:
            self._forget()  # what was found in another volume is not to be kept as picks of this one
        self._asked = question
        self.state.setText("looking…" if self.particles is None else self.state.text())
        work = self._work(source, question[1], question[2])
        self._latest.request(work, self._take, self._fail)

    def _forget(self, *_: object) -> None:
        """Have found nothing, and expect nothing."""
        self._asked = None
        self._latest.drop()
        self._take(None)

    def _work(self, source: VolumeSource, params: BlobParams, first: Any) -> Callable[..., Particles]:
        volumes: Volumes = self._space.content.volumes

        def work(cancelled: Callable[[], bool]) -> Particles:
            from ais_app.core.jobs import run
            from ais_app.core.scene.thresholding import LivePicks

            volume = volumes.get(source)
            if self._live is None or self._live[0] != source.stamp:
                self._live = (source.stamp, LivePicks(volume.data, volume.require_voxel_size_zyx()))
            particles = run(self._live[1].pick_job(params), stop=cancelled)
            moved = particles.positions_zyx + offset_zyx(volume, first)
            return replace(particles, positions_zyx=moved)

        return work

    def _take(self, particles: Particles | None) -> None:
        self.particles = particles
        count = 0 if particles is None else len(particles)
        self.state.setText("" if particles is None else f"{count:,} particle{'s' * (count != 1)}")
        self.keep.setEnabled(count > 0)
        self._show()
        self.found.emit(particles)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        self._take(None)
        self.state.setText(str(error))

    def _show(self) -> None:
        surface = self._surface()
        colour = "#ffffff" if surface is None else store.lighter(surface.settings.colour)
        style = ScenePicks(name="picking", size=2 * self.radius.value(), colour=colour, style="balls")
        self._space.content.show_live(self.particles, style)

    def keep_picks(self) -> None:
        """Store what was found in the project, and stop picking."""
        surface, particles = self._surface(), self.particles
        if surface is None or particles is None or not len(particles):
            return
        workbench, entry = self._space.workbench, self._space.workbench.session.tomogram
        assert entry is not None  # there is a surface
        owned = replace(particles, tomograms=np.full(len(particles), entry.name, dtype=object))
        source = {"method": "blobs", "params": self.params().to_dict(), "segmentation": surface.source}
        name = self.name.text().strip() or surface.name

        def keep() -> None:
            size = 2 * self.radius.value()
            render.keep_picks(workbench.session, name, owned, source, surface.name, size)
            render.change_picks(workbench.session, name, size=size)
            self.on.setChecked(False)
            workbench.notify(f"{len(owned):,} picks are kept as {name}")

        workbench.attempt(keep)
