"""The project: one file that holds what a person does; everything else reads from it and writes through it.

    with Project.open("P.aisproj") as project:
        labels = project.labels("TS_01", "membrane")
        labels.apply(brush.disk(labels, [(20, 100, 100), (20, 140, 120)], radius=4))
        project.undo()

Each call that changes something is one transaction and one step of undo, and is announced through `Project.events`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.labels import TILE
from ais_app.core.errors import DataWarning, FileProblem
from ais_app.core.io import create_volume
from ais_app.core.tomogram import ZYX, Tomogram
from ais_app.state import ais_import, box_table, check, feature_table, label_files, model_table, tomogram_table
from ais_app.state.database import Database
from ais_app.state.events import ProjectEvents
from ais_app.state.history import Entry, History
from ais_app.state.labels import LabelStore, LabelVolume
from ais_app.state.lock import ProjectLock
from ais_app.state.records import Feature, ModelEntry, TomogramEntry

WhichTomogram = str | int | TomogramEntry
WhichFeature = str | int | Feature


def _open_file(path: Path, read_only: bool) -> tuple[Database, ProjectLock | None]:
    """Open a project file, for writing where that is wanted and possible."""
    if not path.is_file():
        raise FileProblem(path, "no such project", "make one with: ais-app project create")
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


class Project:
    """An open project; make one with `Project.create` or `Project.open`.

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
        self.path = path
        self.folder = path.resolve().parent
        self.read_only = database.read_only
        self.events = ProjectEvents()
        self._database, self._lock = database, lock
        self._history = History(database, self.events.announce)

    @classmethod
    def create(cls, path: str | Path) -> Project:
        """Make a new, empty project and open it.

        Raises
        ------
        FileProblem
            The file exists already, or the folder cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise FileProblem(path, "exists already", "choose another name, or open it")
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

    def close(self) -> None:
        """Close the file; nothing is left beside it. Everything is in it already."""
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

    def tomogram(self, which: WhichTomogram) -> TomogramEntry:
        """Return a tomogram by its name or id, or raise `ProjectProblem` with the known names."""
        return tomogram_table.find_entry(self._history, which)

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
        if not Path(folder).is_dir():
            raise FileProblem(folder, "no such folder", "give the folder the tomograms are in now")
        found = tomogram_table.relink(self._history, self.folder, Path(folder))
        if any(found.values()):
            self.events.tomograms.emit()
        return found

    # features

    @property
    def features(self) -> list[Feature]:
        """The features in the order in which they were added."""
        return feature_table.entries(self._history)

    def feature(self, which: WhichFeature) -> Feature:
        """Return a feature by its name or id, or raise `ProjectProblem` with the known names."""
        return feature_table.find(self._history, which)

    def add_feature(self, name: str, colour: str | None = None, box_size: int = feature_table.BOX_SIZE) -> Feature:
        """Add a feature; without a `colour` (``#rrggbb``) it gets the next of a colour-blind-safe sequence."""
        return feature_table.add(self._history, name, colour, box_size)

    def change_feature(
        self, which: WhichFeature, name: str | None = None, colour: str | None = None, box_size: int | None = None
    ) -> Feature:
        """Rename or recolour a feature, or set the size of its boxes in voxels."""
        return feature_table.change(self._history, self.feature(which), name=name, colour=colour, box_size=box_size)

    def remove_feature(self, which: WhichFeature) -> None:
        """Remove a feature with its labels and boxes."""
        feature_table.remove(self._history, self.feature(which))

    # labels

    def labels(self, tomogram: WhichTomogram, feature: WhichFeature) -> LabelStore:
        """Return the labels of a feature in a tomogram, to read and to edit."""
        return LabelStore(self._history, self.tomogram(tomogram), self.feature(feature))

    def label_volume(self, tomogram: WhichTomogram, feature: WhichFeature) -> Tomogram:
        """Return the labels as a lazy uint8 volume on the tomogram's grid, with its voxel size and origin."""
        store = self.labels(tomogram, feature)
        entry = store.tomogram
        return Tomogram(LabelVolume(store), entry.voxel_size_zyx, entry.origin_zyx, entry.nstart_zyx)

    def import_labels(
        self,
        tomogram: WhichTomogram,
        feature: WhichFeature,
        volume: str | Path | np.ndarray,
        slices: Sequence[int] | None = None,
        *,
        value: float | None = None,
        threshold: float | None = None,
    ) -> None:
        """Replace labels by those of a volume, as one step of undo.

        Parameters
        ----------
        tomogram, feature
            Whose; a feature that is not there yet is added when given by name.
        volume
            File or array (z, y, x) on the tomogram's grid: labels 0, 1, 2, or a mask of 0 and one other number.
        slices
            z of the slices to take; exactly these become annotated. All when ``None``.
        value
            Take voxels of this number as the feature: for a volume that holds several.
        threshold
            Take voxels of at least this number: for probabilities.

        Raises
        ------
        ParameterProblem
            The shapes differ, a slice lies outside, or the numbers are neither labels nor a mask. Nothing is changed
            then.
        """
        entry = self.tomogram(tomogram)
        with self.group(f"Import {feature.name if isinstance(feature, Feature) else feature} on {entry.name}"):
            store = LabelStore(self._history, entry, self._feature_or_new(feature))
            label_files.import_labels(self._history, store, volume, slices, value=value, threshold=threshold)

    def export_labels(self, tomogram: WhichTomogram, feature: WhichFeature, out: str | Path) -> Path:
        """Write the labels as a volume (int8: 0, 1, 2) that overlays the tomogram; return its path."""
        store = self.labels(tomogram, feature)
        title = f"labels of {store.feature.name}"
        like = self.label_volume(tomogram, feature)
        with create_volume(out, store.shape, np.dtype(np.int8), like=like, label=title) as writer:
            for z in range(0, store.shape[0], TILE[0]):
                slab = store.read((slice(z, z + TILE[0]), slice(None), slice(None)))
                writer.write(z, slab.astype(np.int8))
        return Path(out)

    def import_ais(self, session: str | Path) -> TomogramEntry:
        """Take the features, masks and boxes of an Ais session (``.scns``), as one step of undo; return its tomogram.

        A tomogram that is not in the project yet is added when it lies beside the session, beside the project or
        where the session says. Annotated slices of the session replace those here. Raises `FileProblem` for a file
        that is damaged or holds what no session holds, `ProjectProblem` where the tomogram is not found.
        """
        return ais_import.import_ais(self, Path(session))

    # boxes

    def boxes(self, tomogram: WhichTomogram, feature: WhichFeature) -> list[Box]:
        """Return the boxes of a feature in a tomogram, in the order in which they were placed."""
        return box_table.entries(self._history, self.tomogram(tomogram), self.feature(feature))

    def add_boxes(self, tomogram: WhichTomogram, feature: WhichFeature, boxes: Iterable[Box]) -> list[Box]:
        """Place boxes as one step of undo; return them with their ids."""
        return box_table.add(self._history, self.tomogram(tomogram), self.feature(feature), boxes)

    def remove_boxes(self, boxes: Iterable[Box]) -> None:
        """Remove boxes as one step of undo."""
        box_table.remove(self._history, boxes)

    # networks, the interaction graph, settings

    @property
    def models(self) -> list[ModelEntry]:
        """The networks the project uses."""
        return model_table.entries(self._history, self.folder)

    def add_model(self, path: str | Path, name: str | None = None) -> ModelEntry:
        """Note a network file; the same content again returns its entry."""
        return model_table.add(self._history, self.folder, Path(path), name)

    def remove_model(self, model: ModelEntry) -> None:
        """Take a network out of the project; its file stays."""
        model_table.remove(self._history, model)

    @property
    def interactions(self) -> Any:
        """The interaction graph as JSON-able values; ``None`` when there is none."""
        return self.document("interactions")

    @interactions.setter
    def interactions(self, graph: Any) -> None:
        self.set_document("interactions", graph)

    def document(self, name: str, default: Any = None) -> Any:
        """Return what was stored under a name with `set_document`."""
        row = self._history.get("document", (name,))
        return default if row is None else json.loads(row[0])

    def set_document(self, name: str, content: Any) -> None:
        """Store JSON-able values under a name: display settings, say; ``None`` removes them. Can be undone."""
        row = None if content is None else (json.dumps(content, ensure_ascii=False, allow_nan=False),)
        with self._history.command(f"Change {name}"):
            self._history.put("document", (name,), row)

    # history

    def undo(self) -> str | None:
        """Take back the last step; return its title, or ``None`` when there is nothing to undo."""
        return self._history.undo()

    def redo(self) -> str | None:
        """Do the step again that was taken back last; return its title, or ``None``."""
        return self._history.redo()

    @property
    def history(self) -> list[Entry]:
        """The newest hundred steps, newest first."""
        return self._history.entries()

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Make everything in the block one transaction and one step of undo."""
        with self._history.command(title):
            yield

    def check(self) -> list[str]:
        """Return what is wrong with the file, in words; empty when nothing is. Reads all of it."""
        return check.problems(self._database)

    def _feature_or_new(self, feature: WhichFeature) -> Feature:
        known = [entry.name for entry in self.features]
        if isinstance(feature, str) and feature not in known:
            return self.add_feature(feature)
        return self.feature(feature)
