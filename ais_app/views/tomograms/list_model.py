"""The tomograms of the project as rows of a list: read from the project, again when it says that it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, QTimer
from PyQt6.QtGui import QImage, QPixmap

from ais_app.state import contrast_sign
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.session import Session
from ais_app.state.shown_models import DOCUMENT as MODELS
from ais_app.views.tomograms.survey import Survey

ROW = Qt.ItemDataRole.UserRole
ID = Qt.ItemDataRole.UserRole + 1
SUMMARY_MS = 120  # strokes come faster than anybody reads counts

# what to do in the window, where the finding speaks of the command line
REMEDIES = {
    "voxel-size": "set it: right-click the tomogram",
    "missing": "put the file back, or look for it: right-click the tomogram",
}


@dataclass(frozen=True)
class Chip:
    """A feature that is annotated in a tomogram, and where: so many planes, so many boxes."""

    feature: int
    name: str
    colour: str
    planes: int
    boxes: int

    @property
    def count(self) -> int:
        """What the chip says: the planes, or the boxes where nothing is painted."""
        return self.planes or self.boxes


@dataclass(frozen=True)
class Row:
    """What the list shows of a tomogram.

    Parameters
    ----------
    entry
        The tomogram.
    chips
        The features that are annotated in it.
    state
        ``"good"``, ``"odd"``, ``"missing"`` or ``"unknown"`` while it is looked through.
    remarks
        What is odd, each with its remedy.
    """

    entry: TomogramEntry
    chips: tuple[Chip, ...] = ()
    state: str = "unknown"
    remarks: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The state in words."""
        if self.remarks:
            return "\n".join(self.remarks)
        return "Nothing odd was found" if self.state == "good" else "It is being looked through…"


class TomogramModel(QAbstractListModel):
    """Rows in the order of the project.

    Parameters
    ----------
    session
        Whose tomograms.
    survey
        What is known about them.
    """

    def __init__(self, session: Session, survey: Survey, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._survey = session, survey
        self._entries: list[TomogramEntry] = []
        self._features: list[Feature] = []
        self._summary: dict[int, dict[int, tuple[int, int]]] = {}
        self._dark_networks: list[str] = []
        self._rows: dict[int, Row] = {}
        self._pictures: dict[int, QPixmap | None] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SUMMARY_MS)
        self._soon.timeout.connect(self._summarise)
        events = session.events
        for signal in (events.opened, events.moved):
            signal.connect(self._reload)
        events.tomograms.connect(self._reload)
        for signal in (events.features, events.planes, events.boxes):
            signal.connect(self._later)
        events.models.connect(self._later)
        events.display.connect(self._display)
        survey.changed.connect(self._refresh_one)
        survey.missing_changed.connect(self._refresh_all)
        session.view.events.y_up.connect(self._flip)
        self._reload()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return how many tomograms there are."""
        return len(self._entries)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        if not index.isValid() or index.row() >= len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.name
        if role == ID:
            return entry.id
        if role == ROW:
            return self.row(entry)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self.row(entry))
        return None

    def ids(self) -> list[int]:
        """Return the ids of all tomograms in order."""
        return [entry.id for entry in self._entries]

    def row(self, entry: TomogramEntry) -> Row:
        """Return what the list shows of a tomogram."""
        if entry.id not in self._rows:
            state, remarks = self._state(entry)
            self._rows[entry.id] = Row(entry, self._chips(entry.id), state, remarks)
        return self._rows[entry.id]

    def _reload(self) -> None:
        has_project = self._session.has_project
        entries = self._session.project.tomograms if has_project else []
        if [entry.id for entry in entries] != self.ids():
            self.beginResetModel()
            self._entries = entries
            self._clear()
            self.endResetModel()
        else:
            self._entries = entries
            self._clear()
            self._refresh_all()

    def _clear(self) -> None:
        self._rows.clear()
        self._pictures.clear()
        self._read_summary()

    def _read_summary(self) -> None:
        has_project = self._session.has_project
        self._features = self._session.project.features if has_project else []
        self._summary = self._session.project.annotation_summary() if has_project else {}
        self._dark_networks = contrast_sign.dark_networks(self._session.project) if has_project else []

    def _later(self, *_: Any) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _display(self, name: str) -> None:
        if name == MODELS:  # one may have been switched on or off
            self._later()

    def _summarise(self) -> None:
        self._read_summary()
        self._refresh_all()

    def _refresh_all(self) -> None:
        self._rows.clear()
        self._tell(range(len(self._entries)))

    def _refresh_one(self, tomogram: int) -> None:
        self._rows.pop(tomogram, None)
        self._pictures.pop(tomogram, None)
        if tomogram in self.ids():
            self._tell([self.ids().index(tomogram)])

    def _flip(self) -> None:
        self._pictures.clear()
        self._tell(range(len(self._entries)))

    def _tell(self, rows: Sequence[int]) -> None:
        if rows:
            self.dataChanged.emit(self.index(rows[0], 0), self.index(rows[-1], 0))

    def _chips(self, tomogram: int) -> tuple[Chip, ...]:
        counts = self._summary.get(tomogram, {})
        return tuple(
            Chip(feature.id, feature.name, feature.colour, *counts[feature.id])
            for feature in self._features
            if any(counts.get(feature.id, (0, 0)))
        )

    def _state(self, entry: TomogramEntry) -> tuple[str, tuple[str, ...]]:
        if entry.id in self._survey.missing:
            return "missing", (f"not found at {entry.path}; {REMEDIES['missing']}",)
        known = self._survey.findings(entry)
        if known is None:
            return "unknown", ()
        remarks = tuple(_remark(*finding) for finding in known.get("findings", []))
        if known.get("contrast") == contrast_sign.BRIGHT and self._dark_networks:
            remarks += (contrast_sign.remark(self._dark_networks),)
        return ("odd" if remarks else "good"), remarks

    def _picture(self, entry: TomogramEntry) -> QPixmap | None:
        if entry.id not in self._pictures:
            png = self._survey.thumbnail(entry)
            self._pictures[entry.id] = None if png is None else self._decoded(png)
        return self._pictures[entry.id]

    def _decoded(self, png: bytes) -> QPixmap:
        image = QImage.fromData(png, "PNG")
        # row 0 is y = 0, which is below when y is up
        return QPixmap.fromImage(image.mirrored(False, True) if self._session.view.y_up else image)


def _remark(code: str, problem: str, remedy: str) -> str:
    remedy = REMEDIES.get(code, remedy)
    return f"{problem}; {remedy}" if remedy else problem


def size_words(entry: TomogramEntry) -> str:
    """Return ``512 × 512 × 200``: x, y, z."""
    return " × ".join(str(length) for length in reversed(entry.shape))


def voxel_words(entry: TomogramEntry) -> str:
    """Return ``13.68 Å``, or that it is not known."""
    size = entry.voxel_size
    return "voxel size ?" if size is None else f"{size:.4g} Å"


def tooltip(row: Row) -> str:
    """Return everything there is to say about a row."""
    entry = row.entry
    lines = [entry.name, str(entry.path), f"{size_words(entry)} voxels (x, y, z), {voxel_words(entry)}"]
    lines += [f"{chip.name}: {chip.planes} slices, {chip.boxes} boxes" for chip in row.chips]
    return "\n".join([*lines, row.words])
