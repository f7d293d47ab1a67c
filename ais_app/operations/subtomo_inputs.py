"""What the operations on stacks read: the particles that take part, and maps that are made to fit their cubes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import AisAppError, DataWarning
from ais_app.core.particles.choice import ParticleChoice, chosen_rows, rows_text, without_empty
from ais_app.core.particles.fit_map import fitted_map, share_inside
from ais_app.core.particles.halves_references import check_mask
from ais_app.core.particles.labels import NO_CLASS, class_names_of, joined_labels, labels_of, save_labels, write_labels
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.operations.density_maps import read_density
from ais_app.operations.subtomo_outputs import kept_copy, open_stack

STARTING_CLASSES = "starting_classes.csv"
_MOST = 0.5  # of a map's power: where less lies in the box, it is hardly the map of one particle
_VOXEL_SIZE = "ais-app convert --voxel-size"
_LONGEST = 40  # letters of a choice in the name of a class
_SORTED = re.compile(r"(class \d+(?:\.\d+)*)( of .+)?")  # names of classes that were made by sorting


def open_particles(
    path: str | Path, tilt: str | None, poses: str | Path | None, choice: ParticleChoice | None
) -> SubtomogramStack:
    """Open the particles of a stack that are chosen, without empty ones, which are warned of; see `open_stack`.

    Raises
    ------
    ParameterProblem
        None is chosen, or a class or number is not there.
    """
    stack = open_stack(path, tilt, poses)
    if choice:
        stack = stack.subset(chosen_rows(stack, choice))
    return without_empty(stack)


def recorded_choice(stack: SubtomogramStack, choice: ParticleChoice | None) -> ParticleChoice | None:
    """Return a choice as its provenance says it: by numbers, for classes change."""
    return ParticleChoice(rows=rows_text(stack.rows)) if choice else None


def choice_notes(choice: ParticleChoice | None) -> dict[str, Any]:
    """Return what provenance says of a choice beside the numbers: the classes that a person named."""
    return {"of_class": list(choice.of_class)} if choice and choice.of_class else {}


def replace_labels(
    stack: SubtomogramStack,
    labels: np.ndarray,
    names: Sequence[str],
    folder: Path,
    choice: ParticleChoice | None,
) -> Path | None:
    """Keep classes in the folder of a stack, and those that they replace as a table beside the outputs.

    Parameters
    ----------
    stack
        As `open_particles` opened it.
    labels, names
        Of its particles. Where they were chosen, the others keep their classes, and the names say what was chosen:
        ``class 1 of p97``, and where that is sorted again ``class 1.1 of p97``.
    folder
        Of the outputs. A table with other classes stays: this one is then called ``…_2``, and so on.
    choice
        Of the particles.

    Returns
    -------
    Path or None
        The table; none where the stack had no classes.
    """
    assert stack.path is not None  # it was opened
    whole = SubtomogramStack.open(stack.path)
    kept = _kept_labels(whole, folder / STARTING_CLASSES)
    if choice:
        labels, names = joined_labels(whole, stack.rows, labels, _names_among(whole, names, choice))
    elif len(stack) < len(whole):
        every = np.full(len(whole), NO_CLASS, np.int64)
        every[stack.rows] = labels
        labels = every
    save_labels(stack.path, labels, names)
    return kept


def _names_among(stack: SubtomogramStack, names: Sequence[str], choice: ParticleChoice) -> list[str]:
    """Return names of classes of chosen particles: ``class 2 of p97``, and of its own classes ``class 2.1 of p97``."""
    _, known = labels_of(stack)
    called = tuple(name if name in known else known[int(name) - 1] for name in map(str, choice.of_class))
    if len(called) == 1 and (before := _SORTED.fullmatch(called[0])):
        return [f"{before[1]}.{number}{before[2] or ''}" for number in range(1, len(names) + 1)]
    words = replace(choice, of_class=called).words
    return [f"{name} of {words if len(words) <= _LONGEST else 'some'}" for name in names]


def replaced_line(table: Path | None) -> list[str]:
    """Return what to tell a person whose classes were replaced."""
    return [] if table is None else [f"the classes that the stack had are in {table}"]


def _kept_labels(stack: SubtomogramStack, place: Path) -> Path | None:
    if stack.classes is None:
        return None
    table = write_labels(place.with_name(f".{place.name}"), stack.classes, class_names_of(stack))
    try:
        return kept_copy(table, place)
    finally:
        table.unlink()


def read_reference(path: str | Path | None, stack: SubtomogramStack) -> np.ndarray | None:
    """Return a map to align to, brought to the cubes of a stack, (e, e, e) float32; nothing where no path is given.

    One with most of its density outside the cubes is warned of.

    Raises
    ------
    AisAppError
        It cannot be read, holds values that are no numbers, or its voxel size is not known.
    """
    if path is None:
        return None
    with _called("reference", path):
        own, size = read_density(path, option=_VOXEL_SIZE)
        density = fitted_map(own, size, stack.edge, stack.voxel_size)
        warn_of_outside(path, own, size, stack)
        return density


def read_mask(path: str | Path | None, stack: SubtomogramStack) -> np.ndarray | None:
    """Return a mask, 0 to 1, brought to the cubes of a stack, (e, e, e) float32; nothing where no path is given.

    Raises
    ------
    AisAppError
        It cannot be read, holds values that are not 0 to 1, or its voxel size is not known.
    """
    if path is None:
        return None
    with _called("mask", path):
        own, size = read_density(path, option=_VOXEL_SIZE)
        check_mask(own)
        return np.clip(fitted_map(own, size, stack.edge, stack.voxel_size, background=0), 0, 1)


def warn_of_outside(path: str | Path, density: np.ndarray, voxel_size: float, stack: SubtomogramStack) -> None:
    """Warn of a map that hardly lies in the cubes of a stack: such as a whole tomogram."""
    width = stack.edge * stack.voxel_size
    if (share := share_inside(density, voxel_size, width)) < _MOST:
        text = f"{path}: only {100 * share:.0f} % of its density lies in the box of the particles, {width:.0f} Å wide"
        warnings.warn(DataWarning(f"{text}; give the map of one particle, or extract larger boxes"), stacklevel=3)


@contextmanager
def _called(what: str, path: str | Path) -> Iterator[None]:
    """Let problems with a map say which one it is, and its file."""
    try:
        yield
    except AisAppError as error:
        raise type(error)(f"{what} {path}", error.problem, error.remedy) from error
