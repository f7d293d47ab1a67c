"""Labels from volumes: which numbers in a file mean what, read slab by slab."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.annotation.labels import FEATURE, IGNORE, TILE, strips
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.state.history import History
from ais_app.state.labels import LabelStore

Source = str | Path | np.ndarray
_SHOWN = 4  # numbers that are enough to see that they are no labels


def importing_labels(
    history: History,
    store: LabelStore,
    volume: Source,
    slices: Sequence[int] | None = None,
    *,
    value: float | None = None,
    threshold: float | None = None,
) -> Iterator[None]:
    """Replace labels by those of a volume, as one step of undo, a strip at a time; see `Project.import_labels`."""
    subject, data = _open(volume)
    if tuple(data.shape) != store.shape:
        problem = f"has {tuple(data.shape)} voxels, but {store.tomogram.name} has {store.shape}"
        raise ParameterProblem(subject, problem, "labels must be on the tomogram's own grid")
    nz = store.shape[0]
    chosen = range(nz) if slices is None else sorted(set(slices))
    for z in chosen:
        if not 0 <= z < nz:
            raise ParameterProblem("slices", f"there is no slice {z}", f"slices run from 0 to {nz - 1}")
    if not len(chosen):
        raise ParameterProblem("slices", "none is given", "leave it out to take all")
    meaning = _Meaning(subject, value, threshold)
    with history.command(f"Import {store.feature.name} on {store.tomogram.name}"):
        for low, high in _runs(chosen):
            for strip in strips((slice(low, high), slice(None), slice(None)), store.shape):
                store.write(strip, meaning.labels(np.asarray(data[strip])))
                yield
            for z in range(low, high):
                store.mark("z", z)
    meaning.warn_of_doubt()


def _open(volume: Source) -> tuple[str, Any]:
    if isinstance(volume, np.ndarray):
        if volume.ndim != 3:
            raise ParameterProblem("labels", f"an array of shape {volume.shape}", "give (z, y, x)")
        return "labels", volume
    return str(volume), open_tomogram(volume).data


def _runs(chosen: Sequence[int]) -> list[tuple[int, int]]:
    """Join neighbours into slabs that end where the tiles end, so that each tile is written once."""
    runs: list[tuple[int, int]] = []
    for z in chosen:
        if runs and runs[-1][1] == z and z % TILE[0]:
            runs[-1] = (runs[-1][0], z + 1)
        else:
            runs.append((z, z + 1))
    return runs


class _Meaning:
    """Turns voxels into labels, the same way in the whole file."""

    def __init__(self, subject: str, value: float | None, threshold: float | None) -> None:
        if value is not None and threshold is not None:
            raise ParameterProblem("labels", "a value and a threshold were given", "give one of them")
        self._subject = subject
        self._seen: set[float] = set()  # numbers other than 0
        self.labels: Callable[[np.ndarray], np.ndarray] = self._by_content
        if value is not None:
            self.labels = lambda block: (block == value).astype(np.uint8)
        elif threshold is not None:
            self.labels = lambda block: (self._finite(block) >= threshold).astype(np.uint8)

    def warn_of_doubt(self) -> None:
        """Say so where the whole file could have meant something else."""
        if self._seen == {float(IGNORE)}:
            text = f"{self._subject}: holds only 0 and 2, which is read as 'ignore'; --value 2 takes it as the feature"
            warnings.warn(DataWarning(text), stacklevel=2)

    def _finite(self, block: np.ndarray) -> np.ndarray:
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            raise ParameterProblem(self._subject, "holds NaN or infinity", "repair it, or give --value")
        return block

    def _by_content(self, block: np.ndarray) -> np.ndarray:
        """0, 1, 2 are labels; 0 and one other number is a mask. Anything else is a question for the person."""
        others = self._finite(block)[block != 0]
        while others.size and len(self._seen) < _SHOWN:
            self._seen.add(float(others[0]))
            others = others[others != others[0]]
        if self._seen <= {float(FEATURE), float(IGNORE)}:
            return block.astype(np.uint8)
        if len(self._seen) == 1:
            return (block != 0).astype(np.uint8)
        shown = ", ".join(f"{number:g}" for number in sorted(self._seen))
        remedy = "give --value N to take the voxels of one number, or --threshold T for probabilities"
        raise ParameterProblem(self._subject, f"holds {shown} ...: neither labels (0, 1, 2) nor a mask", remedy)
