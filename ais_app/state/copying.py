"""Another place for a project: a whole copy whose paths are right in its new folder, with the history."""

from __future__ import annotations

import json
import secrets
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

from ais_app.core.errors import DataWarning
from ais_app.core.files import replacing
from ais_app.state import links
from ais_app.state.database import Database, refuse_existing

DRAFT = "draft"  # name of the display setting of a project that has not been given a place yet

_PLACES = (("tomogram", ""), ("model", ""), ("run", "model_"), ("run", "checkpoint_"))  # table, start of its columns
_LINK = ("path", "last_seen", "fingerprint")


def draft_path(folder: Path) -> Path:
    """Return a name in `folder` that no other draft has, whoever makes one at the same time."""
    return folder / f"untitled-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}.aisproj"


def copy(database: Database, folder: Path, path: Path) -> None:
    """Write a copy of a project that is in `folder`, whole or not at all; see `Project.save_copy`.

    Raises
    ------
    FileProblem
        There is a file of that name, or it cannot be written.
    ProjectProblem
        A change is under way.
    """
    refuse_existing(path)
    _copy_averages(database.path, path)  # first: where they cannot be written, no project is in the way of another try
    with replacing(path) as part:
        database.copy_to(part)
        copied = Database(part, read_only=False)
        try:
            with copied.transaction():
                _move_paths(copied, folder, path.resolve().parent)
                copied.execute("DELETE FROM display WHERE name = ?", (DRAFT,))
        finally:
            copied.close()


def particles_folder(path: Path) -> Path:
    """Return where the particles of a project at `path` are: cubes, lists, the newest averages."""
    return path.with_name(f"{path.stem}_particles")


def _copy_averages(old: Path, new: Path) -> None:
    """Take the newest averages of the particles of a project along to its copy; cubes can be cut again."""
    for average in sorted(particles_folder(old).glob("*_average.npz")):
        with replacing(particles_folder(new) / average.name) as part:
            shutil.copyfile(average, part)


def remove_draft(path: Path) -> None:
    """Remove the file of a draft that lives on elsewhere."""
    try:
        path.unlink()
    except OSError as error:  # Windows keeps a file that somebody reads
        text = f"{path}: the draft could not be removed ({error.strerror}); it may be deleted"
        warnings.warn(DataWarning(text), stacklevel=3)


def _move_paths(database: Database, old: Path, new: Path) -> None:
    for table, start in _PLACES:
        mark = "''" if start == "checkpoint_" else f"{start}fingerprint"
        columns = f"id, {start}path, {start}last_seen, {mark}"
        for id, *link in database.rows(f"SELECT {columns} FROM {table} WHERE {start}path IS NOT NULL"):
            moved = _moved(links.Link(*link), old, new)
            database.execute(f"UPDATE {table} SET {start}path = ? WHERE id = ?", (moved, id))
    # states that undo can bring back hold paths as well
    images = "SELECT command, number, image FROM change WHERE kind IN ('tomogram', 'model') AND image IS NOT NULL"
    for command, number, image in database.rows(images):
        state = _state(image)
        if state is not None:
            state["path"] = _moved(links.Link(*(state[name] for name in _LINK)), old, new)
            update = "UPDATE change SET image = ? WHERE command = ? AND number = ?"
            database.execute(update, (json.dumps(state).encode(), command, number))


def _state(image: bytes) -> dict[str, Any] | None:
    """Return a stored row, or ``None`` for what undo will refuse anyway."""
    try:
        state = json.loads(image)
    except ValueError:
        return None
    is_whole = isinstance(state, dict) and all(isinstance(state.get(name), str) for name in _LINK)
    return state if is_whole else None


def _moved(link: links.Link, old: Path, new: Path) -> str:
    """Return the path as seen from the new folder: of where the file is, else of where it should be."""
    beside, last = links.places(link, old)
    if link.fingerprint:
        place = links.locate(link, old) or beside
    else:
        place = last if last.exists() and not beside.exists() else beside
    return links.relative_to(place, new)
