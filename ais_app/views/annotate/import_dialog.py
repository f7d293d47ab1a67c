"""Asks what in a volume is the feature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from ais_app.views.widgets.numbers import NumberField
from ais_app.views.widgets.panel import hint


class ImportDialog(QDialog):
    """Three ways to read a volume as labels.

    Parameters
    ----------
    parent
        Window.
    path
        The volume.
    feature
        Whose labels it becomes.
    take
        Called with the path, and ``value`` or ``threshold`` or neither.
    """

    def __init__(self, parent: QWidget | None, path: Path, feature: str, take: Callable[..., None]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Labels from a volume")
        self.setMinimumWidth(420)
        self._path, self._take = path, take
        title = QLabel(f"{path.name}  →  {feature}")
        title.setProperty("role", "heading")
        self.above, self.equal = QRadioButton("Voxels of at least"), QRadioButton("Voxels of the number")
        self.labels = QRadioButton("Labels: 0 background, 1 feature, 2 ignore")
        self.threshold, self.value = NumberField(), NumberField()
        self.threshold.setValue(0.5)
        self.value.setValue(1)
        for field, button, tip in (
            (self.threshold, self.above, "Probabilities and maps: the feature is where the volume is this or greater"),
            (self.value, self.equal, "Segmentations with several numbers: the feature is where the volume is this"),
        ):
            field.setToolTip(tip)
            field.setAccessibleName(button.text())
            button.setToolTip(tip)
            field.valueChanged.connect(lambda _, button=button: button.setChecked(True))
        self.labels.setToolTip("Labels that were exported from here")
        self.above.setChecked(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.above, 0, 0)
        grid.addWidget(self.threshold, 0, 1)
        grid.addWidget(self.equal, 1, 0)
        grid.addWidget(self.value, 1, 1)
        grid.addWidget(self.labels, 2, 0, 1, 2)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(hint("Replaces all labels of the feature on this tomogram, and every slice counts as "
                              "annotated then. Can be undone."))  # fmt: skip
        column.addLayout(grid)
        column.addWidget(self.buttons)

    def accept(self) -> None:
        """Start to read."""
        if self.above.isChecked():
            self._take(self._path, threshold=self.threshold.number)
        elif self.equal.isChecked():
            self._take(self._path, value=self.value.number)
        else:
            self._take(self._path)
        super().accept()
