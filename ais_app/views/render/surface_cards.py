"""The surfaces of the scene: a card each, that follows the scene without being made anew."""

from __future__ import annotations

from typing import Any

from PyQt6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ais_app.core.scene.scene import SceneSurface
from ais_app.core.surfaces.mesh import NM3
from ais_app.state.commands import render
from ais_app.views.render.columns import aligned
from ais_app.views.render.space import Space
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.fields import repolish
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.sliders import LabelledSlider

LEAST_DUST = 1.0  # nm³, the left end of the slider, where nothing is hidden
MOST_DUST = 1e6


class SurfaceList(QWidget):
    """One card for each surface."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space
        self._cards: dict[str, SurfaceCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._nothing = hint(
            "Segmentations of the tomogram in view are listed here as soon as they are exported. Others can be added"
            " or dropped on the window."
        )
        self._column.addWidget(self._nothing)
        space.refreshed.connect(self.refresh)
        space.content.surface_changed.connect(self._say_state)
        self.refresh()

    def card(self, name: str) -> SurfaceCard:
        """Return the card of a surface."""
        return self._cards[name]

    @property
    def names(self) -> list[str]:
        """The surfaces that have a card."""
        return list(self._cards)

    def refresh(self) -> None:
        """Bring the cards up to date, in place: a slider that is being dragged stays."""
        surfaces = {surface.name: surface for surface in self._space.scene.surfaces}
        for gone in set(self._cards) - set(surfaces):
            card = self._cards.pop(gone)
            card.hide()
            card.deleteLater()
        for name, surface in surfaces.items():
            if name not in self._cards:
                self._cards[name] = SurfaceCard(self._space, surface)
                self._column.addWidget(self._cards[name])
            self._cards[name].refresh(surface)
        self._nothing.setVisible(not surfaces)

    def _say_state(self, name: str) -> None:
        if name in self._cards:
            self._cards[name].say_state()


class SurfaceCard(QFrame):
    """One surface: on, colour, name, level, dust, opacity, smoothing, binning."""

    def __init__(self, space: Space, surface: SceneSurface) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._space, self._name = space, surface.name
        name, settings = surface.name, surface.settings
        self.on = QCheckBox()
        self.on.setToolTip("Show this surface")
        self.on.setAccessibleName(f"Show surface {name}")
        self.colour = ColourButton(settings.colour, f"Colour of {name}")
        self.title = QLabel(name)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.more, self.remove = (
            IconButton(picture, tip, f"{tip}: {name}")
            for picture, tip in (
                ("mdi6.tune-vertical", "Opacity, smoothing and binning"),
                ("mdi6.close", "Take this surface out of the scene; its file stays"),
            )
        )
        self.more.setCheckable(True)
        self.level = LabelledSlider("Level", 0.01, 1, settings.level, tip="Prediction at which the surface lies")
        self.dust = LabelledSlider(
            "Hide dust", LEAST_DUST, MOST_DUST, LEAST_DUST, unit="nm³", logarithmic=True,
            tip="Hide pieces smaller than this; at the left end none (nm³)",
        )  # fmt: skip
        self.opacity = LabelledSlider("Opacity", 0, 1, settings.opacity, tip="How much it hides of what is behind it")
        self.smoothing = LabelledSlider(
            "Smoothing", 0, 50, settings.smoothing, integer=True, open_ended=True,
            tip="Rounds of smoothing that keep the volume",
        )  # fmt: skip
        self.binning = LabelledSlider(
            "Binning", 1, 8, settings.binning, integer=True, tip="Average cubes of this many voxels first (voxels)"
        )
        self.state = hint("")
        self._build()
        self._connect()

    def refresh(self, surface: SceneSurface) -> None:
        """Show the surface as it is now; says nothing to anybody."""
        settings = surface.settings
        self.title.setToolTip(surface.source or "A prediction that is in memory only")
        self.on.blockSignals(True)
        self.on.setChecked(settings.visible)
        self.on.blockSignals(False)
        self.colour.set_colour(settings.colour)
        self.level.set_value(settings.level)
        self.dust.set_value(max(settings.dust / NM3, LEAST_DUST))
        for slider, value in (
            (self.opacity, settings.opacity),
            (self.smoothing, settings.smoothing),
            (self.binning, settings.binning),
        ):
            slider.set_value(value)
        self.say_state()

    def say_state(self) -> None:
        """Say how many triangles are drawn, or what is wrong."""
        content = self._space.content
        problem, layer = content.problems.get(self._name, ""), content.surfaces.get(self._name)
        role = "error" if problem else "hint"
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            repolish(self.state)
        if problem:
            self.state.setText(problem)
        elif layer is None or layer.levels is None:
            self.state.setText("is being made…" if content.is_making(self._name) else "hidden")
        elif not len(layer.levels.details[0].faces):
            self.state.setText("nothing reaches this level")
        else:
            kept, found = layer.levels.kept(layer.dust), len(layer.levels.volumes)
            faces = int(layer.levels.details[0].face_ends[kept - 1]) if kept else 0
            volume = float(layer.levels.volumes[:kept].sum()) / NM3
            pieces = f"{kept:,} of {found:,} pieces" if kept < found else f"{kept:,} piece{'s' * (kept != 1)}"
            self.state.setText(f"{pieces} · {volume:,.0f} nm³ · {faces:,} triangles")

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(5)
        top = QHBoxLayout()
        top.setSpacing(6)
        for widget in (self.on, self.colour, self.title, self.more, self.remove):
            top.addWidget(widget)
        top.setStretch(2, 1)
        column.addLayout(top)
        self._folded = (self.opacity, self.smoothing, self.binning)
        sliders = (self.level, self.dust, *self._folded)
        for slider in aligned(*sliders):
            column.addWidget(slider)
        column.addWidget(self.state)
        for slider in self._folded:
            slider.hide()

    def _connect(self) -> None:
        self.on.toggled.connect(lambda on: self._change(visible=on))
        self.colour.changed.connect(lambda colour: self._change(colour=colour))
        self.level.changed.connect(lambda value: self._change(level=max(value, 0.001)))
        self.dust.changed.connect(lambda value: self._change(dust=value * NM3 if value > LEAST_DUST else 0.0))
        self.opacity.changed.connect(lambda value: self._change(opacity=value))
        self.smoothing.changed.connect(lambda value: self._change(smoothing=int(value)))
        self.binning.changed.connect(lambda value: self._change(binning=int(value)))
        self.more.toggled.connect(self._unfold)
        self.remove.clicked.connect(self._remove)

    def _unfold(self, on: bool) -> None:
        for slider in self._folded:
            slider.setVisible(on)

    def _change(self, **settings: Any) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.change_surface(workbench.session, self._name, **settings))

    def _remove(self) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.remove_surface(workbench.session, self._name))
