"""The project: one file that holds what a person does; everything else reads from it and writes through it.

    with Project.open("P.aisproj") as project:
        labels = project.labels("TS_01", "membrane")
        labels.apply(brush.disk(labels, [(20, 100, 100), (20, 140, 120)], radius=4))
        project.undo()

Each call that changes something is one transaction and one step of undo, and is announced through `Project.events`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ais_app.core.errors import DataWarning, FileProblem
from ais_app.core.jobs import Job, run
from ais_app.core.tomogram import ZYX, Tomogram
from ais_app.state import ais_import, check, copying, tomogram_cache, tomogram_table
from ais_app.state.annotation_part import AnnotationPart
from ais_app.state.database import Database, refuse_existing, require_file
from ais_app.state.history import Entry
from ais_app.state.lock import ProjectLock
from ais_app.state.part import WhichFeature, WhichTomogram
from ais_app.state.record_part import RecordPart
from ais_app.state.records import TomogramEntry
from ais_app.state.steps import Steps

__all__ = ["Project", "WhichFeature", "WhichTomogram"]


def _open_file(path: Path, read_only: bool) -> tuple[Database, ProjectLock | None]:
    """Open a project file, for writing where that is wanted and possible."""
    require_file(path)
    lock = None if read_only else ProjectLock(path.resolve())
    reason = lock.acquire() if lock is not None else ""
    if reason:
        warnings.warn(DataWarning(f"{path}: opened read-only, because {reason}"), stacklevel=4)
        lock = None
    try:
        return Database(path, read_only=lock is None), lock
    except BaseException:
        if lock is not None:
            lock.release()
        raise


class Project(AnnotationPart, RecordPart):
    """An open project; make one with `Project.create` or `Project.open`.

    Features, labels, boxes and picks are in `AnnotationPart`; models, runs, interactions and settings in `RecordPart`.

    Attributes
    ----------
    path
        The file.
    folder
        Where it is; paths of tomograms and models are stored relative to this.
    read_only
        Nothing can be changed: asked for, or the file is open elsewhere, or its folder cannot be written.
    events
        Signals to subscribe to; see `ProjectEvents`.
    """

    def __init__(self, path: Path, database: Database, lock: ProjectLock | None) -> None:
        super().__init__(path, database)
        self._lock = lock

    @classmethod
    def create(cls, path: str | Path) -> Project:
        """Make a new, empty project and open it.

        Raises
        ------
        FileProblem
            The file exists already, or the folder cannot be written.
        """
        path = Path(path)
        refuse_existing(path)
        Database.create(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path, read_only: bool = False) -> Project:
        """Open a project.

        Where it is open elsewhere or its folder cannot be written it is opened read-only, with a `DataWarning` that
        says why.

        Raises
        ------
        FileProblem
            It is missing, damaged or no project.
        ProjectProblem
            It was made by a newer version.
        """
        path = Path(path)
        return cls(path, *_open_file(path, read_only))

    @classmethod
    def create_draft(cls, folder: str | Path) -> Project:
        """Make a new project with a name of its own in a folder, to be given a place later with `saved_as`."""
        project = cls.create(copying.draft_path(Path(folder)))
        project.set_display(copying.DRAFT, True)
        return project

    @property
    def is_draft(self) -> bool:
        """Whether nobody has given it a place yet."""
        return bool(self.display(copying.DRAFT, False))

    def save_copy(self, path: str | Path) -> Path:
        """Write a whole copy, with the history and with paths that are right in its folder; this project stays open.

        Raises
        ------
        FileProblem
            There is a file of that name, or it cannot be written.
        ProjectProblem
            It is called within `group`.
        """
        self.steps.settle()
        copying.copy(self._database, self.folder, Path(path))
        return Path(path)

    def saved_as(self, path: str | Path) -> Project:
        """Go on at another place: write a copy there, close this project, and return the one there, open.

        A draft is removed, any other file stays as it is. Raises as `save_copy`; this project stays open then.
        """
        there = type(self).open(self.save_copy(path))
        self.leave()
        return there

    def leave(self) -> None:
        """Close a project that goes on elsewhere; a draft is removed, any other file stays as it is."""
        was_draft = self.is_draft
        self.close()
        if was_draft and not self.read_only:
            copying.remove_draft(self.path)

    def close(self) -> None:
        """Close the file; nothing is left beside it. What is written in steps is finished first."""
        self.steps.settle()
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # tomograms

    @property
    def tomograms(self) -> list[TomogramEntry]:
        """The tomograms in the order in which they were added."""
        return tomogram_table.entries(self._history)

    def add_tomogram(
        self, path: str | Path, voxel_size: float | Sequence[float] | None = None, name: str | None = None
    ) -> TomogramEntry:
        """Add a volume; `voxel_size` (Å, one number or z, y, x) replaces what the file says.

        Adding the same file again returns its entry. Raises `FileProblem` where the file is no volume,
        `ProjectProblem` where another tomogram has the same name.
        """
        return tomogram_table.add(self._history, self.folder, Path(path), voxel_size, name)

    def remove_tomogram(self, which: WhichTomogram) -> None:
        """Take a tomogram and its annotations out of the project; its file stays."""
        tomogram_table.remove(self._history, self.tomogram(which))

    def set_voxel_size(self, which: WhichTomogram, voxel_size_zyx: ZYX) -> None:
        """Set the voxel size (Å) of a tomogram instead of what its file says."""
        tomogram_table.set_voxel_size(self._history, self.tomogram(which), voxel_size_zyx)

    def open_tomogram(self, which: WhichTomogram) -> Tomogram:
        """Open a tomogram wherever it is now, with the project's voxel size.

        A file that was moved is looked for by its content near the project. Raises `ProjectProblem` where it is not
        found.
        """
        return tomogram_table.open_entry(self._history, self.folder, self.tomogram(which))

    def find(self, which: WhichTomogram) -> Path:
        """Return where the file of a tomogram is now, or raise `ProjectProblem`."""
        return tomogram_table.find(self._history, self.folder, self.tomogram(which))

    def relink(self, folder: str | Path) -> dict[str, Path | None]:
        """Look in a folder for missing tomograms; return the name of each missing one and its new path, or ``None``."""
        found = run(self.relink_job(folder))
        self.take_relinked(found)
        return found

    def relink_job(self, folder: str | Path) -> Job[dict[str, Path | None]]:
        """Return `relink` as a job for any thread: it changes nothing, `take_relinked` does."""
        if not Path(folder).is_dir():
            raise FileProblem(folder, "no such folder", "give the folder the tomograms are in now")
        return tomogram_table.relink_job(self.tomograms, self.folder, Path(folder))

    def take_relinked(self, found: Mapping[str, Path | None]) -> None:
        """Note where missing tomograms, by their names, were found."""
        if any(found.values()):
            tomogram_table.point_to(self._history, self.folder, found)
            self.events.tomograms.emit()

    def thumbnail(self, which: WhichTomogram) -> bytes | None:
        """Return the PNG kept for a tomogram; ``None`` when there is none, or one of another content."""
        return tomogram_cache.thumbnail(self._database, self.tomogram(which))

    def set_thumbnail(self, which: WhichTomogram, png: bytes) -> None:
        """Keep a PNG of at most 1 MiB for a tomogram; not part of the history, goes with the tomogram."""
        entry = self.tomogram(which)
        tomogram_cache.set_thumbnail(self._database, entry, png)
        self.events.thumbnail.emit(entry.id)

    def preflight(self, which: WhichTomogram) -> Any:
        """Return what `set_preflight` kept; ``None`` when nothing, or of another content."""
        return tomogram_cache.preflight(self._display, self.tomogram(which))

    def set_preflight(self, which: WhichTomogram, findings: Any) -> None:
        """Keep what was found when a tomogram was looked through, JSON-able; a display setting, not in the history."""
        tomogram_cache.set_preflight(self._display, self.tomogram(which), findings)

    def import_ais(self, session: str | Path) -> TomogramEntry:
        """Take the features, masks and boxes of an Ais session (``.scns``), as one step of undo; return its tomogram.

        A tomogram that is not in the project yet is added when it lies beside the session, beside the project or
        where the session says. Annotated slices of the session replace those here. Raises `FileProblem` for a file
        that is damaged or holds what no session holds, `ProjectProblem` where the tomogram is not found.
        """
        return ais_import.import_ais(self, Path(session))

    # history

    def undo(self) -> str | None:
        """Take back the last step; return its title, or ``None`` when there is nothing to undo."""
        return self._history.undo()

    def redo(self) -> str | None:
        """Do the step again that was taken back last; return its title, or ``None``."""
        return self._history.redo()

    @property
    def undo_title(self) -> str | None:
        """The title of the step that `undo` would take back; ``None`` for nothing."""
        return self._history.undo_title

    @property
    def redo_title(self) -> str | None:
        """The title of the step that `redo` would do again; ``None`` for nothing."""
        return self._history.redo_title

    @property
    def history(self) -> list[Entry]:
        """The newest hundred steps, newest first."""
        return self._history.entries()

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Make everything in the block one transaction and one step of undo."""
        with self._history.command(title):
            yield

    @property
    def steps(self) -> Steps:
        """What is written a little at a time; see `ais_app.state.steps`."""
        return self._history.steps

    def check(self) -> list[str]:
        """Return what is wrong with the file, in words; empty when nothing is. Reads all of it."""
        return check.problems(self._database)
