"""Which particles are shown, and how cubes are cut around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFileDialog, QGridLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from ais_app.state.commands import particles
from ais_app.state.gallery import sources
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.session import Session
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.numbers import NumberField
from ais_app.views.widgets.panel import hint
from ais_app.views.workbench import Workbench


class SourceSection(QWidget):
    """Picks or a stack, the tomograms, box and binning."""

    wanted_stack = pyqtSignal(object)  # Path

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.source = ChoiceBox()
        self.source.setMinimumContentsLength(8)
        self.source.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setAccessibleName("Particles")
        self.source.setToolTip("A set of picks on all tomograms that have one of this name, or a stack of subtomograms")
        self.tomograms = QPushButton()
        self.tomograms.setAccessibleName("Tomograms")
        self.tomograms.setToolTip("From which tomograms particles are shown")
        self._menu = QMenu(self)
        self.tomograms.setMenu(self._menu)
        self.edge = NumberField("voxels", 8, 128, integer=True)
        self.edge.setAccessibleName("Box")
        self.edge.setToolTip(
            "Edge of the cubes, an even number of voxels after binning; 1.6 diameters of the picks at first"
        )
        self.binning = NumberField("", 1, 16, integer=True)
        self.binning.setAccessibleName("Binning")
        self.binning.setToolTip("Voxels of the tomogram along each edge of one of the cube; the cubes stay as wide")
        self.dark = QCheckBox("Particles are dark")
        self.dark.setChecked(True)
        self.dark.setToolTip("Turn the grey values over when cubes are cut, so that density is bright in averages")
        self.words = hint("")
        self._build()
        self.source.activated.connect(self._choose)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.edge.valueChanged.connect(lambda _: self._set_box())
        self.binning.valueChanged.connect(lambda _: self._set_binning())

    def refresh(self) -> None:
        """Show what the gallery shows now."""
        session = self.workbench.session
        gallery = session.gallery
        found = [(f"{words} · {count:,}", source) for words, source, count, _ in sources(session)]
        entries: list[tuple[str, object]] = list(found)
        if isinstance(gallery.source, StackSource):
            entries.append((f"{gallery.source.path.name} · {len(gallery.table):,}", gallery.source))
        entries.append(("Open subtomograms…", None))
        with QSignalBlocker(self.source):
            self.source.clear()
            for words, source in entries:
                self.source.addItem(words, source)
            self.source.setCurrentIndex(_place(entries, gallery.source))
        is_picks = isinstance(gallery.source, PickSource)
        for field, value in ((self.edge, gallery.box.edge), (self.binning, gallery.box.binning)):
            with QSignalBlocker(field):
                field.setValue(value)
            field.setEnabled(is_picks)
        self.dark.setEnabled(is_picks)
        self._say_tomograms()
        self._say_box()

    def ask_for_stack(self) -> None:
        """Let a person choose a stack."""
        session = self.workbench.session
        folder = str(session.folder() if session.has_project else Path.home())
        chosen = QFileDialog.getExistingDirectory(self, "Open subtomograms (a folder NAME.zarr)", folder)
        if chosen:
            self.wanted_stack.emit(Path(chosen))

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.source)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for row, (words, widget) in enumerate(
            (("From", self.tomograms), ("Box", self.edge), ("Binning", self.binning))
        ):
            grid.addWidget(QLabel(words), row, 0)
            grid.addWidget(widget, row, 1)
        column.addLayout(grid)
        column.addWidget(self.dark)
        column.addWidget(self.words)

    def _choose(self, place: int) -> None:
        source = self.source.itemData(place)
        if isinstance(source, PickSource):
            self._show(source)
        elif source is None:
            self.refresh()
            self.ask_for_stack()

    def _show(self, source: PickSource) -> None:
        session = self.workbench.session
        feature = None if source.feature is None else session.project.feature(source.feature).name
        self.workbench.attempt(lambda: particles.show_picks(session, source.name, feature, source.tomograms))

    def _set_box(self) -> None:
        session, edge = self.workbench.session, int(self.edge.number)
        if edge > session.gallery.box.edge:
            edge += edge % 2  # the next even number, whichever way a step goes
        self.workbench.attempt(lambda: particles.set_box(session, edge))

    def _set_binning(self) -> None:
        """Bin more or less of the same part of the tomogram: the cubes stay as wide as they are."""
        session, binning = self.workbench.session, int(self.binning.number)
        box = session.gallery.box
        edge = 2 * round(box.edge * box.binning / binning / 2)
        self.workbench.attempt(lambda: particles.set_box(session, edge, binning))

    def _say_box(self) -> None:
        session = self.workbench.session
        gallery = session.gallery
        size, box = gallery.table.voxel_size, gallery.box
        if not len(gallery.table):
            self.words.setText("There are no particles in this choice." if gallery.source is not None else "")
        elif size is None:
            self.words.setText(f"Cubes of {box.edge} voxels")
        else:
            voxel, (low, high) = size * box.binning, _voxel_sizes(session)
            words = f"Cubes of {box.edge * voxel / 10:.1f} nm, {voxel:.2f} Å a voxel"
            if high > 1.01 * low:  # as it is when cubes are cut
                words = f"The tomograms have voxels of {low:g} to {high:g} Å: choose some of one size to average them"
            self.words.setText(words)

    def _say_tomograms(self) -> None:
        session = self.workbench.session
        source = session.gallery.source
        entries = session.project.tomograms if session.has_project else []
        some = source.tomograms if isinstance(source, PickSource) else ()
        words = f"all {len(entries)} tomograms" if len(entries) > 1 else "the tomogram"
        if isinstance(source, StackSource):
            words = "those of the stack"
        self.tomograms.setText(words if not some else f"{len(some)} of {len(entries)} tomograms")
        self.tomograms.setEnabled(isinstance(source, PickSource) and len(entries) > 1)

    def _fill_menu(self) -> None:
        session = self.workbench.session
        source = session.gallery.source
        self._menu.clear()
        if not isinstance(source, PickSource):
            return
        every = self._menu.addAction("All tomograms")
        if every is not None:
            every.triggered.connect(lambda: self._show(PickSource(source.name, source.feature)))
        if session.view.tomogram is not None and (here := self._menu.addAction("The tomogram in view")) is not None:
            seen = session.view.tomogram
            here.triggered.connect(lambda: self._show(PickSource(source.name, source.feature, (seen,))))
        self._menu.addSeparator()
        for entry in session.project.tomograms:
            action = self._menu.addAction(entry.name)
            if action is not None:
                action.setCheckable(True)
                action.setChecked(not source.tomograms or entry.id in source.tomograms)
                action.triggered.connect(lambda on, id=entry.id: self._include(id, on))

    def _include(self, tomogram: int, included: bool) -> None:
        session = self.workbench.session
        source = session.gallery.source
        assert isinstance(source, PickSource)  # the menu is filled for picks alone
        every = [entry.id for entry in session.project.tomograms]
        now = set(source.tomograms or every)
        now = now | {tomogram} if included else now - {tomogram}
        if now:
            some = () if now == set(every) else tuple(sorted(now))
            self._show(PickSource(source.name, source.feature, some))


def _voxel_sizes(session: Session) -> tuple[float, float]:
    """Return the smallest and the largest voxel size of the tomograms that picks are in, Å; 0 for a stack."""
    if not isinstance(session.gallery.source, PickSource):
        return 0.0, 0.0
    there = set(np.unique(session.gallery.table.tomograms).tolist())
    entries = [entry for entry in session.project.tomograms if entry.id in there]
    sizes = [size for entry in entries for size in entry.require_voxel_size_zyx()]
    return min(sizes), max(sizes)


def _place(entries: list[tuple[str, object]], source: object) -> int:
    """Return which entry is shown; picks of some tomograms are an entry with all."""
    for place, (_, each) in enumerate(entries):
        if each == source:
            return place
        if isinstance(each, PickSource) and isinstance(source, PickSource):
            if (each.name, each.feature) == (source.name, source.feature):
                return place
    return -1
