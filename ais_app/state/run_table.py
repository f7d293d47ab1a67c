"""The trainings of a project: what each was started with, and what came of it. Not part of the history."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem, ProjectProblem
from ais_app.state import links
from ais_app.state.database import Database
from ais_app.state.json_text import from_text, to_finite_text
from ais_app.state.records import RUN_STATES, Run, named

_PROCESS = secrets.token_hex(8)  # tells this process from an earlier one of the same number
_COLUMNS = (
    "id", "name", "state", "created", "feature", "parameters", "scores", "model_path", "model_last_seen",
    "model_fingerprint", "checkpoint_path", "checkpoint_last_seen", "parent", "message", "process",
)  # fmt: skip
FIELDS = ("name", "state", "message", "feature", "parameters", "scores", "model", "checkpoint", "parent")


def entries(database: Database, folder: Path) -> list[Run]:
    """Return all runs in the order in which they were started."""
    return [_run(database, folder, row) for row in database.rows(f"SELECT {', '.join(_COLUMNS)} FROM run ORDER BY id")]


def find(database: Database, folder: Path, which: int | Run) -> Run:
    """Return a run as it is now.

    Raises
    ------
    ProjectProblem
        It is not in the project.
    """
    wanted = which.id if isinstance(which, Run) else int(which)
    for row in database.rows(f"SELECT {', '.join(_COLUMNS)} FROM run WHERE id = ?", (wanted,)):
        return _run(database, folder, row)
    known = named(str(id) for (id,) in database.rows("SELECT id FROM run ORDER BY id")) or "none yet"
    raise ProjectProblem(f"run {wanted}", "is not in the project", f"there are: {known}")


def add(database: Database, folder: Path, fields: dict[str, Any]) -> int:
    """Add a run and return its id; `fields` as in `update`."""
    cells = _cells(folder, {"state": "training", "message": "", "parameters": None, "scores": {}, **fields})
    names, marks = ", ".join(cells), ", ".join("?" * len(cells))
    with database.transaction():
        now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
        statement = f"INSERT INTO run ({names}, created) VALUES ({marks}, {now})"
        return database.execute(statement, tuple(cells.values()))


def update(database: Database, folder: Path, run: Run, fields: dict[str, Any]) -> None:
    """Change some of `FIELDS` of a run.

    Raises
    ------
    ParameterProblem
        A field is not known, or cannot have this value.
    FileProblem
        The model is not there.
    """
    cells = _cells(folder, fields)
    if cells:
        assignments = ", ".join(f"{name} = ?" for name in cells)
        with database.transaction():
            database.execute(f"UPDATE run SET {assignments} WHERE id = ?", (*cells.values(), run.id))


def remove(database: Database, run: Run) -> None:
    """Forget a run; its files stay, and those that went on from it have no parent."""
    with database.transaction():
        database.execute("UPDATE run SET parent = NULL WHERE parent = ?", (run.id,))
        database.execute("DELETE FROM run WHERE id = ?", (run.id,))


def _cells(folder: Path, fields: dict[str, Any]) -> dict[str, Any]:
    """Return columns of the table with their values."""
    cells: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in FIELDS:
            raise ParameterProblem("run", f"has no {name}", f"there are: {', '.join(FIELDS)}")
        if name in ("parameters", "scores"):
            cells[name] = to_finite_text(value, f"{name} of a run")
        elif name in ("model", "checkpoint"):
            cells |= _place(folder, name, value)
        else:
            cells[name] = value
    if "name" in cells and not str(cells["name"]).strip():
        raise ParameterProblem("run", "has no name", "give it one")
    if "state" in cells:
        if cells["state"] not in RUN_STATES:
            raise ParameterProblem("run", f"cannot be {cells['state']!r}", f"choose {', '.join(RUN_STATES)}")
        cells["process"] = _PROCESS if cells["state"] == "training" else None
    return cells


def _place(folder: Path, name: str, path: str | Path | None) -> dict[str, str | None]:
    if path is None:
        return {
            f"{name}_path": None,
            f"{name}_last_seen": None,
            **({"model_fingerprint": None} if name == "model" else {}),
        }
    path = Path(path)
    if name == "checkpoint":  # written again and again, and not there yet when the run starts
        return {"checkpoint_path": links.relative_to(path, folder), "checkpoint_last_seen": str(path.resolve())}
    if not path.exists():
        raise FileProblem(path, "no such file", "check the name")
    link = links.make_link(path, folder)
    return {"model_path": link.relative, "model_last_seen": link.last_seen, "model_fingerprint": link.fingerprint}


def _run(database: Database, folder: Path, row: tuple[Any, ...]) -> Run:
    cell = dict(zip(_COLUMNS, row, strict=True))
    return Run(
        id=cell["id"],
        name=cell["name"],
        state=_state(database, cell["state"], cell["process"]),
        created=cell["created"],
        feature=cell["feature"],
        parameters=from_text(cell["parameters"], database.path, "run"),
        scores=from_text(cell["scores"], database.path, "run"),
        model=_found(folder, cell["model_path"], cell["model_last_seen"], cell["model_fingerprint"]),
        model_fingerprint=cell["model_fingerprint"] or "",
        checkpoint=_found(folder, cell["checkpoint_path"], cell["checkpoint_last_seen"], None),
        parent=cell["parent"],
        message=cell["message"],
    )


def _state(database: Database, state: str, process: str | None) -> str:
    """Return the state, and ``"interrupted"`` for what another process trained before this one could write."""
    is_left = state == "training" and process != _PROCESS and not database.read_only
    return "interrupted" if is_left else state


def _found(folder: Path, relative: str | None, last_seen: str | None, fingerprint: str | None) -> Path | None:
    """Return where a file is now, or where it was last seen."""
    if relative is None or last_seen is None:
        return None
    link = links.Link(relative, last_seen, fingerprint or "")
    if fingerprint is None:  # a checkpoint changes: it goes by its name alone
        return next((place.resolve() for place in links.places(link, folder) if place.exists()), Path(last_seen))
    return links.locate(link, folder) or Path(last_seen)
