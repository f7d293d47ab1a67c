"""What the parts of `Project` share. The parts exist to keep each file small; a project is used as one object."""

from __future__ import annotations

from pathlib import Path

from ais_app.state import feature_table, tomogram_table
from ais_app.state.database import Database
from ais_app.state.display_table import DisplayTable
from ais_app.state.events import ProjectEvents
from ais_app.state.history import History
from ais_app.state.records import Feature, TomogramEntry

WhichTomogram = str | int | TomogramEntry
WhichFeature = str | int | Feature


class ProjectPart:
    """An open project file.

    Parameters
    ----------
    path
        The file.
    database
        The same, open.
    """

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.folder = path.resolve().parent
        self.read_only = database.read_only
        self.events = ProjectEvents()
        self._database = database
        self._history = History(database, self.events.announce)
        self._display = DisplayTable(database, self.events.display.emit)

    def tomogram(self, which: WhichTomogram) -> TomogramEntry:
        """Return a tomogram by its name or id, or raise `ProjectProblem` with the known names."""
        return tomogram_table.find_entry(self._history, which)

    def feature(self, which: WhichFeature) -> Feature:
        """Return a feature by its name or id, or raise `ProjectProblem` with the known names."""
        return feature_table.find(self._history, self._display, which)
