"""Set the voxel size of one or several tomograms: one number, or three."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout

from ais_app.core.tomogram import ZYX
from ais_app.state.commands import tomograms
from ais_app.state.records import TomogramEntry
from ais_app.views.widgets.numbers import NumberField
from ais_app.views.widgets.panel import hint

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

SMALLEST, LARGEST = 0.01, 10_000.0  # Å
USUAL = 10.0


class VoxelSizeDialog(QDialog):
    """Asks for a voxel size in Å.

    Parameters
    ----------
    window
        Whose tomograms.
    entries
        Which of them.
    """

    def __init__(self, window: MainWindow, entries: Sequence[TomogramEntry]) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("VoxelSizeDialog")
        self.setWindowTitle("Voxel size")
        self.setMinimumWidth(380)
        self._window, self._entries = window, list(entries)
        known = entries[0].voxel_size_zyx
        self.fields = {axis: NumberField("Å", SMALLEST, LARGEST) for axis in "xyz"}
        for axis, value in zip("zyx", known or (USUAL,) * 3, strict=True):
            self.fields[axis].setValue(value)
            self.fields[axis].setAccessibleName(f"Voxel size along {axis}")
            self.fields[axis].setToolTip(f"Voxel size along {axis} in Å")
        self.differ = QCheckBox("Different along x, y and z")
        self.differ.setToolTip("For voxels that are no cubes")
        self.differ.setChecked(known is not None and len(set(known)) > 1)
        self.differ.toggled.connect(self._show)
        names = entries[0].name if len(entries) == 1 else f"{len(entries)} tomograms"
        title = QLabel(names)
        title.setProperty("role", "heading")
        self.labels = {axis: QLabel(axis) for axis in "xyz"}
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for row, axis in enumerate("xyz"):
            grid.addWidget(self.labels[axis], row, 0)
            grid.addWidget(self.fields[axis], row, 1)
        grid.addWidget(self.differ, 3, 1)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(hint("Used instead of what the file says; the file itself is not changed. Can be undone."))
        column.addLayout(grid)
        column.addWidget(self.buttons)
        self._show()
        self.fields["x"].setFocus()
        self.fields["x"].selectAll()

    def value(self) -> ZYX:
        """Return the voxel size along z, y, x."""
        if not self.differ.isChecked():
            return (self.fields["x"].number,) * 3
        z, y, x = (self.fields[axis].number for axis in "zyx")
        return z, y, x

    def accept(self) -> None:
        """Set it."""
        session = self._window.workbench.session
        ids = [entry.id for entry in self._entries]
        if self._window.workbench.attempt(lambda: tomograms.set_voxel_sizes(session, ids, self.value())):
            super().accept()

    def _show(self) -> None:
        differ = self.differ.isChecked()
        self.labels["x"].setText("x" if differ else "Voxel size")
        for axis in "yz":
            self.labels[axis].setVisible(differ)
            self.fields[axis].setVisible(differ)
        self.adjustSize()
