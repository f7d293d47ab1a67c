"""Microtubules and actin along worm-like chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.simulate.kernels import paint_blobs, paint_tube
from ais_app.core.simulate.scene import Filament, Scene

_STEP = 20.0  # Å between the points of an axis
_TRIES = 300
_SUBUNIT_WIDTH = 11.5  # Å, standard deviation of one tubulin or actin at 20 Å resolution
_CONTRAST = 0.27 * 499.0 / 1000.0  # electrons above ice per Da of protein


@dataclass(frozen=True)
class Lattice:
    """A helical filament.

    Parameters
    ----------
    kind
        Name of the feature.
    radius
        Å from the axis to the centres of the subunits.
    outer_radius
        Å; the label is the full tube, lumen included, out to here.
    rise, twist
        Å and degrees from one subunit to the next along a strand of the helix.
    strands
        Number of strands, `shift` Å apart along the axis.
    mass
        Da of a subunit.
    elevation
        Largest angle out of the slice, degrees.
    """

    kind: str
    radius: float
    outer_radius: float
    rise: float
    twist: float
    strands: int
    shift: float
    mass: float
    elevation: float


# 13 straight protofilaments of monomers 41 Å apart on a left-handed three-start helix (Chrétien & Wade 1991)
MICROTUBULE = Lattice("microtubule", 112.0, 130.0, 3 * 41.0 / 13, -360.0 / 13, 3, 41.0, 50_000.0, 5.0)
# 27.5 Å and -166.6° (Holmes et al. 1990)
ACTIN = Lattice("actin", 20.0, 40.0, 27.5, -166.6, 1, 0.0, 42_000.0, 10.0)


def add_microtubules(scene: Scene, rng: np.random.Generator) -> None:
    """Grow microtubules through the free room of a scene."""
    params = scene.params
    placed = _add(scene, rng, MICROTUBULE, params.number("n_microtubules"), params.microtubule_persistence)
    scene.count("microtubule", placed, params.n_microtubules)


def add_actin(scene: Scene, rng: np.random.Generator) -> None:
    """Grow actin filaments through the free room of a scene."""
    params = scene.params
    placed = _add(scene, rng, ACTIN, params.number("n_actin"), params.actin_persistence)
    scene.count("actin", placed, params.n_actin)


def _add(scene: Scene, rng: np.random.Generator, lattice: Lattice, wanted: int, persistence: float) -> int:
    """Grow filaments and return how many found room.

    A filament starts at a random point and grows both ways as a worm-like chain until it leaves the volume or meets
    something; those shorter than a third of the field are thrown away.
    """
    least = min(1000.0, 0.35 * float(max(scene.extent_zyx)))
    for done in range(wanted):
        for _ in range(_TRIES):
            axis = _grow(scene, rng, lattice, persistence)
            if axis is not None and (len(axis) - 1) * _STEP >= least:
                _paint(scene, rng, lattice, axis)
                break
        else:  # no room for this one, so none for the others
            return done
    return wanted


def _grow(scene: Scene, rng: np.random.Generator, lattice: Lattice, persistence: float) -> np.ndarray | None:
    margin = np.array([lattice.outer_radius, 0.0, 0.0])
    if scene.extent_zyx[0] < 2 * lattice.outer_radius:
        return None
    start = rng.uniform(margin, scene.extent_zyx - margin)
    elevation = np.deg2rad(rng.uniform(-lattice.elevation, lattice.elevation))
    azimuth = rng.uniform(0, 2 * np.pi)
    tangent = np.array([np.sin(elevation), np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth)])
    if not _has_room(scene, start, tangent, lattice):
        return None
    forward = _walk(scene, rng, lattice, persistence, start, tangent)
    backward = _walk(scene, rng, lattice, persistence, start, -tangent)
    return np.concatenate([backward[::-1], start[None], forward])


def _walk(
    scene: Scene,
    rng: np.random.Generator,
    lattice: Lattice,
    persistence: float,
    start: np.ndarray,
    tangent: np.ndarray,
) -> np.ndarray:
    """Return the points after `start`: a chain whose direction diffuses with the given persistence length."""
    points: list[np.ndarray] = []
    point = start
    while True:
        # <cos> = exp(-s / P): each of the two transverse angles has a variance of s / P
        kick = rng.normal(0, np.sqrt(_STEP / persistence), 3)
        tangent = tangent + kick - tangent * (kick @ tangent)
        tangent = tangent / np.linalg.norm(tangent)
        point = point + _STEP * tangent
        if not _has_room(scene, point, tangent, lattice):
            return np.array(points).reshape(-1, 3)
        points.append(point)


def _has_room(scene: Scene, point: np.ndarray, tangent: np.ndarray, lattice: Lattice) -> bool:
    """Tell whether the tube fits here; it may stick out of the sides of the volume but not of its top and bottom."""
    if (point < 0).any() or (point > scene.extent_zyx).any():
        return False
    if not lattice.outer_radius <= point[0] <= scene.extent_zyx[0] - lattice.outer_radius:
        return False
    first, second = _transverse(tangent)
    angles = np.arange(12) * (np.pi / 6)
    ring = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    radii = np.arange(0, lattice.outer_radius + 10, 20.0)
    disk = (point + radii[:, None, None] * ring).reshape(-1, 3)
    inside = ((disk >= 0) & (disk <= scene.extent_zyx)).all(axis=1)
    return scene.is_free(disk[inside])


def _transverse(tangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors, z y x, that make a right-handed frame (in x y z) with the tangent."""
    helper = np.eye(3)[int(np.argmin(np.abs(tangent)))]
    first = helper - tangent * (helper @ tangent)
    first /= np.linalg.norm(first)
    # a cross product of z y x arrays is the negative of the one in x y z
    return first, -np.cross(tangent, first)


def _frames(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Carry a transverse frame along an axis without turning it about the tangent; return both vectors, (n, 3)."""
    tangents = np.gradient(axis, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    first, _ = _transverse(tangents[0])
    firsts = np.empty_like(axis)
    for i, tangent in enumerate(tangents):
        first = first - tangent * (first @ tangent)
        first = first / np.linalg.norm(first)
        firsts[i] = first
    return firsts, -np.cross(tangents, firsts)


def _paint(scene: Scene, rng: np.random.Generator, lattice: Lattice, axis: np.ndarray) -> None:
    first, second = _frames(axis)
    length = (len(axis) - 1) * _STEP
    # before the start too, where strands begin that reach into the filament later
    number = np.arange(-lattice.strands * lattice.shift // lattice.rise, length // lattice.rise + 1)
    strand = np.arange(lattice.strands)[:, None]
    along = number * lattice.rise + strand * lattice.shift
    angle = np.deg2rad(lattice.twist) * number + rng.uniform(0, 2 * np.pi) + 0 * strand
    within = (along >= 0) & (along <= length)
    along, angle = along[within] / _STEP, angle[within]
    grid = np.arange(len(axis))
    centre, u, v = (np.stack([np.interp(along, grid, a[:, i]) for i in range(3)], -1) for a in (axis, first, second))
    subunits = centre + lattice.radius * (np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v)
    size = scene.voxel_size
    sigma = float(np.hypot(_SUBUNIT_WIDTH, 0.35 * size)) / size
    charges = np.full(len(subunits), lattice.mass * _CONTRAST / size**3)
    paint_blobs(scene.density, subunits / size, charges, sigma)
    outer = lattice.outer_radius / size
    paint_tube(scene.labels, axis / size, outer, scene.label_values[lattice.kind], True)
    paint_tube(scene.instances, axis / size, outer, scene.next_instance(), True)
    paint_tube(scene.occupied, axis / size, outer + 10.0 / size, 1, False)
    scene.filaments.append(Filament(lattice.kind, axis))
