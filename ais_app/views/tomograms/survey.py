"""Looks through the tomograms of a project in the background: are they there, what is odd, a thumbnail of each.

session.events ─► which are not known yet ─► one thread, one tomogram at a time ─► project (kept for next time)
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PyQt6.QtCore import QBuffer, QIODevice, QObject, QTimer, pyqtSignal
from PyQt6.QtGui import QImage

from ais_app.core.display.thumbnail import thumbnail_job
from ais_app.core.errors import AisAppError
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, JobCancelled, run
from ais_app.core.volume.preflight import survey_job
from ais_app.state.links import Link, locate
from ais_app.state.records import TomogramEntry
from ais_app.state.session import Session
from ais_app.state.tomogram_table import link_of
from ais_app.workers.latest import Latest

log = logging.getLogger(__name__)

SIZE = 112  # px, longest side of a thumbnail
SETTLE_MS = 300  # after a change, so that what a person asked for comes first
Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class Surveyed:
    """What was found out about one tomogram.

    Parameters
    ----------
    tomogram
        Id.
    findings
        ``{"findings": [[code, problem, remedy], ...], "contrast": "dark" | "bright" | "unclear"}``.
    png
        The thumbnail, row 0 at y = 0; ``None`` when it could not be made.
    """

    tomogram: int
    findings: dict[str, Any]
    png: bytes | None


class Survey(QObject):
    """Keeps thumbnails and preflights of the open project up to date; call `close` before it goes.

    Attributes
    ----------
    missing
        Ids of tomograms whose file is not where it should be.
    """

    changed = pyqtSignal(int)  # id of a tomogram about which more is known
    missing_changed = pyqtSignal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._latest = Latest("tomograms", self)
        self._queue: deque[TomogramEntry] = deque()
        self._kept: dict[int, Surveyed] = {}  # of projects that cannot be written
        self._done: set[tuple[int, str]] = set()
        self.missing: set[int] = set()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SETTLE_MS)
        self._soon.timeout.connect(self._look)
        session.events.opened.connect(self._forget)
        session.events.tomograms.connect(self._later)

    @property
    def idle(self) -> bool:
        """Whether everything is known."""
        return not (self._soon.isActive() or self._latest.busy or self._queue)

    def findings(self, entry: TomogramEntry) -> dict[str, Any] | None:
        """Return what was found about a tomogram; ``None`` when nothing is known yet."""
        if entry.id in self._kept:
            return self._kept[entry.id].findings
        stored: dict[str, Any] | None = self._session.project.preflight(entry)
        return stored

    def thumbnail(self, entry: TomogramEntry) -> bytes | None:
        """Return the thumbnail of a tomogram as PNG; ``None`` when there is none yet."""
        if entry.id in self._kept:
            return self._kept[entry.id].png
        return self._session.project.thumbnail(entry)

    def look_again(self) -> None:
        """Look for the files again."""
        self._later()

    def close(self) -> None:
        """End the thread."""
        self._soon.stop()
        self._queue.clear()
        self._latest.close()

    def _forget(self) -> None:
        self._queue.clear()
        self._kept.clear()
        self._done.clear()
        self.missing = set()
        self._latest.drop()
        self._later()

    def _later(self) -> None:
        self._soon.start()

    def _look(self) -> None:
        if not self._session.has_project:
            return
        entries = self._session.project.tomograms
        links = [(entry.id, link_of(entry)) for entry in entries]
        folder = self._session.project.folder
        self._queue.clear()
        self._latest.request(
            lambda cancelled: {id for id, link in links if not cancelled() and locate(link, folder) is None},
            lambda missing: self._take_missing(missing, {entry.id for entry in entries}),
        )

    def _take_missing(self, missing: set[int], looked_for: set[int]) -> None:
        entries = self._session.project.tomograms  # some of those that were looked for may have been closed
        missing = missing & {entry.id for entry in entries}
        if missing != self.missing:
            self.missing = missing
            self.missing_changed.emit()
        current = self._session.view.tomogram
        found = [entry for entry in entries if entry.id in looked_for - missing]
        there = [entry for entry in found if not self._is_known(entry)]
        self._queue.extend(sorted(there, key=lambda entry: entry.id != current))
        self._next()

    def _is_known(self, entry: TomogramEntry) -> bool:
        key = (entry.id, entry.fingerprint)
        if key in self._done:
            return True
        if self.findings(entry) is not None and self.thumbnail(entry) is not None:
            self._done.add(key)
            return True
        return False

    def _next(self) -> None:
        if self._queue and self._session.has_project:
            entry = self._queue.popleft()
            folder = self._session.project.folder
            link = link_of(entry)
            self._latest.request(lambda cancelled: survey(entry, link, folder, cancelled), self._take)

    def _take(self, found: Surveyed) -> None:
        session = self._session
        known = {entry.id: entry for entry in session.project.tomograms} if session.has_project else {}
        entry = known.get(found.tomogram)
        if entry is not None:
            self._done.add((entry.id, entry.fingerprint))
            self._keep(entry, found)
            self.changed.emit(entry.id)
        self._next()

    def _keep(self, entry: TomogramEntry, found: Surveyed) -> None:
        project = self._session.project
        if project.read_only:
            self._kept[entry.id] = found
            return
        try:
            project.set_preflight(entry, found.findings)
            if found.png is not None:
                project.set_thumbnail(entry, found.png)
        except AisAppError as error:  # a full disk: shown all the same, as long as the window is open
            log.warning("%s", error)
            self._kept[entry.id] = found


def survey(entry: TomogramEntry, link: Link, folder: Any, cancelled: Cancelled) -> Surveyed:
    """Make the thumbnail of a tomogram and look through it; on the thread of the survey."""
    path = locate(link, folder)
    try:
        if path is None:
            raise AisAppError(entry.name, "was not found")
        tomogram = open_tomogram(path, voxel_size=entry.voxel_size_zyx)
        picture = _stoppable(thumbnail_job(tomogram, SIZE), cancelled)
        seen = _stoppable(survey_job(tomogram, fast=True), cancelled)
    except (AisAppError, OSError, ValueError) as error:
        return Surveyed(entry.id, {"findings": [["unreadable", f"cannot be read: {error}", ""]]}, None)
    findings = [[finding.code, finding.problem, finding.remedy] for finding in seen.findings]
    return Surveyed(entry.id, {"findings": findings, "contrast": seen.contrast}, png_of(picture))


def _stoppable(job: Job[Any], cancelled: Cancelled) -> Any:
    def stop() -> bool:
        if cancelled():
            raise JobCancelled
        return False

    return run(job, stop=stop)


def png_of(picture: np.ndarray) -> bytes:
    """Return a grey picture, (h, w) uint8, as PNG."""
    height, width = picture.shape
    rows = np.ascontiguousarray(picture)
    image = QImage(rows.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())
