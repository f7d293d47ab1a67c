"""Where particles of the gallery are in the tomograms of the project, as voxels."""

from __future__ import annotations

import numpy as np

from ais_app.state.records import TomogramEntry
from ais_app.state.session import Session


def voxels_of(entry: TomogramEntry, positions_zyx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest voxels (n, 3) to positions (n, 3) in Å, and (n,) whether the tomogram has them.

    Raises
    ------
    ProjectProblem
        The voxel size of the tomogram is not known.
    """
    voxels = np.round(positions_zyx / np.array(entry.require_voxel_size_zyx()))
    return voxels, ((voxels >= 0) & (voxels < np.array(entry.shape))).all(1)


def rejected_outside(session: Session) -> tuple[int, int]:
    """Return how many rejected particles belong to tomograms of the project, and how many of them lie outside."""
    table = session.gallery.table
    rows = np.flatnonzero(table.rejected & (table.tomograms >= 0))
    outside = 0
    for tomogram in np.unique(table.tomograms[rows]).tolist():
        here = rows[table.tomograms[rows] == tomogram]
        outside += int((~voxels_of(session.project.tomogram(tomogram), table.positions_zyx[here])[1]).sum())
    return len(rows), outside
