"""What is made of each feature's segmentation: a row for each feature, a column for each kind of output."""

from __future__ import annotations

from typing import Any

from PyQt6.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from ais_app.core.params import Params
from ais_app.core.pickers.blobs import BlobParams
from ais_app.state.first_picking import first_picking
from ais_app.views.widgets.fold import Fold
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.panel import discard, hint
from ais_app.views.workbench import Workbench

KINDS = {
    "masks": ("mask", "The segmentation as 0 and 1"),
    "instances": ("parts", "Connected parts, numbered"),
    "picks": ("picks", "Coordinates of particles"),
    "filaments": ("lines", "Axes of filaments and samples along them"),
    "meshes": ("mesh", "A surface, OBJ in Å"),
    "measurements": ("table", "Volumes, areas, distances"),
}


class OutputTable(QWidget):
    """Check boxes, and the parameters of picking, tracing and meshing behind folds."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._boxes: dict[tuple[str, str], QCheckBox] = {}
        self._features: list[str] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._place = QVBoxLayout()
        column.addLayout(self._place)
        self._table = QWidget()
        self._place.addWidget(self._table)
        self.forms = {kind: ParamsForm(params) for kind, params in _parameters().items()}
        titles = {"picks": "Picking", "filaments": "Tracing", "meshes": "Meshing"}
        for kind, form in self.forms.items():
            column.addWidget(Fold(titles[kind], form))
        self.picking_begins = hint("")
        self.picking_begins.hide()
        column.insertWidget(2, self.picking_begins)
        self._is_own_picking = False
        self.forms["picks"].changed.connect(self._keep_picking)
        self.formats = QCheckBox("Also for RELION 5")
        self.formats.setToolTip("Write the picks as a RELION 5 STAR file, too")
        column.addWidget(self.formats)

    def set_features(self, features: list[str]) -> None:
        """Show these rows; what was ticked stays ticked."""
        if features == self._features:
            return
        ticked = {key for key, box in self._boxes.items() if box.isChecked()}
        self._features, self._boxes = features, {}
        discard(self._table)
        self._table = QWidget()
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setColumnStretch(0, 1)
        for column, (name, tip) in enumerate(KINDS.values(), start=1):
            label = QLabel(name)
            label.setProperty("role", "hint")
            label.setToolTip(tip)
            grid.addWidget(label, 0, column)
        for row, feature in enumerate(features, start=1):
            grid.addWidget(QLabel(feature), row, 0)
            for column, (kind, (name, tip)) in enumerate(KINDS.items(), start=1):
                box = QCheckBox()
                box.setToolTip(f"{feature}: {tip}")
                box.setAccessibleName(f"{name} of {feature}")
                box.setChecked((feature, kind) in ticked)
                if kind == "picks":
                    box.toggled.connect(self._begin_picking)
                self._boxes[feature, kind] = box
                grid.addWidget(box, row, column)
        self._place.addWidget(self._table)

    def box(self, feature: str, kind: str) -> QCheckBox:
        """Return the check box of an output."""
        return self._boxes[feature, kind]

    def _begin_picking(self, _: bool) -> None:
        """Begin with particles as large as the smallest feature that is picked, until a person says otherwise."""
        picked = [feature for (feature, kind), box in self._boxes.items() if kind == "picks" and box.isChecked()]
        if self._is_own_picking or not picked:
            return
        threshold = BlobParams().threshold
        begins = [first_picking(self.workbench.session, feature, threshold) for feature in picked]
        smallest = min(begins, key=lambda each: each.radius)
        self.forms["picks"].set_value(smallest.params)
        self.picking_begins.setText(smallest.words)
        self.picking_begins.show()

    def _keep_picking(self, _: Params) -> None:
        self._is_own_picking = True
        self.picking_begins.hide()

    def wishes(self) -> dict[str, dict[str, Any]]:
        """Return what `plan_exports` takes: kind to feature to arguments."""
        found: dict[str, dict[str, Any]] = {}
        for (feature, kind), box in self._boxes.items():
            if box.isChecked():
                found.setdefault(kind, {})[feature] = self._arguments(kind)
        return found

    def _arguments(self, kind: str) -> Any:
        params: Params | None = self.forms[kind].value() if kind in self.forms else None
        if kind == "picks":
            return {"params": params, "formats": ["star", "relion5"] if self.formats.isChecked() else ["star"]}
        return params


def _parameters() -> dict[str, Params]:
    from ais_app.core.filaments.parameters import FilamentParams
    from ais_app.core.surfaces.mesh import MeshParams

    return {"picks": BlobParams(), "filaments": FilamentParams(), "meshes": MeshParams()}
