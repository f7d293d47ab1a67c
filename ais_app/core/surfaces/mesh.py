"""Surfaces of segmentations: vertices in Å in the frame of the file's header, so that they overlay in other programs.

probability ──► dust off ──► marching cubes ──► Taubin smoothing ──► decimation ──► Mesh (mesh_files.write_mesh)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX, LazyArray, Tomogram
from ais_app.core.volume.binning import bin_mean, bin_offset, binned_size

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NM3 = 1000.0  # Å³


@dataclass(frozen=True)
class MeshParams(Params):
    """How a segmentation becomes a surface."""

    level: float = param(0.5, "Prediction at which the surface lies", unit="0…1", low=0, high=1)
    dust: float = param(0.0, "Hide components smaller than this", unit="nm³", low=0)
    binning: int = param(1, "Average cubes of this many voxels first", unit="voxels", low=1, high=64)
    smoothing: int = param(0, "Rounds of smoothing that keep the volume (Taubin)", low=0, high=1000)
    max_faces: int | None = param(None, "Simplify to at most this many triangles", low=4)
    keep_faces: float = param(1.0, "Simplify to this fraction of the triangles", unit="0…1", low=0.001, high=1)
    closed: bool = param(True, "Close surfaces at the faces of the volume")
    colour: str = param("#c0c0c0", "Colour of the surface", unit="#rrggbb")

    def __post_init__(self) -> None:
        super().__post_init__()
        rgb_of(self.colour)


@dataclass(frozen=True)
class Mesh:
    """A triangulated surface.

    Parameters
    ----------
    vertices_xyz
        (n, 3) float32, Å, x y z.
    faces
        (m, 3) int32; counter-clockwise seen from outside.
    colour
        ``#rrggbb``.
    opacity
        0…1.
    """

    vertices_xyz: np.ndarray
    faces: np.ndarray
    colour: str = "#c0c0c0"
    opacity: float = 1.0

    @property
    def face_areas(self) -> np.ndarray:
        """(m,) Å²."""
        return np.linalg.norm(self._crosses(), axis=1) / 2

    @property
    def area(self) -> float:
        """Å²."""
        return float(self.face_areas.sum())

    @property
    def volume(self) -> float:
        """Å³ inside of a closed surface."""
        if not len(self.faces):
            return 0.0
        centre = self.vertices_xyz.mean(axis=0, dtype=float)
        corner = self.vertices_xyz[self.faces[:, 0]] - centre
        return float((corner * self._crosses()).sum() / 6)

    def _crosses(self) -> np.ndarray:
        a, b, c = (self.vertices_xyz[self.faces[:, corner]].astype(float) for corner in range(3))
        return np.cross(b - a, c - a)


def mesh_tomogram(tomogram: Tomogram, params: MeshParams) -> Mesh:
    """Return the surface of a segmentation in the frame of its header.

    Parameters
    ----------
    tomogram
        Probability 0…1 (`open_probabilities`) with a known voxel size.
    params
        How to.

    Raises
    ------
    ParameterProblem
        The voxel size is not known.
    """
    size = tomogram.require_voxel_size_zyx()
    return make_mesh(tomogram.data, size, params, first_voxel_zyx(tomogram))


def first_voxel_zyx(tomogram: Tomogram) -> ZYX:
    """Return where viewers put the centre of the first voxel, Å: at the origin, or by nstart where that is 0."""
    if any(tomogram.origin_zyx):
        return tomogram.origin_zyx
    z, y, x = (n * s for n, s in zip(tomogram.nstart_zyx, tomogram.require_voxel_size_zyx(), strict=True))
    return z, y, x


def make_mesh(volume: LazyArray, voxel_size_zyx: ZYX, params: MeshParams, origin_zyx: ZYX = (0.0, 0.0, 0.0)) -> Mesh:
    """Return the surface of a segmentation.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1; read in slices, so it may be lazy.
    voxel_size_zyx
        Å.
    params
        How to.
    origin_zyx
        Å; where the centre of the first voxel lies.

    Returns
    -------
    Mesh
        Without faces where nothing reaches the level.
    """
    volume, size, first = binned(volume, voxel_size_zyx, origin_zyx, params.binning)
    vertices, faces = voxel_surface(volume, params.level, params.closed, _dust(volume, size, params))
    mesh = Mesh(in_frame(vertices, size, first), faces, params.colour)
    return decimated(smoothed(mesh, params.smoothing), params)


def binned(volume: LazyArray, voxel_size_zyx: ZYX, origin_zyx: ZYX, factor: int) -> tuple[LazyArray, ZYX, ZYX]:
    """Return a volume, its voxel size and where the centre of its first voxel lies, averaged over cubes of voxels."""
    if factor == 1:
        return volume, voxel_size_zyx, origin_zyx
    z, y, x = (float(value) for value in np.array(origin_zyx) + bin_offset(voxel_size_zyx, factor))
    return bin_mean(volume, factor), binned_size(voxel_size_zyx, factor), (z, y, x)


def voxel_surface(
    volume: LazyArray, level: float, closed: bool = True, dust: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return where a volume crosses a level, as `marching_cubes` does: x y z in voxels, and triangles.

    Parameters
    ----------
    volume
        (z, y, x) real, may be lazy.
    level
        A voxel of this value or more is inside; above 0 where the surface is to be closed.
    closed
        Close the surface at the faces of the volume.
    dust
        Labels, (z, y, x), and which of them, (k,) bool, are to be left out.
    """
    from ais_app.core.surfaces.marching_cubes import marching_cubes

    planes = _Planes(volume, dust, closed)
    vertices, faces = marching_cubes(planes.load, planes.count, level)
    if closed:
        vertices -= 1
    return vertices, faces


def in_frame(vertices_voxels: np.ndarray, voxel_size_zyx: ZYX, origin_zyx: ZYX) -> np.ndarray:
    """Return vertices, (n, 3) float32, x y z in Å, of those in voxels."""
    scaled = vertices_voxels * np.array(voxel_size_zyx)[::-1] + np.array(origin_zyx)[::-1]
    return scaled.astype(np.float32)


@dataclass(frozen=True)
class _Planes:
    """The planes that are meshed: without dust, with an empty voxel around everything that is to be closed."""

    volume: LazyArray
    dust: tuple[np.ndarray, np.ndarray] | None
    closed: bool

    @property
    def count(self) -> int:
        return self.volume.shape[0] + 2 * self.closed

    def load(self, start: int, stop: int) -> np.ndarray:
        low, high = max(0, start - self.closed), min(self.volume.shape[0], stop - self.closed)
        values = np.asarray(self.volume[low:high], dtype=np.float32)
        if self.dust is not None:
            labels, is_dust = self.dust
            values = np.where(is_dust[labels[low:high]], np.float32(0), values)
        if not self.closed:
            return values
        return np.pad(values, [(low - start + 1, stop - 1 - high), (1, 1), (1, 1)])


def _dust(volume: LazyArray, size: ZYX, params: MeshParams) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the labels of all components and which of them are dust, or ``None`` where nothing is to be hidden."""
    if params.dust <= 0:
        return None
    found = labelling.components(labelling.at_least(volume, params.level), size, params.dust * NM3)
    is_dust = np.ones(int(found.labels.max(initial=0)) + 1, dtype=bool)
    is_dust[0] = False
    is_dust[found.ids] = False
    return found.labels, is_dust


def smoothed(mesh: Mesh, rounds: int, inward: float = 0.5, outward: float = 0.53) -> Mesh:
    """Smooth a surface without shrinking it (Taubin, SIGGRAPH 1995).

    Each round moves every vertex towards the mean of its neighbours by the fraction `inward`, then away by `outward`.
    Vertices at a rim stay.
    """
    if rounds == 0 or not len(mesh.faces):
        return mesh
    mean = neighbour_mean(mesh)
    middle = mesh.vertices_xyz.mean(axis=0, dtype=float)
    points = (mesh.vertices_xyz - middle).astype(np.float32)  # small numbers lose less in float32
    for _ in range(rounds):
        points += np.float32(inward) * (mean @ points - points)
        points -= np.float32(outward) * (mean @ points - points)
    return replace(mesh, vertices_xyz=(points + middle).astype(np.float32))


def neighbour_mean(mesh: Mesh) -> csr_array:
    """Return the matrix, (n, n), that gives each vertex the mean of its neighbours; one at a rim only itself."""
    from scipy.sparse import csr_array, diags_array

    count = len(mesh.vertices_xyz)
    here, there = mesh.faces.ravel(), np.roll(mesh.faces, 1, axis=1).ravel()
    joined = csr_array((np.ones(2 * len(here), np.float32), (np.r_[here, there], np.r_[there, here])), (count, count))
    joined.data[:] = 1  # each edge comes from both of its faces
    neighbours = np.diff(joined.indptr)
    # where a surface closes around a vertex it has as many faces as neighbours; at a rim one less
    rim = neighbours != np.bincount(here, minlength=count)
    share = np.where(rim, 0, 1 / np.maximum(neighbours, 1)).astype(np.float32)
    return (diags_array(share) @ joined + diags_array(rim.astype(np.float32))).tocsr()


def decimated(mesh: Mesh, params: MeshParams) -> Mesh:
    """Simplify a surface by quadric edge collapse (Garland and Heckbert, SIGGRAPH 1997) where that is asked for."""
    wanted = min(params.max_faces or len(mesh.faces), round(params.keep_faces * len(mesh.faces)))
    if wanted >= len(mesh.faces):
        return mesh
    import fast_simplification

    middle = mesh.vertices_xyz.mean(axis=0, dtype=float)  # as in `smoothed`
    points = (mesh.vertices_xyz - middle).astype(np.float32)
    points, faces = fast_simplification.simplify(points, mesh.faces, target_count=max(4, wanted))
    return replace(mesh, vertices_xyz=(points + middle).astype(np.float32), faces=faces.astype(np.int32))


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0…255, of ``#rrggbb``.

    Raises
    ------
    ParameterProblem
        It is no such colour.
    """
    try:
        if len(colour) != 7 or colour[0] != "#":
            raise ValueError
        red, green, blue = bytes.fromhex(colour[1:])
    except ValueError:
        raise ParameterProblem("colour", f"{colour!r} is no colour", "write it as #rrggbb, such as #c0c0c0") from None
    return red, green, blue
