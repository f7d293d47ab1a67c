"""The panel of the Export tab: which tomograms, what is written, where; the queue itself is below the slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)  # fmt: skip

from ais_app.core.errors import AisAppError
from ais_app.core.io import open_tomogram
from ais_app.core.prediction.parameters import OutputParams, PredictionParams
from ais_app.state.commands.interactions import active_graph
from ais_app.state.records import TomogramEntry
from ais_app.state.shown_models import shown_models
from ais_app.views.export.outputs import OutputTable
from ais_app.views.export.report import make_report
from ais_app.views.slices.area import SliceArea
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import Panel, heading, hint
from ais_app.views.workbench import Workbench

DOCUMENT = "export"  # the folder chosen last
FOLDER = "segmented"
LIST_HEIGHT = 132  # px


class ExportPanel(Panel):
    """What goes into the queue."""

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__(workbench)
        self.slices = slices
        self.tomograms = QListWidget()
        self.tomograms.setAccessibleName("Tomograms to export")
        self.tomograms.setFixedHeight(LIST_HEIGHT)
        self.everything = IconButton("mdi6.checkbox-multiple-marked-outline", "Choose all tomograms")
        self.nothing = IconButton("mdi6.checkbox-multiple-blank-outline", "Choose none")
        self.models = hint("")
        self.outputs = OutputTable(workbench)
        self.preview = QCheckBox("Picture of each tomogram")
        self.preview.setToolTip("A PNG of the middle slice with what was found")
        self.preview.setChecked(True)
        self.region = QCheckBox("Only the region drawn on the slice")
        self.region.setToolTip(
            "Segment the cropped part only (key C): that drawn on each tomogram, or on the one in view for those"
            " without; outputs keep the whole grid"
        )
        self.skip = QCheckBox("Leave out what is there already")
        self.skip.setToolTip("Skip results that were made the same way from the same files")
        self.skip.setChecked(True)
        self.prediction = ParamsForm(
            PredictionParams(), ("tta",), ("engine", "precision", "tile"), {"tta": "Symmetries"}
        )
        self.output = ParamsForm(
            OutputParams(), ("encoding",), ("uncertainty", "attribution"), {"encoding": "Stored as"}
        )  # fmt: skip
        self.folder = QLineEdit()
        self.folder.setAccessibleName("Folder of the results")
        self.folder.setToolTip("Folder of the results")
        self.browse = QPushButton("…")
        self.browse.setToolTip("Choose the folder of the results")
        self.browse.setAccessibleName("Choose the folder of the results")
        self.add = QPushButton("Export")
        self.add.setProperty("role", "primary")
        self.add.setToolTip("Put this into the queue and start")
        self.report = QPushButton("Report…")
        self.report.setToolTip("Write an HTML page: pictures, volumes, counts, settings, failures with their remedies")
        self._build()
        self._connect()
        self._opened()

    def chosen(self) -> list[int]:
        """Return the ids of the chosen tomograms."""
        rows = (self.tomograms.item(row) for row in range(self.tomograms.count()))
        checked = Qt.CheckState.Checked
        return [row.data(Qt.ItemDataRole.UserRole) for row in rows if row is not None and row.checkState() == checked]

    def _build(self) -> None:
        layout = self.layout_
        layout.addWidget(heading("Tomograms", self.everything, self.nothing))
        layout.addWidget(self.tomograms)
        layout.addWidget(heading("Networks"))
        layout.addWidget(self.models)
        layout.addWidget(heading("Outputs"))
        layout.addWidget(self.outputs)
        for box in (self.preview, self.region, self.skip):
            layout.addWidget(box)
        layout.addWidget(heading("How"))
        layout.addWidget(self.prediction)
        layout.addWidget(self.output)
        layout.addWidget(heading("Where"))
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.folder, 1)
        line.addWidget(self.browse)
        layout.addWidget(row)
        buttons = QWidget()
        line = QHBoxLayout(buttons)
        line.setContentsMargins(0, 8, 0, 0)
        line.addWidget(self.add, 1)
        line.addWidget(self.report)
        layout.addWidget(buttons)
        layout.addStretch(1)

    def _connect(self) -> None:
        session = self.workbench.session
        for signal in (session.events.opened, session.events.moved):
            signal.connect(self._opened)
        session.events.tomograms.connect(self._list_tomograms)
        for signal in (session.events.models, session.events.features, session.events.display):
            signal.connect(self._list_models)
        for changed in (session.view.events.crop, session.view.events.z_range):
            changed.connect(self._say_region)
        self.everything.clicked.connect(lambda: self._check_all(Qt.CheckState.Checked))
        self.nothing.clicked.connect(lambda: self._check_all(Qt.CheckState.Unchecked))
        self.browse.clicked.connect(self._browse)
        self.add.clicked.connect(self._try_add)
        self.report.clicked.connect(lambda: make_report(self.workbench, self, Path(self.folder.text())))
        self.workbench.exports.changed.connect(self._refresh_buttons)

    def _opened(self, *_: object) -> None:
        session = self.workbench.session
        if session.has_project:
            self.folder.setText(session.project.display(DOCUMENT) or str(session.folder() / FOLDER))
        self._list_tomograms()
        self._list_models()
        self._say_region()

    def _list_tomograms(self, *_: object) -> None:
        session = self.workbench.session
        entries = session.project.tomograms if session.has_project else []
        known = {self._id(row) for row in range(self.tomograms.count())}
        left_out = known - set(self.chosen())
        self.tomograms.clear()
        for entry in entries:
            item = QListWidgetItem(entry.name)
            item.setData(Qt.ItemDataRole.UserRole, entry.id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked if entry.id in left_out else Qt.CheckState.Checked)
            self.tomograms.addItem(item)
        self._refresh_buttons()

    def _id(self, row: int) -> int:
        item = self.tomograms.item(row)
        assert item is not None  # the row exists
        return int(item.data(Qt.ItemDataRole.UserRole))

    def _list_models(self, *_: object) -> None:
        session = self.workbench.session
        shown = [m for m in shown_models(session.project) if m.usable] if session.has_project else []
        names = ", ".join(model.entry.name for model in shown)
        self.models.setText(names or "None is switched on: train one, or open an .aismodel file, in the Train tab.")
        self.outputs.set_features(list(dict.fromkeys(model.feature for model in shown)))
        self._refresh_buttons()

    def _say_region(self, *_: object) -> None:
        self.region.setEnabled(self.workbench.session.remembered.has_regions)
        if not self.region.isEnabled():
            self.region.setChecked(False)

    def _refresh_buttons(self, *_: object) -> None:
        session = self.workbench.session
        possible = session.has_project and any(model.usable for model in shown_models(session.project))
        self.add.setEnabled(possible and self.tomograms.count() > 0)
        self.report.setEnabled(bool(self.workbench.exports.items))

    def _check_all(self, state: Qt.CheckState) -> None:
        for row in range(self.tomograms.count()):
            if (item := self.tomograms.item(row)) is not None:
                item.setCheckState(state)

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the results", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _try_add(self) -> None:
        try:
            self._add()
        except AisAppError as error:  # whatever it is about, the results of other work may be at stake
            self.workbench.notify(str(error), "error")

    def _add(self) -> None:
        """Plan the export and put it into the queue; what cannot be is said before anything is added."""
        from ais_app.batch.plan import plan_exports
        from ais_app.operations.preview import PreviewParams

        session, project = self.workbench.session, self.workbench.project
        entries = [project.tomogram(id) for id in self.chosen()]
        paths = {entry.id: project.find(entry) for entry in entries}
        shown = [model for model in shown_models(project) if model.usable]
        regions: dict[str | Path, str] | None = None
        if self.region.isChecked():
            regions = {paths[entry.id]: self._region(entry) for entry in entries}
        wishes: dict[str, Any] = self.outputs.wishes()
        project.set_display(DOCUMENT, self.folder.text())
        tasks = plan_exports(
            list(paths.values()),
            [model.entry.path for model in shown],
            Path(self.folder.text()),
            prediction=self.prediction.value(),
            output=self.output.value(),
            interactions=active_graph(session),
            previews=PreviewParams() if self.preview.isChecked() else None,
            colours={model.feature: model.colour for model in reversed(shown)},
            voxel_size={paths[e.id]: size for e in entries if (size := _own_voxel_size(e, paths[e.id])) is not None},
            regions=regions,
            skip_existing=self.skip.isChecked(),
            **wishes,
        )
        self.workbench.exports.add(tasks)

    def _region(self, entry: TomogramEntry) -> str:
        """Return the region of a tomogram as text: its own, or that in view, within its shape."""
        session, shape = self.workbench.session, entry.shape
        crop, z_range = session.remembered.region(entry.id)
        if crop is None and z_range is None:
            crop, z_range = session.view.crop, session.view.z_range
        z0, z1 = z_range or (0, shape[0])
        y0, y1, x0, x1 = crop or (0, shape[1], 0, shape[2])
        spans = ((z0, min(z1, shape[0])), (y0, min(y1, shape[1])), (x0, min(x1, shape[2])))
        return ",".join(f"{low}:{high}" for low, high in spans)


def _own_voxel_size(entry: TomogramEntry, path: Path) -> float | None:
    """Return the voxel size (Å) that a person gave instead of the file's; ``None`` where the file's own holds."""
    try:
        found = open_tomogram(path).voxel_size_zyx
    except AisAppError:
        return None  # its item in the queue fails and says why; the others are exported
    return None if entry.voxel_size_zyx is None or found == entry.voxel_size_zyx else entry.voxel_size
