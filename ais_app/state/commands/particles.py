"""Commands of the Particles tab: what is shown, reject and keep, classes, negatives for training, where one is.

Rows are those of `session.gallery.table`: the particles of the source in the order in which they were picked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import ParameterProblem
from ais_app.state import particle_classes
from ais_app.state.chosen_particles import Chosen
from ais_app.state.commands import tomograms
from ais_app.state.gallery import BoxChoice
from ais_app.state.gallery_look import check_look
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.log import CommandLine, command
from ais_app.state.particle_places import voxels_of
from ais_app.state.session import Session

if TYPE_CHECKING:
    from ais_app.state.records import Feature, TomogramEntry

SMALLEST_BOX = 4  # voxels: an edge of a training box
LARGEST_BINNING, SMALLEST_EDGE, LARGEST_EDGE = 16, 8, 128


@command("Show the particles {name}")
def show_picks(session: Session, name: str = "", feature: str | None = None, tomograms: Sequence[int] = ()) -> int:
    """Show the picks of the sets of a name, or of all sets of a feature; return how many there are.

    Parameters
    ----------
    name
        Of the sets, which may be on several tomograms.
    feature
        Instead of a name.
    tomograms
        Ids; all tomograms when empty.

    Raises
    ------
    ParameterProblem
        Neither is given.
    """
    if not name and feature is None:
        raise ParameterProblem("particles", "neither a set of picks nor a feature is named", "name one")
    id = None if feature is None else session.project.feature(feature).id
    session.gallery.show(PickSource(name, id, tuple(tomograms)))
    return len(session.gallery.table)


@command("Open the subtomograms {path}")
def open_stack(session: Session, path: str | Path) -> int:
    """Show the particles of a stack of subtomograms; return how many there are.

    Raises
    ------
    FileProblem
        It is none, or cannot be read.
    """
    show_stack(session, read_stack(Path(path)))
    return len(session.gallery.table)


def read_stack(path: Path) -> tuple[Path, tuple[Any, ...], int]:
    """Return what `show_stack` takes; any thread may read it."""
    from ais_app.core.particles.stack import SubtomogramStack

    stack = SubtomogramStack.open(path)
    known, edge = stack.particles, int(stack.cubes.shape[1])
    names = tuple(str(name) for name in known.tomograms)
    return path.resolve(), (names, known.positions_zyx, known.scores, stack.voxel_size, edge), edge


def show_stack(session: Session, read: tuple[Path, tuple[Any, ...], int]) -> None:
    """Show a stack that was read."""
    path, content, edge = read
    session.gallery.show(StackSource(path), content, edge)


def note_stack(session: Session, path: Path) -> None:
    """Note a stack that was read off the main thread, as the `open_stack` that does the same."""
    line = f"commands.particles.open_stack(session, {str(path)!r})"
    session.log.note(CommandLine(f"Open the subtomograms {path}", line))


@command("Show particles: {fields}")
def change_look(session: Session, **fields: Any) -> None:
    """Change axis, depth, size, contrast, invert, sort, descending, shown, of_class or of_cluster; see `GalleryLook`.

    Raises
    ------
    ParameterProblem
        A value is not known.
    """
    check_look(fields)
    session.gallery.set_look(replace(session.gallery.look, **fields))


@command("Cut cubes of {edge} voxels, binned {binning}")
def set_box(session: Session, edge: int | None = None, binning: int | None = None) -> BoxChoice:
    """Choose the edge of the cubes, in voxels after binning, and the binning; ``None`` leaves that as it is."""
    now = session.gallery.box
    chosen = BoxChoice(
        now.edge if edge is None else min(max(int(edge) // 2 * 2, SMALLEST_EDGE), LARGEST_EDGE),
        now.binning if binning is None else min(max(int(binning), 1), LARGEST_BINNING),
    )
    session.gallery.set_box(chosen)
    return chosen


def select(session: Session, rows: Iterable[int] | np.ndarray, current: int | None = None) -> None:
    """Select rows and no others."""
    session.gallery.select(np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), dtype=np.int64), current)


# reject and keep


def reject(session: Session, rows: Sequence[int] | np.ndarray) -> int:
    """Reject particles, as one step of undo; return how many that changed. They stay where they are, marked."""
    return _set_rejected(session, rows, True, "reject")


def keep(session: Session, rows: Sequence[int] | np.ndarray) -> int:
    """Take the rejection of particles back, as one step of undo; return how many that changed."""
    return _set_rejected(session, rows, False, "keep")


def _set_rejected(session: Session, rows: Sequence[int] | np.ndarray, value: bool, name: str) -> int:
    gallery = session.gallery
    changing = _checked(session, rows)
    changing = changing[gallery.table.rejected[changing] != value]
    if not len(changing) or gallery.source is None:
        return 0
    title = f"{name.capitalize()} {_count(len(changing))}"
    with session.project.group(title):
        Chosen(gallery.source, gallery.table, changing).set_rejected(session.project, value)
    _note(session, title, name, changing)
    return len(changing)


# classes


def set_class(session: Session, rows: Sequence[int] | np.ndarray, name: str) -> int:
    """Say of which class particles are, as one step of undo; return how many. An empty name takes the class away.

    A class that is new gets the next colour of the sequence.
    """
    return set_classes(session, rows, [name.strip()] * len(rows))


def set_classes(session: Session, rows: Sequence[int] | np.ndarray, names: Sequence[str]) -> int:
    """Give each of the rows a class of its own, as one step of undo; return how many changed."""
    gallery, given = session.gallery, list(names)
    checked = _checked(session, rows)
    if gallery.source is None:
        return 0
    changed, given = give_classes(session, Chosen(gallery.source, gallery.table, checked), given)
    known = list(dict.fromkeys(name for name in given if name))
    if len(changed) and len(known) <= 1:
        _note(session, class_title(given), "set_class", changed.rows, repr(known[0] if known else ""))
    elif len(changed):
        _note(session, class_title(given), "set_classes", changed.rows, repr(given))
    return len(changed)


def give_classes(session: Session, chosen: Chosen, names: Sequence[str]) -> tuple[Chosen, list[str]]:
    """Give particles classes, whatever the gallery shows, as one step of undo; return those that changed, and theirs.

    Nothing is noted: how it is said again depends on who asks.
    """
    given = np.array(list(names), dtype=object)
    differs = chosen.table.classes[chosen.rows] != given if len(chosen) else np.zeros(0, dtype=bool)
    changing, fresh = chosen.part(differs), given[differs].tolist()
    if len(changing):
        with session.project.group(class_title(fresh)):
            for name in dict.fromkeys(name for name in fresh if name):
                particle_classes.ensure_class(session.project, name)
            changing.set_classes(session.project, fresh)
    return changing, fresh


def class_title(names: Sequence[str]) -> str:
    """Return what giving particles these classes is called."""
    known = list(dict.fromkeys(name for name in names if name))
    return f"Class of {_count(len(names))}: {', '.join(known) or 'none'}"


@command("Colour of class {name}: {colour}")
def recolour_class(session: Session, name: str, colour: str) -> None:
    """Give a class another colour, ``#rrggbb``."""
    from ais_app.core.display.colours import rgb

    rgb(colour)
    known = particle_classes.classes(session.project)
    if name not in known:
        raise ParameterProblem("class", f"there is none called {name}", f"there are: {', '.join(known) or 'none'}")
    session.project.set_document(particle_classes.DOCUMENT, {**known, name: colour})


# what follows from them


@command("Rejected particles are background for {feature}")
def rejected_to_negatives(session: Session, feature: str) -> int:
    """Place boxes at the rejected particles that teach the next training of a feature what it is not.

    The boxes belong to a feature ``not NAME``, made where it is missing, which a training takes as background; each
    is as large as a particle. All of it is one step of undo. Return how many boxes are new.

    Raises
    ------
    ParameterProblem
        None is rejected, or none lies in a tomogram of the project.
    """
    project, table = session.project, session.gallery.table
    of = project.feature(feature)
    rows = np.flatnonzero(table.rejected & (table.tomograms >= 0))
    if not len(rows):
        raise ParameterProblem("negatives", "no particle is rejected", "select some and press R first")
    name, placed = f"not {of.name}", 0
    with project.group(f"Rejected particles are background for {of.name}"):
        known = {each.name: each for each in project.features}
        target = known.get(name) or project.add_feature(name, box_size=of.box_size)
        for tomogram in np.unique(table.tomograms[rows]).tolist():
            here = rows[table.tomograms[rows] == tomogram]
            placed += _place(session, project.tomogram(tomogram), target, here)
    return placed


def _place(session: Session, entry: TomogramEntry, target: Feature, rows: np.ndarray) -> int:
    """Place boxes where there is none yet; return how many."""
    project, table = session.project, session.gallery.table
    centres, inside = voxels_of(entry, table.positions_zyx[rows])
    edge = max(SMALLEST_BOX, round(table.diameter / float(np.mean(entry.require_voxel_size_zyx()[1:]))))
    there = {tuple(round(at) for at in box.centre_zyx) for box in project.boxes(entry, target)}
    fresh = [(z, y, x) for z, y, x in centres[inside].tolist() if (int(z), int(y), int(x)) not in there]
    project.add_boxes(entry, target, [Box(centre, edge) for centre in dict.fromkeys(fresh)])
    return len(dict.fromkeys(fresh))


@command("Go to particle {row}")
def go_to(session: Session, row: int) -> None:
    """Show the place of a particle in the slices of the Annotate tab.

    Raises
    ------
    ParameterProblem
        Its tomogram is not in the project.
    """
    table = session.gallery.table
    (place,) = _checked(session, [row])
    tomogram = int(table.tomograms[place])
    if tomogram < 0:
        name = table.names[place] or "that it was cut from"
        raise ParameterProblem("particle", f"the tomogram {name} is not in the project", "add it, then try again")
    sizes = np.array(session.project.tomogram(tomogram).require_voxel_size_zyx())
    z, y, x = np.round(table.positions_zyx[place] / sizes).astype(int).tolist()
    tomograms.show(session, tomogram)
    tomograms.go_to(session, z, y, x)
    session.view.tab = "annotate"


def _checked(session: Session, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    count, chosen = len(session.gallery.table), np.asarray(rows, dtype=np.int64).reshape(-1)
    if len(chosen) and not (chosen.min() >= 0 and chosen.max() < count):
        raise ParameterProblem("particles", f"there are {count:,}, and no row {chosen.max()}", "rows count from 0")
    return chosen


def _note(session: Session, title: str, name: str, rows: np.ndarray, *others: str) -> None:
    given = ", ".join(["session", str(rows.tolist()), *others])
    session.log.note(CommandLine(title, f"commands.particles.{name}({given})"))


def _count(number: int) -> str:
    return f"{number:,} particle{'s' * (number != 1)}"
