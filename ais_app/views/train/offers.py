"""What a project without networks is offered: those that come with the program, and the way to more."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ais_app.core.errors import AisAppError
from ais_app.core.jobs import Job
from ais_app.core.zoo.client import Zoo
from ais_app.core.zoo.index import INDEX, ZooEntry
from ais_app.core.zoo.places import shipped_folder, shipped_zoo
from ais_app.state.commands import models, projects
from ais_app.state.commands.training import FOLDER
from ais_app.views.dialogs.trust import hold_back_program
from ais_app.views.dialogs.zoo import ZooDialog
from ais_app.views.widgets.panel import hint
from ais_app.views.workbench import Workbench
from ais_app.workers.job_runner import JobHandle


class NetworkOffers(QWidget):
    """The shipped networks with a button each, and "Browse models…"."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.rows: dict[str, OfferRow] = {}
        self.browse = QPushButton("Browse models…")
        self.browse.setToolTip("Find trained networks: shipped ones, your own, and those of zoos")
        self.browse.clicked.connect(self.show_zoo)
        self._shipped = QWidget()
        column = QVBoxLayout(self._shipped)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for entry in shipped_entries(workbench):
            self.rows[entry.name] = OfferRow(entry)
            self.rows[entry.name].add.clicked.connect(lambda _, entry=entry: take(workbench, shipped_zoo(), entry))
            column.addWidget(self.rows[entry.name])
        if self.rows:
            column.insertWidget(0, hint("These come with the program, trained on simulated tomograms:"))
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.setSpacing(6)
        outside.addWidget(self._shipped)
        outside.addWidget(self.browse)

    def offer_shipped(self, wanted: bool) -> None:
        """Show the shipped networks, or only the way to more."""
        self._shipped.setVisible(wanted and bool(self.rows))

    def show_zoo(self) -> ZooDialog:
        """Open the dialog and return it."""
        return show_zoo(self.window(), self.workbench)


def show_zoo(window: QWidget | None, workbench: Workbench) -> ZooDialog:
    """Open the dialog in which all trained networks are found; what is chosen there goes into the project."""
    dialog = ZooDialog(window, workbench)
    dialog.chosen.connect(lambda zoo, entry: dialog.follow(take(workbench, zoo, entry)))
    dialog.opened.connect(lambda path: use(workbench, path))
    dialog.show()
    return dialog


class OfferRow(QWidget):
    """One shipped network."""

    def __init__(self, entry: ZooEntry) -> None:
        super().__init__()
        self.words = QLabel(f"{entry.title or entry.name}")
        self.words.setToolTip(entry.description)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        dice = f"Dice {entry.scores['dice']:.2f}" if "dice" in entry.scores else ""
        self.add = QPushButton("Add")
        self.add.setToolTip(f"Copy {entry.title or entry.name} into the project")
        self.add.setAccessibleName(f"Add {entry.title or entry.name}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(hint_of(dice))
        row.addWidget(self.add)


def hint_of(text: str) -> QLabel:
    """Return a hint that is as wide as its words."""
    label = hint(text)
    label.setWordWrap(False)
    return label


def shipped_entries(workbench: Workbench) -> list[ZooEntry]:
    """Return the networks that come with the program; a damaged installation is said."""
    if not (shipped_folder() / INDEX).exists():
        return []
    try:
        return list(shipped_zoo().index().entries)
    except AisAppError as error:
        workbench.notify(str(error), "error")
        return []


def take(workbench: Workbench, zoo: Zoo, entry: ZooEntry) -> JobHandle:
    """Bring a network into the folder of the project, as a job, and add it."""
    if not workbench.session.has_project:
        projects.ensure_project(workbench.session, workbench.drafts)
    project = workbench.project.path

    def make_job() -> Job[Path]:
        return zoo.download_job(entry, project.parent / FOLDER)

    def add(path: Path) -> None:
        if workbench.session.is_open(project):
            use(workbench, path)
        else:  # another project was opened meanwhile
            workbench.notify(f"{entry.name} is in {project.parent / FOLDER}")

    def fail(error: Exception) -> None:
        workbench.notify(str(error), "error")

    return workbench.jobs.start(f"Download {entry.title or entry.name}", make_job, on_result=add, on_error=fail)


def use(workbench: Workbench, path: Path) -> None:
    """Add a network that is on this machine to the project; one with a program of its own waits for a yes."""
    if not workbench.session.has_project:
        projects.ensure_project(workbench.session, workbench.drafts)
    workbench.attempt(lambda: hold_back_program(workbench, models.add(workbench.session, path)))
