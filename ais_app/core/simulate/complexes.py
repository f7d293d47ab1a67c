"""Complexes in random orientations without overlap, scattered or in membranes."""

from __future__ import annotations

from functools import cache

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.simulate.kernels import first_fit, paint_map
from ais_app.core.simulate.scene import Placed, Scene
from ais_app.core.simulate.surfaces import near_surface
from ais_app.core.simulate.templates import Template, load_template, smoothed, template_names

MEMBRANE_PROTEIN = "ampa_receptor"
_BATCH = 200  # random poses that are tried at a time
_BATCHES, _LAST_BATCHES = 5, 60  # of them, before there is held to be no room; the last time
_LEVELS = 5
_MAX_COPIES = 60_000


def parse_complexes(items: tuple[str, ...]) -> dict[str, int | None]:
    """Read ``NAME`` and ``NAME=COPIES``; ``None`` stands for a share of the occupancy.

    Raises
    ------
    ParameterProblem
        An unknown name, a name given twice, or copies that are no number.
    """
    found: dict[str, int | None] = {}
    for item in items:
        name, _, copies = item.partition("=")
        if name not in template_names():
            raise ParameterProblem(name, "there is no such complex", f"known: {', '.join(template_names())}")
        if name in found:
            raise ParameterProblem(name, "is given twice among the complexes", "give it once")
        if copies and not (copies.isdecimal() and int(copies) <= _MAX_COPIES):
            problem = f"{copies!r} is not a number of copies up to {_MAX_COPIES:,}"
            raise ParameterProblem(item, problem, f"write {name}=40, or {name} alone for a share of the occupancy")
        found[name] = int(copies) if copies else None
    return found


def add_complexes(scene: Scene, rng: np.random.Generator) -> Job[None]:
    """Scatter the complexes; large ones first, because they need the largest gaps.

    Those without a number of copies share the occupancy in equal numbers; what one of them finds no room for goes
    to the smaller ones.
    """
    asked = parse_complexes(scene.params.complexes)
    order = sorted(asked, key=lambda name: -load_template(name).volume)
    sharing = [name for name in order if asked[name] is None]
    volume = float(np.prod(scene.shape)) * scene.voxel_size**3
    budget = scene.params.occupancy * volume if sharing else 0.0
    for done, name in enumerate(order):
        copies = asked[name]
        if copies is None:
            copies = round(budget / sum(load_template(other).volume for other in sharing))
        yield Progress(7 + done / len(order), 8, f"place {copies} x {name}")
        placed = _scatter(scene, rng, name, copies)
        if name in sharing:
            sharing.remove(name)
            budget -= placed * load_template(name).volume
            scene.count(name, placed, None)
        else:
            scene.count(name, placed, copies)
    scene.unfilled = budget / volume


def _scatter(scene: Scene, rng: np.random.Generator, name: str, copies: int) -> int:
    """Place up to `copies` of a complex and return how many found room."""
    template = load_template(name)
    placed = scene.particles.setdefault(name, Placed())
    finder = _Finder(scene, rng, template)
    for done in range(copies):
        pose = finder.find()
        if pose is None:  # the scene is full for this one; it will not get emptier
            return done
        _paint(scene, template, placed, *pose)
    return copies


def add_membrane_proteins(scene: Scene, rng: np.random.Generator) -> None:
    """Put receptors into the membranes, across the bilayer and with their heads outside."""
    params = scene.params
    if not params.n_membrane_proteins:
        return
    template = load_template(MEMBRANE_PROTEIN)
    assert template.membrane_offset is not None  # that is what makes it a membrane protein
    placed = scene.particles.setdefault(MEMBRANE_PROTEIN, Placed())
    outside = template.envelope_zyx
    # the part in the bilayer overlaps the membrane and is not tested
    outside = outside[outside[:, 0] - template.membrane_offset > 0.5 * params.membrane_thickness + 20]
    size = scene.voxel_size
    middles = [_painted(scene, near_surface(s, scene.shape, size, 0.6 * size)[0]) for s in scene.surfaces]
    sites = [(surface, index) for surface, index in zip(scene.surfaces, middles, strict=True) if len(index)]
    for _ in range(params.n_membrane_proteins if sites else 0):
        for _ in range(_BATCH):
            surface, index = sites[rng.integers(len(sites))]
            point = index[rng.integers(len(index))] * size
            point = point - surface.distance(point[None])[0] * surface.normal(point)
            rotation = _upright(surface.normal(point), rng)
            centre = point - rotation @ np.array([template.membrane_offset, 0.0, 0.0])
            if scene.is_free(centre + outside @ rotation.T):
                _paint(scene, template, placed, rotation, centre)
                break
        else:
            break
    scene.count(MEMBRANE_PROTEIN, len(placed.positions_zyx), params.n_membrane_proteins)


def _painted(scene: Scene, index: np.ndarray) -> np.ndarray:
    """Return those of the voxels, (n, 3), that are membrane: a sheet is left out where something was in its way."""
    return index[scene.labels[tuple(index.T)] == scene.label_values["membrane"]]


def _envelope(template: Template, voxel_size: float) -> np.ndarray:
    """Return points, (n, 3) voxels, a voxel apart, that fill the outline and a gap of a voxel around it, shuffled.

    Shuffled, because a pose that does not fit is then found out after a few points.
    """
    from scipy.ndimage import binary_dilation, generate_binary_structure

    solid = np.pad(template.outline >= 0.5, 4)
    gap = max(1, round(voxel_size / template.voxel_size))
    solid = binary_dilation(solid, generate_binary_structure(3, 1), iterations=gap)
    points = (np.argwhere(solid) - (template.density.shape[0] // 2 + 4)) * template.voxel_size / voxel_size
    # thin out to about one point a voxel
    _, first = np.unique(np.rint(points).astype(int), axis=0, return_index=True)
    return np.random.default_rng(0).permutation(points[first])


class _Finder:
    """Find free poses for one complex: anywhere at first; later, as it gets crowded, where there is most room left."""

    def __init__(self, scene: Scene, rng: np.random.Generator, template: Template) -> None:
        self.scene, self.rng = scene, rng
        self.envelope = _envelope(template, scene.voxel_size)
        # Å of free room around a centre: from room for every orientation to room for the core alone
        self.levels = list(np.linspace(_core_radius(template), template.radius, _LEVELS))
        self.roomy: np.ndarray | None = None  # flat indices of voxels that may hold the centre; None: any

    def find(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return a rotation (z y x columns) and a centre in Å at which the envelope is free, or ``None``."""
        pose = self._try()
        while pose is None and self.levels:
            self._look_for_room(self.levels.pop())
            pose = self._try()
        return pose

    def _try(self) -> tuple[np.ndarray, np.ndarray] | None:
        shape = self.scene.shape
        for _ in range(_LAST_BATCHES if not self.levels else _BATCHES):
            if self.roomy is None:
                positions = self.rng.uniform(0, np.array(shape) - 1, (_BATCH, 3))
            elif len(self.roomy):
                chosen = self.rng.choice(self.roomy, _BATCH)
                positions = np.stack(np.unravel_index(chosen, shape), axis=1) + self.rng.uniform(-0.5, 0.5, (_BATCH, 3))
            else:
                return None
            rotations = _random_rotations(self.rng, _BATCH)
            pose = first_fit(self.scene.occupied, self.envelope, rotations, positions)
            if pose >= 0:
                return rotations[pose], positions[pose] * self.scene.voxel_size
        return None

    def _look_for_room(self, radius: float) -> None:
        import edt

        size = self.scene.voxel_size
        room = edt.edt(self.scene.occupied == 0, anisotropy=(size,) * 3, black_border=True, parallel=0)
        self.roomy = np.flatnonzero(room >= radius)


def _core_radius(template: Template) -> float:
    """Return the radius in Å of the largest ball about the centre that the outline holds."""
    empty = np.argwhere(template.outline < 0.5) - template.outline.shape[0] // 2
    return float(np.linalg.norm(empty, axis=1).min()) * template.voxel_size


def _paint(scene: Scene, template: Template, placed: Placed, rotation: np.ndarray, centre: np.ndarray) -> None:
    paint_map(
        scene.density,
        scene.labels,
        scene.instances,
        scene.occupied,
        _smoothed(template.name, scene.voxel_size),
        template.outline,
        scene.voxel_size / template.voxel_size,
        np.ascontiguousarray(rotation),
        centre / scene.voxel_size,
        scene.label_values[template.name],
        scene.next_instance(),
    )
    placed.positions_zyx.append(centre)
    assert placed.rotations is not None  # only balls have none
    placed.rotations.append(rotation[::-1, ::-1])  # z y x columns to x y z columns


@cache
def _smoothed(name: str, voxel_size: float) -> np.ndarray:
    return smoothed(load_template(name), voxel_size)


def _random_rotations(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return (count, 3, 3) rotations, uniform on SO(3), from normalised quaternions."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_quat(rng.normal(size=(count, 4))).as_matrix()


def _upright(normal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random rotation (z y x columns) that turns the z axis onto `normal`."""
    helper = rng.normal(size=3)
    first = helper - normal * (helper @ normal)
    first /= np.linalg.norm(first)
    # columns are the images of the z, y and x axes; the determinant must be +1
    return np.stack([normal, first, np.cross(normal, first)], axis=1)
