"""The tomogram in the scene, the clipping plane, light and surroundings."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QSignalBlocker
from PyQt6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ais_app.core.scene.scene import Lights
from ais_app.state.commands import render
from ais_app.state.scene_store import box_of
from ais_app.views.render.columns import aligned
from ais_app.views.render.space import Space
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.sliders import LabelledSlider

PLANES = {"z": "XY", "y": "XZ", "x": "YZ"}
STYLES = {
    "minip": "Darkest",
    "mip": "Brightest",
    "attenuated_mip": "Brightest, near first",
    "translucent": "See-through",
}
GROUNDS = ("#1f2124", "#000000", "#ffffff", "#f6f7f8", "#101a2b", "#2b2b2b", "#dfe3e6", "#9aa0a6")


class TomogramLooks(QWidget):
    """A slice of the tomogram, and all of it as a volume."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space
        self.slice, self.axis = QCheckBox("Slice"), ChoiceBox()
        self.slice.setToolTip("Show a slice of the tomogram in the scene (Shift and wheel move it)")
        for axis, words in PLANES.items():
            self.axis.addItem(words, axis)
        self.axis.setAccessibleName("Plane of the slice")
        self.axis.setToolTip("Plane of the slice")
        self.index = LabelledSlider("Position", 0, 1, 0, integer=True, tip="Which slice, in voxels (Shift and wheel)")
        self.opacity = LabelledSlider("Opacity", 0, 1, 1, tip="How much the slice hides of what is behind it")
        self.volume, self.style_ = QCheckBox("Volume"), ChoiceBox()
        self.volume.setToolTip("Look through all of the tomogram, averaged to a size that can be turned")
        for style, words in STYLES.items():
            self.style_.addItem(words, style)
        self.style_.setAccessibleName("What is seen along a ray")
        self.style_.setToolTip("What is seen along a ray: the darkest voxel shows density, the brightest shows gaps")
        self._build()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Show the scene as it is now; says nothing to anybody."""
        scene = self._space.scene
        shown = scene.slices[0] if scene.slices else None
        volume = scene.volumes[0] if scene.volumes else None
        for box, value in ((self.slice, shown), (self.volume, volume)):
            with QSignalBlocker(box):
                box.setChecked(value is not None and value.visible)
            box.setEnabled(scene.shape_zyx is not None)
        seen = shown is not None and shown.visible
        for widget in (self.axis, self.index, self.opacity):
            widget.setVisible(seen)
        self.style_.setVisible(volume is not None and volume.visible)
        if shown is not None and scene.shape_zyx is not None:
            with QSignalBlocker(self.axis):
                self.axis.setCurrentIndex(self.axis.findData(shown.axis))
            self.index.set_range(0, scene.shape_zyx["zyx".index(shown.axis)] - 1)
            self.index.set_value(shown.index)
            self.opacity.set_value(shown.opacity)
        if volume is not None:
            with QSignalBlocker(self.style_):
                self.style_.setCurrentIndex(self.style_.findData(volume.style))

    def _build(self) -> None:
        column = _column(self)
        for box, choice in ((self.slice, self.axis), (self.volume, self.style_)):
            row = QHBoxLayout()
            row.addWidget(box)
            row.addStretch(1)
            row.addWidget(choice, 1)
            column.addLayout(row)
            if box is self.slice:
                for slider in aligned(self.index, self.opacity):
                    column.addWidget(slider)

    def _connect(self) -> None:
        self._space.refreshed.connect(self.refresh)
        self.slice.toggled.connect(lambda on: self._slice(visible=on))
        self.axis.currentIndexChanged.connect(lambda _: self._slice(axis=self.axis.currentData()))
        self.index.changed.connect(lambda value: self._slice(index=int(value)))
        self.opacity.changed.connect(lambda value: self._slice(opacity=value))
        self.volume.toggled.connect(lambda on: self._volume(visible=on))
        self.style_.currentIndexChanged.connect(lambda _: self._restyle())

    def _restyle(self) -> None:
        style = self.style_.currentData()
        self._volume(style=style, colours="gray_r" if style == "minip" else "grays")

    def _slice(self, **fields: Any) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.change_slice(workbench.session, **fields))

    def _volume(self, **fields: Any) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.change_volume(workbench.session, **fields))


class SceneLooks(QWidget):
    """Clipping plane, box, scale bar, axes, background, light, perspective."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space
        self.clip, self.clip_axis = QCheckBox("Clip"), ChoiceBox()
        self.clip.setToolTip("Hide everything on one side of a plane")
        for axis in "zyx":
            self.clip_axis.addItem(f"along {axis}", axis)
        self.clip_axis.setAccessibleName("What the clipping plane is perpendicular to")
        self.clip_axis.setToolTip("What the clipping plane is perpendicular to")
        self.flip = QCheckBox("other side")
        self.flip.setToolTip("Hide the other side of the plane")
        self.place = LabelledSlider(
            "Plane", 0, 1, 0.5, tip="Where the plane is, from one face of the tomogram to the other"
        )
        self.marks = {
            "bounding_box": QCheckBox("Box"),
            "axes": QCheckBox("Axes"),
            "scale_bar": QCheckBox("Scale bar"),
        }
        for name, tip in (("bounding_box", "Edges of the tomogram"), ("axes", "Which way x, y and z point"),
                          ("scale_bar", "Scale bar; exact for what is in the middle")):  # fmt: skip
            self.marks[name].setToolTip(tip)
        self.background = ColourButton("#1f2124", "Background", GROUNDS)
        self.perspective = QCheckBox("Perspective")
        self.perspective.setToolTip("What is nearer looks larger; without, the scale bar holds everywhere")
        lights = Lights()
        self.lights = {
            "ambient": LabelledSlider("Ambient", 0, 1, lights.ambient, tip="Light from everywhere"),
            "diffuse": LabelledSlider("Light", 0, 1, lights.diffuse, tip="Light from the eye"),
            "specular": LabelledSlider("Gloss", 0, 1, lights.specular, tip="Gloss"),
            "outline": LabelledSlider("Outline", 0, 10, lights.outline, unit="px", tip="Dark outline of surfaces (px)"),
        }
        self._build()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Show the scene as it is now; says nothing to anybody."""
        scene, plane = self._space.scene, self._space.clip_plane
        checks = {self.clip: plane is not None, self.perspective: scene.camera.field_of_view > 0}
        checks |= {box: getattr(scene, name) for name, box in self.marks.items()}
        box = box_of(scene)
        if plane is not None and box is not None:
            along = max(range(3), key=lambda n: abs(plane.normal_xyz[n]))
            checks[self.flip] = plane.normal_xyz[along] > 0
            self.place.set_value(float((plane.point_xyz[along] - box[0][along]) / (box[1][along] - box[0][along])))
            with QSignalBlocker(self.clip_axis):
                self.clip_axis.setCurrentIndex(self.clip_axis.findData("xyz"[along]))
        for widget, value in checks.items():
            with QSignalBlocker(widget):
                widget.setChecked(value)
        for part in (self.clip_axis, self.flip, self.place):
            part.setVisible(plane is not None)
        self.clip.setEnabled(box is not None)
        self.background.set_colour(scene.background)
        for name, slider in self.lights.items():
            slider.set_value(getattr(scene.lights, name))

    def _build(self) -> None:
        column = _column(self)
        row = QHBoxLayout()
        row.addWidget(self.clip)
        row.addStretch(1)
        row.addWidget(self.clip_axis, 1)
        row.addWidget(self.flip)
        column.addLayout(row)
        for slider in aligned(self.place, *self.lights.values()):
            column.addWidget(slider)
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        for place, widget in enumerate((*self.marks.values(), self.perspective)):
            grid.addWidget(widget, place // 2, place % 2)
        ground = QHBoxLayout()
        ground.addWidget(self.background)
        ground.addWidget(QLabel("Background"), 1)
        grid.addLayout(ground, 2, 0)
        column.addLayout(grid)

    def _connect(self) -> None:
        self._space.refreshed.connect(self.refresh)
        for box in (self.clip, self.flip):
            box.toggled.connect(lambda _: self._clip())
        self.clip_axis.currentIndexChanged.connect(lambda _: self._clip())
        self.place.changed.connect(lambda _: self._clip())
        for name, box in self.marks.items():
            box.toggled.connect(lambda on, name=name: self._change(**{name: on}))
        self.background.changed.connect(lambda colour: self._change(background=colour))
        for name, slider in self.lights.items():
            slider.changed.connect(lambda value, name=name: self._light(**{name: value}))
        self.perspective.toggled.connect(self._look)

    def _clip(self) -> None:
        workbench = self._space.workbench
        axis = self.clip_axis.currentData() if self.clip.isChecked() else None
        place, flipped = self.place.value(), self.flip.isChecked()
        workbench.attempt(lambda: render.clip(workbench.session, axis, place, flipped))

    def _change(self, **fields: Any) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.change_scene(workbench.session, **fields))

    def _light(self, **fields: Any) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.change_lights(workbench.session, **fields))

    def _look(self, on: bool) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.set_perspective(workbench.session, 30.0 if on else 0.0))


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    return column
