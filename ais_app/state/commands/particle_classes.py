"""Commands on the classes of particles: rename, remove; of the whole project, whatever the gallery shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ais_app.core.errors import ParameterProblem
from ais_app.state.gallery_groups import call_otherwise
from ais_app.state.gallery_table import STACKS
from ais_app.state.log import command
from ais_app.state.particle_classes import CLASS, DOCUMENT, classes

if TYPE_CHECKING:
    from ais_app.state.project import Project
    from ais_app.state.session import Session


@command("Rename class {name}: {to}")
def rename(session: Session, name: str, to: str) -> int:
    """Give a class another name, as one step of undo; return how many particles are of it.

    Raises
    ------
    ParameterProblem
        There is no such class, the new name is empty, or another class has it.
    """
    known, to = _known(session.project, name), to.strip()
    if not to:
        raise ParameterProblem("class", "has no name", "give it one")
    if to != name and to in known:
        remedy = f"to join them, select all of {name} and set their class"
        raise ParameterProblem("class", f"there is one called {to} already", remedy)
    with session.project.group(f"Rename class {name}: {to}"):
        fresh = {to if each == name else each: colour for each, colour in known.items()}
        session.project.set_document(DOCUMENT, fresh)
        count = _replace(session.project, name, to)
    _follow(session, name, to)
    return count


@command("Remove class {name}")
def remove(session: Session, name: str) -> int:
    """Remove a class, as one step of undo; return how many particles were of it. They stay, and are of none.

    Raises
    ------
    ParameterProblem
        There is no such class.
    """
    known = _known(session.project, name)
    with session.project.group(f"Remove class {name}"):
        rest = {each: colour for each, colour in known.items() if each != name}
        session.project.set_document(DOCUMENT, rest or None)
        count = _replace(session.project, name, "")
    _follow(session, name, None)
    return count


def _known(project: Project, name: str) -> dict[str, str]:
    known = classes(project)
    if name not in known:
        raise ParameterProblem("class", f"there is none called {name}", f"there are: {', '.join(known) or 'none'}")
    return known


def _replace(project: Project, name: str, to: str) -> int:
    """Put another name, or none, wherever a class is named: at picks, rows of stacks and clusters; within a group."""
    count = 0
    for pick_set in project.pick_sets:
        store = project.pick_store(pick_set)
        picks = store.read()
        given = picks.columns.get(CLASS, [])
        chosen = [id for id, each in zip(picks.ids.tolist(), given, strict=False) if each == name]
        if chosen:
            store.change(chosen, columns={CLASS: [to or None] * len(chosen)})
        count += len(chosen)
    for document in project.document_names(STACKS):
        content = project.document(document)
        marked = content.get(CLASS) if isinstance(content, dict) else None
        if isinstance(marked, dict) and name in marked:
            count += len(marked[name])
            fresh = {to if each == name else each: rows for each, rows in marked.items() if to or each != name}
            project.set_document(document, {**content, CLASS: fresh})
    call_otherwise(project, name, to)
    return count


def _follow(session: Session, name: str, to: str | None) -> None:
    """Let a gallery that shows only one class go on to show it."""
    gallery = session.gallery
    if gallery.look.of_class == name:
        gallery.set_look(replace(gallery.look, of_class=to))
