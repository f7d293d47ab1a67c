"""Surfaces for display: meshed once, then hidden, coloured and simplified without meshing again.

    probability ──► averaged ──► marching cubes ──► pieces, the largest first ──► smoothed ──► levels of detail
                                                                                                normals

The triangles of small pieces come last at every level of detail. So dust is hidden by drawing fewer triangles from the
start of the same array, and moving its slider costs nothing. No step holds the GIL for long: the window stays alive
while a thread of it makes a mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.jobs import Job, Progress, run
from ais_app.core.params import Params, param
from ais_app.core.picking.labelling import voxel_volume
from ais_app.core.surfaces.mesh import Mesh, binned, first_voxel_zyx, in_frame, rgb_of, smoothed, voxel_surface
from ais_app.core.tomogram import ZYX, Tomogram

DETAILS = (150_000, 20_000)  # triangles: what stays fluent without a graphics card, and while many surfaces turn


@dataclass(frozen=True)
class SurfaceSettings(Params):
    """How a segmentation is shown as a surface."""

    level: float = param(0.5, "Prediction at which the surface lies", unit="0…1", low=0.001, high=1)
    dust: float = param(0.0, "Hide pieces smaller than this", unit="Å³", low=0)
    smoothing: int = param(0, "Rounds of smoothing that keep the volume (Taubin)", low=0, high=1000)
    binning: int = param(1, "Average cubes of this many voxels first", unit="voxels", low=1, high=64)
    colour: str = param("#c0c0c0", "Colour of the surface", unit="#rrggbb")
    opacity: float = param(1.0, "How much of what lies behind it is hidden", unit="0…1", low=0, high=1)
    visible: bool = param(True, "Show the surface")

    def __post_init__(self) -> None:
        super().__post_init__()
        rgb_of(self.colour)


def needs_new_mesh(old: SurfaceSettings | None, new: SurfaceSettings) -> bool:
    """Return whether a change of settings makes another surface; otherwise it only looks different."""
    return old is None or any(getattr(old, name) != getattr(new, name) for name in ("level", "smoothing", "binning"))


@dataclass(frozen=True)
class Detail:
    """A surface at one level of detail; its pieces come in the order of `SurfaceLevels.volumes`.

    Parameters
    ----------
    vertices_xyz
        (n, 3) float32, Å, x y z in the frame of the tomogram's header.
    normals_xyz
        (n, 3) float32, unit length, outward.
    faces
        (m, 3) int32, counter-clockwise seen from outside.
    vertex_ends, face_ends
        (k,) how many vertices and triangles the first 1…k pieces have.
    """

    vertices_xyz: np.ndarray
    normals_xyz: np.ndarray
    faces: np.ndarray
    vertex_ends: np.ndarray
    face_ends: np.ndarray

    def first(self, pieces: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return vertices, normals and faces of the first `pieces` pieces: views, nothing is copied."""
        n, m = (int(ends[pieces - 1]) if pieces else 0 for ends in (self.vertex_ends, self.face_ends))
        return self.vertices_xyz[:n], self.normals_xyz[:n], self.faces[:m]


@dataclass(frozen=True)
class SurfaceLevels:
    """A surface at several levels of detail.

    Parameters
    ----------
    details
        The finest first; each has fewer triangles than the one before.
    volumes
        (k,) Å³, the volume of the voxels inside each piece, descending. These are the components that
        `ais-app mesh --dust`, `measure` and `pick` count.
    settings
        What it was made with.
    """

    details: tuple[Detail, ...]
    volumes: np.ndarray
    settings: SurfaceSettings

    def kept(self, dust: float) -> int:
        """Return how many pieces are no dust: they are the first ones. `dust` is Å³."""
        return int(np.searchsorted(-self.volumes, -dust * (1 - 1e-9), side="right"))

    def shown(self, dust: float, most: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what is to be drawn: vertices, normals and faces without dust, as views.

        Parameters
        ----------
        dust
            Å³.
        most
            Triangles; the finest level of detail that needs no more is taken, or the coarsest. ``None``: the finest.
        """
        count = self.kept(dust)
        return self.details[self.detail_for(dust, most)].first(count)

    def detail_for(self, dust: float, most: int | None) -> int:
        """Return the index of the level of detail that `shown` takes."""
        count = self.kept(dust)
        if most is None or count == 0:
            return 0
        fitting = (i for i, detail in enumerate(self.details) if detail.face_ends[count - 1] <= most)
        return next(fitting, len(self.details) - 1)

    def mesh(self, settings: SurfaceSettings, detail: int = 0) -> Mesh:
        """Return the surface as it is shown with these settings, for a file."""
        vertices, _, faces = self.details[detail].first(self.kept(settings.dust))
        return Mesh(vertices, faces, settings.colour, settings.opacity)

    def bounds_xyz(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the least and the greatest x y z, Å, (3,) each; ``None`` where there is no surface."""
        vertices = self.details[0].vertices_xyz
        return (vertices.min(axis=0), vertices.max(axis=0)) if len(vertices) else None


def surface_job(volume: Tomogram, settings: SurfaceSettings, *, origin_zyx: ZYX | None = None) -> Job[SurfaceLevels]:
    """Make the surface of a segmentation, as a job.

    Parameters
    ----------
    volume
        Probability 0…1 (`open_probabilities`, or a prediction in memory) with a known voxel size.
    settings
        Level, smoothing and binning; the others change nothing here.
    origin_zyx
        Å; where the centre of the first voxel lies, if not where the header says.

    Raises
    ------
    ParameterProblem
        The voxel size is not known.
    """
    # what is compiled takes half a second to import, and settings are needed where no surface is made
    from ais_app.core.surfaces import pieces
    from ais_app.core.surfaces.clustering import clustered
    from ais_app.core.surfaces.normals import vertex_normals

    size = volume.require_voxel_size_zyx()
    origin = first_voxel_zyx(volume) if origin_zyx is None else origin_zyx
    yield Progress(0, 5, "averaging" if settings.binning > 1 else "reading")
    data, size, origin = binned(volume.data, size, origin, settings.binning)
    yield Progress(1, 5, "surface")
    vertices, faces = voxel_surface(data, settings.level)
    yield Progress(2, 5, "pieces")
    found = pieces.pieces(vertices, faces)
    vertices, faces, of_vertex, order = pieces.largest_first(in_frame(vertices, size, origin), faces, found)
    yield Progress(3, 5, "smoothing")
    vertices = smoothed(Mesh(vertices, faces), settings.smoothing).vertices_xyz
    normals = vertex_normals(vertices, faces)
    details = [_detail(vertices, normals, faces, of_vertex, len(order))]
    for number, most in enumerate(DETAILS):
        yield Progress(4 + number / len(DETAILS), 5, "levels of detail")
        if len(details[-1].faces) > most:
            details.append(_detail(*clustered(vertices, normals, faces, of_vertex, most), len(order)))
    yield Progress(5, 5, "done")
    return SurfaceLevels(tuple(details), found.voxel_counts[order] * voxel_volume(size), settings)


def prepare() -> None:
    """Compile what surfaces are made with: seconds in a new installation, next to nothing later.

    Worth calling in the background before the first surface is asked for.
    """
    from ais_app.core.surfaces.clustering import clustered

    block = Tomogram(np.pad(np.ones((4, 4, 4), dtype=np.float32), 2), (1.0, 1.0, 1.0))
    finest = run(surface_job(block, SurfaceSettings(smoothing=1))).details[0]
    of_vertex = np.zeros(len(finest.vertices_xyz), dtype=np.int32)
    clustered(finest.vertices_xyz, finest.normals_xyz, finest.faces, of_vertex, len(finest.faces) // 2)


def _detail(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, of_vertex: np.ndarray, count: int) -> Detail:
    from ais_app.core.surfaces import pieces

    return Detail(vertices, normals, faces, *pieces.ends(of_vertex, faces, count))
