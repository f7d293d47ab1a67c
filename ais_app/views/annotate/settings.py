"""The settings of the chosen feature, and of the tools."""

from __future__ import annotations

from PyQt6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from ais_app.state.commands import annotate, features
from ais_app.views.widgets.numbers import NumberField, shortest
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.sliders import LabelledSlider
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench

ANGSTROM_PER_NM = 10.0
SMALLEST, LARGEST = 0.5, 100.0  # nm, or voxels, of the slider; any number can be typed


class FeatureSettings(QWidget):
    """Brush, opacity, fill or outline, box size of the chosen feature; sensitivity of the flood brush."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench, self.session = workbench, workbench.session
        tip = "Radius of the brush ([ and ], Shift and wheel)"
        self.radius = LabelledSlider("Brush", SMALLEST, LARGEST, 10, unit="nm", logarithmic=True, open_ended=True,
                                     tip=tip)  # fmt: skip
        self.pixels = hint("")
        self.opacity = LabelledSlider("Opacity", 0, 1, 0.5, tip="How much the labels cover the tomogram")
        self.filled, self.outline = QRadioButton("Filled"), QRadioButton("Outline")
        self.filled.setToolTip("Show labels as areas")
        self.outline.setToolTip("Show labels as thin outlines")
        self._look = QButtonGroup(self)
        for button in (self.filled, self.outline):
            self._look.addButton(button)
        self.box = NumberField("px", 8, 512, integer=True)
        self.box.setValue(64)
        self.box.setAccessibleName("Box size")
        self.box.setToolTip("Edge of a training box; multiples of 32 fit every network")
        self.box_hint = hint("")
        self.sensitivity = LabelledSlider("Flood", 0, 1, 0.5, tip="Sensitivity of the flood brush (F): how different "
                                          "grey values may be")  # fmt: skip
        self._soon = Soon(self, self.refresh)
        self._build()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen feature as it is now; says nothing to anybody."""
        session = self.session
        feature = session.feature if session.has_project else None
        self.setEnabled(feature is not None)
        self.sensitivity.set_value(session.view.sensitivity)
        if feature is None:
            return
        entry = session.tomogram
        voxel = entry.voxel_size if entry is not None else None
        per_voxel = annotate.radius_per_voxel(entry)
        unit = " nm" if voxel or entry is None else " px"
        self.radius.field.setSuffix(unit)
        self.radius.set_value(feature.brush_radius / (ANGSTROM_PER_NM if unit == " nm" else per_voxel))
        if voxel:
            self.pixels.setText(f"{feature.brush_radius / voxel:.3g} px")
            self.box_hint.setText(f"= {shortest(round(feature.box_size * voxel / ANGSTROM_PER_NM, 1))} nm")
        else:
            self.pixels.setText("")
            self.box_hint.setText("voxel size not known" if entry is not None else "")
        self.opacity.set_value(feature.opacity)
        for widget in (self.filled, self.outline, self.box):
            widget.blockSignals(True)
        (self.outline if feature.outline else self.filled).setChecked(True)
        self.box.setValue(feature.box_size)
        for widget in (self.filled, self.outline, self.box):
            widget.blockSignals(False)
        self.box.setEnabled(not feature.locked)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        box_label, show_label = QLabel("Box"), QLabel("Show")
        labels = [self.radius.label, self.opacity.label, self.sensitivity.label, box_label, show_label]
        width = max(label.sizeHint().width() for label in labels)
        for label in labels:
            label.setFixedWidth(width)
        self.box.setFixedWidth(84)
        self.pixels.setFixedWidth(54)
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self.radius, 1)
        first.addWidget(self.pixels)
        column.addLayout(first)
        column.addWidget(self.opacity)
        column.addWidget(self.sensitivity)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.addWidget(show_label, 0, 0)
        look = QHBoxLayout()
        look.setSpacing(16)
        look.addWidget(self.filled)
        look.addWidget(self.outline)
        look.addStretch(1)
        grid.addLayout(look, 0, 1)
        grid.addWidget(box_label, 1, 0)
        size = QHBoxLayout()
        size.setSpacing(8)
        size.addWidget(self.box)
        size.addWidget(self.box_hint, 1)
        grid.addLayout(size, 1, 1)
        column.addLayout(grid)

    def _connect(self) -> None:
        events, view = self.session.events, self.session.view.events
        for signal in (events.opened, events.features, events.tomograms, view.feature, view.tomogram, view.sensitivity):
            signal.connect(self._later, check_nargs=False)
        self.radius.changed.connect(self._set_radius)
        self.opacity.changed.connect(lambda value: self._show_as(opacity=value))
        self.outline.toggled.connect(lambda on: self._show_as(outline=on))
        self.box.valueChanged.connect(lambda _: self._set_box())
        self.sensitivity.changed.connect(lambda value: setattr(self.session.view, "sensitivity", value))

    def _later(self, *_: object) -> None:
        self._soon.start()

    def _set_radius(self, value: float) -> None:
        entry = self.session.tomogram
        known = entry is None or entry.voxel_size is not None
        self._show_as(brush_radius=value * (ANGSTROM_PER_NM if known else annotate.radius_per_voxel(entry)))

    def _set_box(self) -> None:
        feature = self.session.view.feature
        if feature is not None:
            self.workbench.attempt(lambda: features.change(self.session, feature, box_size=self.box.number))
            self._later()

    def _show_as(self, **fields: object) -> None:
        feature = self.session.view.feature
        if feature is not None:
            self.workbench.attempt(lambda: features.show_as(self.session, feature, **fields))
            self._later()
