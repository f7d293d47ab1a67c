"""What a stack of subtomograms is, for a person who looks at a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ais_app.core.particles.labels import labels_of
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.wedge import Wedge
from ais_app.operations.subtomo_outputs import known_poses

TITLE = "stack of subtomograms"


@dataclass(frozen=True)
class StackInfo:
    """What a person checks first about a stack.

    Parameters
    ----------
    count, edge, voxel_size
        Subtomograms; voxels along each; Å.
    classes
        Subtomograms of each class, by its name; nothing where there are no classes.
    unclassed
        Subtomograms without a class.
    wedges
        Each wedge that occurs, and how many subtomograms have it.
    poses_known
        Whether any is turned: else nothing is known of how they lie.
    """

    count: int
    edge: int
    voxel_size: float
    classes: dict[str, int]
    unclassed: int
    wedges: tuple[tuple[Wedge, int], ...]
    poses_known: bool

    @staticmethod
    def of(stack: SubtomogramStack) -> StackInfo:
        """Look at an open stack; no cube is read."""
        labels, names = labels_of(stack)
        classes = {name: int((labels == number).sum()) for number, name in enumerate(names)}
        counts = np.bincount(stack.wedge_of, minlength=len(stack.wedges)).tolist()
        wedges = tuple(zip(stack.wedges, counts, strict=True))
        unclassed = int((labels < 0).sum())
        return StackInfo(len(stack), stack.edge, stack.voxel_size, classes, unclassed, wedges, known_poses(stack.poses))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values; lengths in Å."""
        return {
            "subtomograms": self.count,
            "shape_zyx": [self.edge] * 3,
            "voxel_size_zyx": [self.voxel_size] * 3,
            "classes": self.classes,
            "without_class": self.unclassed,
            "wedges": [{**wedge.to_dict(), "subtomograms": count} for wedge, count in self.wedges],
            "poses_known": self.poses_known,
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield what each line is about and what it says, for a person."""
        width = self.edge * self.voxel_size / 10
        cubes = " × ".join([str(self.edge)] * 3)
        yield "content", f"{_many(self.count)} of {cubes} voxels"
        yield "voxel size", f"{self.voxel_size:.5g} Å; each is {width:,.1f} nm wide"
        found = [f"{name} {count:,}" for name, count in self.classes.items()]
        yield "classes", ", ".join([*found, f"{self.unclassed:,} without a class"] if found else ["none"])
        for wedge, count in self.wedges:
            tilts = f"{wedge.tilt_min:.0f} to {wedge.tilt_max:.0f}°, tilted about {wedge.tilt_axis}"
            seen = "nothing is missing" if wedge.is_full else f"along {wedge.beam_axis}, tilts {tilts}"
            yield "missing wedge", seen + (f": {_many(count)}" if len(self.wedges) > 1 else "")
        known = "known" if self.poses_known else "not known: ais-app subtomo average --save or align --save finds them"
        yield "poses", known


def _many(count: int) -> str:
    return f"{count:,} subtomogram{'s' * (count != 1)}"
