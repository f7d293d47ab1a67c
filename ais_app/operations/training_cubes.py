"""What networks of subtomograms learn from: the cubes of stacks, with their classes or with masks of their voxels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.labels import NO_CLASS, labels_of, numbered, read_labels
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.stack_files import read_arrays
from ais_app.core.training.cube_parameters import CubeTrainParams


def one_kind(stacks: Sequence[SubtomogramStack]) -> tuple[int, float]:
    """Return the edge and the voxel size that all stacks have."""
    if not stacks:
        raise ParameterProblem("stacks", "none is given", "name a stack, made with ais-app subtomo extract")
    edges = sorted({stack.edge for stack in stacks})
    sizes = sorted({stack.voxel_size for stack in stacks})
    if len(edges) > 1 or sizes[-1] > 1.01 * sizes[0]:
        problem = f"have cubes of {' and '.join(map(str, edges))} voxels of {' and '.join(f'{s:g}' for s in sizes)} Å"
        raise ParameterProblem("stacks", problem, "extract them alike: --box, --voxel-size")
    return edges[0], sizes[0]


def classes_of(
    stacks: Sequence[SubtomogramStack], classes: str | Path | None, column: str | None, *, unlabelled: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the class of every cube, −1 for none, and the names of all classes."""
    count = sum(len(stack) for stack in stacks)
    if unlabelled:
        return np.full(count, NO_CLASS, np.int64), ()
    if classes is not None:
        if len(stacks) > 1:
            raise ParameterProblem(
                "classes", "one table does not suit several stacks", "save the classes in the stacks"
            )
        return read_labels(classes, column, count)
    names: tuple[str, ...] = ()
    parts = []
    for stack in stacks:
        theirs, called = labels_of(stack)
        part, names = numbered([None if label < 0 else called[label] for label in theirs], names)
        parts.append(part)
    return np.concatenate(parts), names


def read_masks(path: str | Path, stacks: Sequence[SubtomogramStack]) -> np.ndarray:
    """Return the labels of the voxels of a stack's cubes, (n, e, e, e), in the order of the cubes.

    Parameters
    ----------
    path
        A stack, such as the ``_masks.zarr`` of `subtomo_segment`, or ``.npz`` with an array ``masks``, such as the
        ``_truth.npz`` of `subtomo_simulate`.
    stacks
        One: the one whose particles it marks.

    Raises
    ------
    ParameterProblem
        There are several stacks, or cubes of another number or size.
    FileProblem
        The file cannot be read.
    """
    path = Path(path)
    if len(stacks) > 1:
        raise ParameterProblem("masks", "one file does not suit several stacks", "give one stack")
    if path.suffix == ".npz":
        (masks,) = read_arrays(path, ("masks",), "masks", "give the _truth.npz of subtomo simulate, or a stack")
    else:
        masks = SubtomogramStack.open(path).read()
    wanted = (len(stacks[0]), *(stacks[0].edge,) * 3)
    if masks.shape != wanted:
        shapes = [f"{shape[0]:,} cubes of {' × '.join(map(str, shape[1:]))}" for shape in (masks.shape, wanted)]
        raise ParameterProblem("masks", f"{path} has {shapes[0]}, the stack {shapes[1]}", "give masks of these cubes")
    return masks


def contrast_in_tomograms(stack: SubtomogramStack) -> int:
    """Return −1 where particles are dark in the tomograms that the cubes are from, +1 where they are bright."""
    return -1 if stack.notes.get("extracted_with", {}).get("dark", True) else 1


def held_out_tomograms(stacks: Sequence[SubtomogramStack], labels: np.ndarray, params: CubeTrainParams) -> np.ndarray:
    """Choose whole tomograms, about as many cubes as the share, without taking all of a class.

    What one tomogram shares with itself (thickness, defocus, alignment) then does not count as knowledge.
    """
    names = np.concatenate([np.asarray(stack.particles.tomograms, dtype=object) for stack in stacks])
    order = np.random.default_rng((params.seed, 2)).permutation(np.array(sorted(set(names.tolist())), dtype=object))
    out = np.zeros(len(names), bool)
    for name in order:
        tried = out | (names == name)
        leaves_all = not np.setdiff1d(labels, labels[~tried]).size and not tried.all()
        if leaves_all and (not out.any() or tried.mean() <= 1.5 * params.validation_share):
            out = tried
        if out.mean() >= params.validation_share:
            break
    if not out.any():
        problem = f"{len(order)} tomograms cannot be divided so that each class is left to train on"
        raise ParameterProblem("validation", problem, "hold out a share of each class: --validation share")
    return out
