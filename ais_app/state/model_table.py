"""The networks a project uses: files beside it, found again like tomograms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ais_app.core.errors import FileProblem, ProjectProblem
from ais_app.state import links
from ais_app.state.history import History
from ais_app.state.records import ModelEntry


def entries(history: History, folder: Path) -> list[ModelEntry]:
    """Return all models; the path is where each is now, or where it was last seen."""
    found = []
    for id, name, relative, last_seen, mark in history.database.rows(
        "SELECT id, name, path, last_seen, fingerprint FROM model ORDER BY id"
    ):
        path = links.locate(links.Link(relative, last_seen, mark), folder)
        found.append(ModelEntry(id, name, path or Path(last_seen), mark))
    return found


def add(history: History, folder: Path, path: Path, name: str | None = None) -> ModelEntry:
    """Add a model file; the same content again changes nothing and returns its entry.

    A file that was written anew, as by a training that went on, keeps its entry.

    Raises
    ------
    FileProblem
        There is no such file.
    """
    if not path.exists():
        raise FileProblem(path, "no such file", "check the name")
    link = links.make_link(path, folder)
    there = entries(history, folder)
    for known in there:
        if known.fingerprint == link.fingerprint:
            return known
    for known in there:
        if known.path == path.resolve():
            with history.command(f"Renew model {known.name}"):
                history.put("model", (known.id,), (known.name, link.relative, link.last_seen, link.fingerprint))
            return replace(known, fingerprint=link.fingerprint)
    name = name or path.stem
    with history.command(f"Add model {name}"):
        id = history.insert("model", (name, link.relative, link.last_seen, link.fingerprint))
    return ModelEntry(id, name, path.resolve(), link.fingerprint)


def remove(history: History, model: ModelEntry) -> None:
    """Take a model out of the project; its file stays.

    Raises
    ------
    ProjectProblem
        It is not in the project.
    """
    if history.get("model", (model.id,)) is None:
        raise ProjectProblem(f"model {model.name}", "is not in the project", "it was removed: undo brings it back")
    with history.command(f"Remove model {model.name}"):
        history.put("model", (model.id,), None)
