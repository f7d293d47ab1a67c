"""Averages: now, with the orientations that are known, or after an alignment; slices, resolution, files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyqtgraph
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from ais_app.core.particles.wedge import Wedge
from ais_app.views.particles.slice_strip import SliceStrip
from ais_app.views.particles.tilt_section import TiltSection
from ais_app.views.theme import current_theme
from ais_app.views.workbench import Workbench
from ais_app.workers.particle_jobs import ParticleJobs
from ais_app.workers.particle_maps import files_of_an_average, why_not_placed

if TYPE_CHECKING:
    from ais_app.operations.particle_work_results import AverageShown

HEIGHT = 130  # px, of the chart
MARKS = (0.143, 0.5)
PLACE = "Show the average at every pick in Render, turned as each particle is"
LEFT_OUT = "Left out are those that lie outside their tomogram, or with more than half of their cube"


class AverageSection(QWidget):
    """Buttons, three slices, the Fourier shell correlation, and what can be done with the result."""

    asked = pyqtSignal(str)  # "average" or "align"
    asked_to_save = pyqtSignal(object)  # Path of a folder
    asked_to_place = pyqtSignal()

    def __init__(self, workbench: Workbench, jobs: ParticleJobs) -> None:
        super().__init__()
        self.workbench, self.jobs = workbench, jobs
        self.tilts = TiltSection(workbench, jobs)
        self.symmetry = QLineEdit("C1")
        self.symmetry.setAccessibleName("Symmetry")
        self.symmetry.setToolTip("Of the particle: C1, C2 … about z, D2, D3 …")
        self.average, self.align = QPushButton("Average these now"), QPushButton("Align, then average")
        self.average.setProperty("role", "primary")
        self.average.setToolTip(
            "Average what is selected, or all that is kept, with the orientations that are known (seconds)"
        )
        self.align.setToolTip("Turn each to their common average first, again and again: minutes. Undo takes it back")
        self.strip = SliceStrip(words="")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.ensurePolished()  # the style sheet sets the size of the letters
        self.words.setFixedHeight(2 * self.words.fontMetrics().lineSpacing())  # whatever it will say
        self.chart = ShellChart()
        self.save, self.place = QPushButton("Save…"), QPushButton("Place at picks")
        self.save.setToolTip("Write average.mrc, half1.mrc, half2.mrc and fsc.csv into a folder")
        self._result = QWidget()
        self._build()
        self.average.clicked.connect(lambda: self.asked.emit("average"))
        self.align.clicked.connect(lambda: self.asked.emit("align"))
        self.save.clicked.connect(self.ask_folder)
        self.place.clicked.connect(self.asked_to_place)
        jobs.averaged.connect(self.show_average)
        jobs.changed.connect(self.refresh)
        self.show_average()

    def wedge(self) -> Wedge:
        """Return the tilts; raises `ParameterProblem` where they cannot be."""
        return self.tilts.wedge()

    def refresh(self) -> None:
        """Say what can be done now."""
        self.tilts.refresh()
        why_not = why_not_placed(self.workbench.session)
        self.place.setEnabled(self.jobs.average is not None and not why_not)
        self.place.setToolTip(why_not or PLACE)
        gallery = self.workbench.session.gallery
        there = len(gallery.table) > 0
        for button, kind, words in (
            (self.average, "average", "Average these now"),
            (self.align, "align", "Align, then average"),
        ):
            running = self.jobs.running(kind)
            button.setText("Averaging …" if running and kind == "average" else "Aligning …" if running else words)
            # a button that is switched off hands the focus on: the next Space would start the other work
            button.setEnabled(there or running)
        # room for the result is made when somebody asks for it: nothing below moves when it arrives
        waited_for = self.jobs.running("average") or self.jobs.running("align")
        self._result.setVisible(self.jobs.average is not None or waited_for)

    def show_average(self) -> None:
        """Show the newest average."""
        found = self.jobs.average
        self.save.setEnabled(found is not None)
        if found is None:
            self.strip.show_slices(())
            self.chart.show_curve((), ())
            self.words.setText("Three central slices and the Fourier shell correlation of two halves")
        else:
            self.strip.show_slices(found.slices, self.workbench.session.view.y_up)
            self.chart.show_curve(found.frequency, found.curve)
            asked = found.count if found.worked is None else found.worked.count
            some = f"{found.count:,} of " * (found.count < asked)
            said = [f"{some}{asked:,} particle{'s' * (asked != 1)}"]
            for threshold, detail in zip(MARKS, found.resolutions, strict=True):
                said.append(f"{detail:.1f} Å at {threshold}" if detail is not None else f"none at {threshold}")
            said = said if len(found.curve) else [said[0], "no halves to compare"]
            self.words.setText(" · ".join(said + ["not turned: no orientation is known"] * _is_unturned(found)))
            self.words.setToolTip(LEFT_OUT if found.count < asked else "")
        self.chart.setVisible(found is None or len(found.curve) > 0)
        self.refresh()

    def ask_folder(self) -> None:
        """Let a person choose where the files go; those of another average are replaced if that is said."""
        if self.jobs.average is None:
            return
        folder = str(self.workbench.session.folder())
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the average", folder)
        if chosen and self._may_write(Path(chosen)):
            self.asked_to_save.emit(Path(chosen))

    def _may_write(self, folder: Path) -> bool:
        there = files_of_an_average(folder)
        if not there:
            return True
        text = f"There is an average in {folder.name} already. It and its halves are replaced."
        box = QMessageBox(QMessageBox.Icon.Question, "Replace the average?", text, parent=self)
        box.setInformativeText("\n".join(path.name for path in there))
        replace = box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole))
        box.exec()
        agreed = box.clickedButton() is replace
        box.deleteLater()
        return agreed

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        self.chart.apply_theme()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.tilts.add_row("Symmetry", self.symmetry)
        column.addWidget(self.tilts)
        column.addWidget(self.average)
        column.addWidget(self.align)
        inside = QVBoxLayout(self._result)
        inside.setContentsMargins(0, 4, 0, 0)
        inside.setSpacing(6)
        for widget in (self.strip, self.words, self.chart):
            inside.addWidget(widget)
        last = QHBoxLayout()
        last.setSpacing(8)
        last.addWidget(self.save, 1)
        last.addWidget(self.place, 1)
        inside.addLayout(last)
        column.addWidget(self._result)


def _is_unturned(found: AverageShown) -> bool:
    """Return whether picks were averaged as they are, and no orientation of any was known."""
    done = found.worked
    if done is None or done.arguments["work"] != "average":
        return False
    columns, *lines = done.listing.splitlines()
    return columns.endswith("r33") and all(line.endswith(",nan") for line in lines)


class ShellChart(QWidget):
    """Fourier shell correlation over the frequency, with the two thresholds."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = pyqtgraph.PlotWidget()
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setYRange(-0.05, 1.05, padding=0)
        self.plot.setAccessibleName("Fourier shell correlation")
        self.plot.setLabel("left", "FSC")
        self.plot.setLabel("bottom", "1/Å")
        self.plot.getAxis("bottom").enableAutoSIPrefix(False)
        self.plot.getAxis("left").setWidth(46)
        self._curve = self.plot.plot()
        self._marks = [pyqtgraph.InfiniteLine(level, angle=0, label=f"{level:g}",
                                              labelOpts={"position": 0.96, "anchors": [(1, 1), (1, 1)]})
                       for level in MARKS]  # fmt: skip
        for mark in self._marks:
            self.plot.addItem(mark)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self.apply_theme()

    def show_curve(self, frequency, curve) -> None:  # type: ignore[no-untyped-def]
        """Show (m,) values over (m,) frequencies, 1/Å."""
        self._curve.setData(frequency, curve)
        if len(frequency):
            self.plot.setXRange(0, float(frequency[-1]), padding=0.02)

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        theme = current_theme()
        self.plot.setBackground(theme.panel)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setPen(theme.line)
            self.plot.getAxis(side).setTextPen(theme.dimmed)
        self._curve.setPen(pyqtgraph.mkPen(theme.accent, width=2))
        for mark in self._marks:
            mark.setPen(pyqtgraph.mkPen(theme.dimmed, width=1, style=Qt.PenStyle.DashLine))
            mark.label.setColor(theme.dimmed)
