"""What is done with the particles that are selected: reject, keep, name their class."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ais_app.state.commands import particles
from ais_app.state.gallery import feature_of
from ais_app.state.particle_classes import classes
from ais_app.state.particle_places import rejected_outside
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.workbench import Workbench


class MarkSection(QWidget):
    """Reject, keep, class of what is selected; negatives of what was rejected."""

    judged = pyqtSignal(bool)  # what is selected is rejected, or kept

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.reject, self.keep = QPushButton("Reject"), QPushButton("Keep")
        self.reject.setToolTip("Mark what is selected as no particle (R, Delete); it stays in place, and undo works")
        self.keep.setToolTip("Take the rejection of what is selected back (K)")
        self.name = QComboBox()
        self.name.setEditable(True)
        self.name.setAccessibleName("Class of the selection")
        self.name.setToolTip("Choose a class or type a new name, and press Enter")
        self.name.setMinimumContentsLength(6)
        self.name.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        line = self.name.lineEdit()
        assert line is not None  # it is editable
        line.setPlaceholderText("Name of a class")
        self.set = QPushButton("Set class")
        self.set.setToolTip("Say that what is selected is of this class; no name takes the class away")
        self.feature = ChoiceBox()
        self.feature.setAccessibleName("Feature that the rejected are not")
        self.feature.setToolTip("Which feature the rejected particles are known not to be")
        self.negatives = QPushButton("Use as background in training")
        self.negatives.setToolTip(
            "Place boxes at the rejected particles: the next training of the feature learns that it is not there"
        )
        self._source: object = None
        self._build()
        self.reject.clicked.connect(lambda: self.judged.emit(True))
        self.keep.clicked.connect(lambda: self.judged.emit(False))
        self.set.clicked.connect(self.set_class)
        line.returnPressed.connect(self.set_class)
        self.negatives.clicked.connect(self._teach)

    def refresh(self) -> None:
        """Show which classes and features there are."""
        session = self.workbench.session
        known = list(classes(session.project)) if session.has_project else []
        with QSignalBlocker(self.name):
            if [self.name.itemText(place) for place in range(self.name.count())] != known:
                text = self.name.currentText()
                self.name.clear()
                self.name.addItems(known)
                self.name.setCurrentText(text)
        features = [each.name for each in session.project.features] if session.has_project else []
        features = [name for name in features if not name.startswith("not ")]
        if [self.feature.itemText(place) for place in range(self.feature.count())] != features:
            self.feature.clear()
            self.feature.addItems(features)
        gallery = session.gallery
        if gallery.source != self._source:  # another choice: most likely of its own feature
            self._source = gallery.source
            self.feature.setCurrentText(feature_of(session))
        self.refresh_buttons()

    def refresh_buttons(self) -> None:
        """Say what can be done now."""
        gallery = self.workbench.session.gallery
        chosen, rejected = len(gallery.rows), int(gallery.table.rejected.sum())
        for button in (self.reject, self.keep, self.set):
            button.setEnabled(chosen > 0)
        possible = rejected > 0 and self.feature.count() > 0
        self.negatives.setEnabled(possible)
        self.feature.setEnabled(possible)

    def set_class(self) -> None:
        """Give what is selected the class that is named."""
        session = self.workbench.session
        rows, name = session.gallery.rows, self.name.currentText()
        if len(rows):
            self.workbench.attempt(lambda: particles.set_class(session, rows, name))

    def _teach(self) -> None:
        session, feature = self.workbench.session, self.feature.currentText()

        def teach() -> None:
            placed = particles.rejected_to_negatives(session, feature)
            rejected, outside = rejected_outside(session)
            words = _placed(placed, rejected, outside)
            if rejected == outside:
                self.workbench.notify(words, "warning", passing=True)
                return
            self.workbench.notify(
                f"{words}: “not {feature}” is background in the next training of {feature}", button="Train",
                act=lambda: setattr(session.view, "tab", "train"),
            )  # fmt: skip

        self.workbench.attempt(teach)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setSpacing(8)
        first.addWidget(self.reject, 1)
        first.addWidget(self.keep, 1)
        second.addWidget(self.name, 1)
        second.addWidget(self.set)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.addWidget(QLabel("Rejected are not"), 0, 0)
        grid.addWidget(self.feature, 0, 1)
        grid.addWidget(self.negatives, 1, 0, 1, 2)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for layout in (first, second, grid):
            column.addLayout(layout)


def _placed(boxes: int, rejected: int, outside: int) -> str:
    """Return what came of placing boxes at so many rejected particles, of which some lie outside their tomogram."""
    words = f"{boxes:,} box{'es' * (boxes != 1)} placed" if boxes else "All of them have their box already"
    if not outside:
        return words
    lie = "1 particle lies outside its tomogram and gets" if outside == 1 else (
        f"{outside:,} particles lie outside their tomograms and get")  # fmt: skip
    if outside == rejected:
        return f"No box placed: {lie} none"
    return f"{words if boxes else 'All others have their box already'}; {lie} none"
