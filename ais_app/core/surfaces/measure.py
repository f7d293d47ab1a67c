"""Measure segmentations: what each component is like, how thick it is, how far it is from another segmentation.

    probability ──► components ──► one row each: volume, position, extents
                └─► surface (marching cubes) ──► area, thickness along the normals, distance to another surface

Units stand in the names of the columns. Positions are Å, x y z, from the centre of the first voxel, as those of
particles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.params import Params, param
from ais_app.core.picking import labelling
from ais_app.core.picking.masking import sampled
from ais_app.core.surfaces.mesh import NM3, Mesh, MeshParams, make_mesh, smoothed
from ais_app.core.surfaces.thickness import smooth_normals, thickness
from ais_app.core.tomogram import ZYX, LazyArray

if TYPE_CHECKING:
    import pandas as pd

_SMOOTHING = 20  # rounds; the steps of a mask make its surface 8 % too large, after that 1 % remains


@dataclass(frozen=True)
class MeasureParams(Params):
    """What is measured and how."""

    threshold: float = param(0.5, "Prediction from which a voxel belongs to the feature", unit="0…1", low=0, high=1)
    min_volume: float = param(0.0, "Leave out components smaller than this", unit="Å³", low=0)
    thickness: bool = param(False, "Measure the thickness, as of a membrane")
    max_thickness: float = param(200.0, "Thicker places are not counted as a sheet", unit="Å", low=1)
    bin_width: float = param(10.0, "Width of the bins of the distributions", unit="Å", low=0.1)


@dataclass(frozen=True)
class Measurement:
    """What was measured in one segmentation.

    Parameters
    ----------
    components
        One row per component.
    distributions
        ``"thickness"`` and ``"distance"`` to a table of bins with the share of the surface in each, where measured.
    """

    components: pd.DataFrame
    distributions: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Other:
    """Another segmentation, to measure distances to.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1, may be lazy.
    voxel_size_zyx
        Å.
    shift_zyx
        Å; what to add to a position in the measured volume to have it in this one (`masking.grid_shift`).
    """

    volume: LazyArray
    voxel_size_zyx: ZYX
    shift_zyx: np.ndarray = field(default_factory=lambda: np.zeros(3))


def measure_volume(
    volume: LazyArray, voxel_size_zyx: ZYX, params: MeasureParams, other: Other | None = None
) -> Measurement:
    """Measure the components of a segmentation.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1, may be lazy.
    voxel_size_zyx
        Å.
    params
        Lengths in Å.
    other
        Another segmentation, to measure distances to.

    Returns
    -------
    Measurement
        Thickness is NaN where a component is no sheet; distances are infinite where the other segmentation is empty.
    """
    found = labelling.components(labelling.at_least(volume, params.threshold), voxel_size_zyx, params.min_volume)
    surface = _Surface.of(volume, found, params.threshold)
    table = _component_table(found, surface.areas)
    distributions = {}
    if params.thickness:
        normals = smooth_normals(surface.smooth)
        values = thickness(volume, voxel_size_zyx, surface.mesh, normals, params.threshold, params.max_thickness)
        table = table.join(surface.per_component(values, "thickness"))
        distributions["thickness"] = surface.distribution(values, params.bin_width)
    if other is not None:
        values = distances(surface.mesh, other, params.threshold)
        table = table.join(surface.per_component(values, "distance"))
        distributions["distance"] = surface.distribution(values, params.bin_width)
    return Measurement(table, distributions)


def _component_table(found: labelling.Components, areas: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    size = np.array(found.voxel_size_zyx)
    centroids = (found.centroids_zyx * size)[:, ::-1]
    extents = (np.diff(found.boxes_zyx, axis=2)[..., 0] * size)[:, ::-1]
    volumes = found.volumes
    columns = {"component": np.arange(1, len(found) + 1), "voxels": found.voxel_counts}
    columns |= {"volume_A3": volumes, "volume_nm3": volumes / NM3, "area_A2": areas, "area_nm2": areas / 100}
    columns |= {f"centroid_{axis}_A": centroids[:, i] for i, axis in enumerate("xyz")}
    columns |= {f"extent_{axis}_A": extents[:, i] for i, axis in enumerate("xyz")}
    columns["equivalent_diameter_A"] = np.cbrt(6 * volumes / np.pi)
    at_border = (found.boxes_zyx == np.stack([np.zeros(3), found.labels.shape], axis=1)).any(axis=(1, 2))
    columns["at_border"] = at_border.astype(int)
    # what the border cuts has lost a part of its surface
    sphere_areas = np.pi ** (1 / 3) * (6 * volumes) ** (2 / 3)
    columns["sphericity"] = np.divide(sphere_areas, areas, out=np.full(len(found), np.nan), where=~at_border)
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class _Surface:
    """The surface, open where the volume ends, and to which row of the table each vertex belongs (-1: dust)."""

    mesh: Mesh
    smooth: Mesh
    rows: np.ndarray
    shares: np.ndarray  # area that each vertex stands for, Å²
    areas: np.ndarray  # of each component, Å²

    @staticmethod
    def of(volume: LazyArray, found: labelling.Components, level: float) -> _Surface:
        mesh = make_mesh(volume, found.voxel_size_zyx, MeshParams(level=level, closed=False))
        row_of = np.full(int(found.labels.max(initial=0)) + 1, -1)
        row_of[found.ids] = np.arange(len(found))
        rows = row_of[_labels_at(mesh, found)]
        smooth = smoothed(mesh, _SMOOTHING)
        shares = np.bincount(mesh.faces.ravel(), np.repeat(smooth.face_areas / 3, 3), minlength=len(rows))
        known = rows >= 0
        return _Surface(mesh, smooth, rows, shares, np.bincount(rows[known], shares[known], minlength=len(found)))

    def per_component(self, values: np.ndarray, name: str) -> pd.DataFrame:
        """Return least, median, mean, deviation and largest of `values`, (n,) Å a vertex, for each component."""
        import pandas as pd

        known = (self.rows >= 0) & ~np.isnan(values)
        groups = pd.Series(values[known]).groupby(self.rows[known])
        table = groups.agg(["min", "median", "mean", "std", "max"]).reindex(range(len(self.areas)))
        return table.rename(columns={column: f"{name}_{column}_A" for column in table})

    def distribution(self, values: np.ndarray, width: float) -> pd.DataFrame:
        """Return area (nm²) and share of the surface in each bin of `values`, (n,) Å a vertex; bins of `width` Å."""
        import pandas as pd

        known = (self.rows >= 0) & np.isfinite(values)
        bins = int(np.floor(values[known].max(initial=0) / width)) + 1
        edges = width * np.arange(bins + 1)
        areas, _ = np.histogram(values[known], edges, weights=self.shares[known])
        share = areas / areas.sum() if areas.sum() > 0 else areas
        return pd.DataFrame({"low_A": edges[:-1], "high_A": edges[1:], "area_nm2": areas / 100, "fraction": share})


def _labels_at(mesh: Mesh, found: labelling.Components) -> np.ndarray:
    """Return the label of the component that each vertex belongs to: that of the one of its two voxels inside."""
    at = mesh.vertices_xyz[:, ::-1] / np.array(found.voxel_size_zyx)
    # on two axes a vertex lies on voxels; a rounding error must not put it between them
    at = np.where(abs(at - np.rint(at)) < 5e-4, np.rint(at), at)
    low, high = (f(at).astype(int) for f in (np.floor, np.ceil))
    return np.maximum(found.labels[tuple(low.T)], found.labels[tuple(high.T)])


def distances(mesh: Mesh, other: Other, level: float = 0.5) -> np.ndarray:
    """Return how far each vertex of a surface is from the surface of another segmentation.

    Parameters
    ----------
    mesh
        Å from the centre of the first voxel of its volume.
    other
        The other segmentation.
    level
        Of its surface.

    Returns
    -------
    ndarray
        (n,) Å to the nearest vertex; across a gap of d voxels that is too long by 0.15 / d voxels at most. 0 inside
        of the other segmentation; infinite where that is empty.
    """
    from scipy.spatial import cKDTree

    points = mesh.vertices_xyz[:, ::-1] + other.shift_zyx
    surface = make_mesh(other.volume, other.voxel_size_zyx, MeshParams(level=level)).vertices_xyz[:, ::-1]
    if not len(surface):
        return np.full(len(points), np.inf)
    away, _ = cKDTree(surface, balanced_tree=False, compact_nodes=False).query(points, workers=-1)
    inside = sampled(other.volume, other.voxel_size_zyx, points) >= level
    return np.where(inside, 0.0, away)
