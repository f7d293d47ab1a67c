"""Subtomograms of complexes of known class, orientation and shape, to train and to try networks on.

The particles stand side by side in one thin tomogram that is imaged like any phantom; so what a box shows of its
neighbours are the streaks that a tilt series leaves of them. All complexes are given the same contrast, as in the
simulations of papers on classification: else these streaks would outshine the small ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct, run
from ais_app.core.simulate.imaging import record
from ais_app.core.simulate.kernels import paint_map
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.scene import Scene
from ais_app.core.simulate.templates import Template, smoothed

NOTHING = "nothing"  # the class of boxes without a particle
IN_ONE = 100  # particles in one tomogram
_EMPTY: dict[str, Any] = {"complexes": (), "n_beads": 0, "n_actin": 0, "n_microtubules": 0}
_EMPTY |= {"n_vesicles": 0, "n_double_membranes": 0, "n_sheets": 0, "carbon": False}


@dataclass(frozen=True)
class Subtomograms:
    """Cubes with their truth.

    Parameters
    ----------
    signal, noise
        (n, edge, edge, edge) float32, z y x: what the particles, and what noise alone would give; see `at`.
    masks
        (n, edge, edge, edge) uint8: 1 within the outline of the particle in the box.
    labels
        (n,) int64: number of each cube's class.
    classes
        Names of the classes.
    rotations
        (n, 3, 3), active on x y z columns, the template's into the particle's frame.
    voxel_size
        Å.
    shifts_zyx
        (n, 3), voxels, from the central voxel of each cube to the centre of its particle.
    neighbours
        (n, edge, edge, edge) uint8: 1 within the outlines of the other particles that reach into the box.
    """

    signal: np.ndarray
    noise: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    rotations: np.ndarray
    voxel_size: float
    shifts_zyx: np.ndarray
    neighbours: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, snr: float) -> np.ndarray:
        """Return the cubes, (n, edge, edge, edge) float32, at a signal-to-noise ratio.

        The variance of signal over that of noise in each whole box, so that a small complex is as hard to tell
        as a large one; boxes without a particle are noise alone.
        """
        signal = self.signal.std((1, 2, 3), dtype=np.float64)
        noise = self.noise.std((1, 2, 3), dtype=np.float64)
        factor = np.where([self.classes[label] == NOTHING for label in self.labels], 1.0, signal / (noise * snr**0.5))
        cubes: np.ndarray = self.signal + self.noise * factor.astype(np.float32)[:, None, None, None]
        return cubes


def simulate_subtomograms_job(
    templates: Sequence[Template],
    params: SimulateParams,
    edge: int,
    each: int,
    seed: int,
    shift: float = 0.1,
    *,
    spacing: float = 1.0,
    empty: bool = True,
) -> Job[Subtomograms]:
    """Make subtomograms of complexes in random orientations, and as many without a particle.

    Parameters
    ----------
    templates
        One for each class.
    params
        Voxel size, microscope and reconstruction count; the specimen and the SNR do not.
    edge
        Of a cube, voxels.
    each
        Cubes of each class.
    seed
        The same seed gives the same cubes.
    shift
        Largest distance of a particle from the middle of its cube along each axis, as a share of the edge.
    spacing
        From a particle to the next, as a share of the edge: below 1 the neighbours reach into the cubes.
    empty
        Make cubes without a particle too, as many as of each class.

    Raises
    ------
    ParameterProblem
        A number is out of bounds, or the particles would overlap.
    """
    if not templates or edge < 8 or each < 1 or not 0 <= shift < 0.5:
        raise ParameterProblem("subtomograms", "need a template, 8 voxels, one of each and a shift below a half")
    pitch = _pitch(templates, params.voxel_size, edge, shift, spacing)
    random = np.random.default_rng((seed, 4))
    classes = (*(template.name for template in templates), *([NOTHING] if empty else []))
    labels = random.permutation(np.repeat(np.arange(len(classes)), each))
    parts = [labels[low : low + IN_ONE] for low in range(0, len(labels), IN_ONE)]
    made = []
    for number, part in enumerate(parts):
        yield Progress(number, len(parts), f"tomogram {number + 1} of {len(parts)}")
        made.append(_one(templates, params, _Grid(edge, pitch, shift), part, classes, (seed, number)))
    columns = [np.concatenate(column) for column in zip(*made, strict=True)]
    signal, noise, masks, neighbours, rotations, shifts = columns
    return Subtomograms(signal, noise, masks, labels, classes, rotations, params.voxel_size, shifts, neighbours)


simulate_subtomograms = direct(simulate_subtomograms_job)


@dataclass(frozen=True)
class _Grid:
    """Cubes of `edge` voxels every `pitch` voxels, with a particle up to `shift` edges from the middle of each."""

    edge: int
    pitch: int
    shift: float


def _pitch(templates: Sequence[Template], voxel_size: float, edge: int, shift: float, spacing: float) -> int:
    if not 0.3 <= spacing <= 1:
        raise ParameterProblem("spacing", f"{spacing:g}", "give 0.3 to 1 edges")
    pitch = max(1, round(spacing * edge))
    widest = max(template.radius for template in templates) / voxel_size
    if spacing < 1 and pitch < 2 * (widest + shift * edge):
        problem = f"particles of {2 * widest:.0f} voxels every {pitch} would overlap"
        raise ParameterProblem("spacing", problem, "take more, or a smaller shift")
    return pitch


def _one(
    templates: Sequence[Template],
    params: SimulateParams,
    grid: _Grid,
    labels: np.ndarray,
    classes: tuple[str, ...],
    seed: tuple[int, int],
) -> tuple[np.ndarray, ...]:
    """Make one tomogram with a particle in each cell of a grid, and cut it into the cells."""
    random = np.random.default_rng((*seed, 5))
    edge, pitch, shift = grid.edge, grid.pitch, grid.shift
    across = math.ceil(math.sqrt(len(labels)))
    down = math.ceil(len(labels) / across)
    shape = (edge, down * pitch + edge - pitch, across * pitch + edge - pitch)
    params = replace(params, shape=shape, snr=1.0, keep_noise_free=True, **_EMPTY)
    scene = Scene(params, list(classes))
    rotations = _random_rotations(random, len(labels))
    corners = [(0, pitch * (i // across), pitch * (i % across)) for i in range(len(labels))]
    own, shifts = np.zeros(len(labels), np.int64), np.zeros((len(labels), 3))
    for number, (label, rotation, corner) in enumerate(zip(labels, rotations, corners, strict=True)):
        shifts[number] = random.uniform(-shift, shift, 3) * edge
        if label < len(templates):
            at = np.array(corner) + edge // 2 + shifts[number]
            own[number] = _paint(scene, templates[label], rotation, at, scene.label_values[classes[label]])
    recording = run(record(scene, int(random.integers(2**31))))
    assert recording.noise_free is not None  # it was asked for
    volumes = (recording.noise_free, recording.tomogram - recording.noise_free, scene.instances)
    signal, noise, instances = (np.stack([_cell(one, corner, edge) for corner in corners]) for one in volumes)
    mine = (instances == own[:, None, None, None]) & (instances > 0)
    others = (instances > 0) & ~mine
    return signal, noise, mine.astype(np.uint8), others.astype(np.uint8), rotations[:, ::-1, ::-1], shifts


def _paint(scene: Scene, template: Template, rotation: np.ndarray, at: np.ndarray, value: int) -> int:
    """Add a particle to the scene and return its number."""
    number = scene.next_instance()
    paint_map(
        scene.density,
        scene.labels,
        scene.instances,
        scene.occupied,
        _of_equal_contrast(template, scene),
        template.outline,
        scene.voxel_size / template.voxel_size,
        np.ascontiguousarray(rotation),
        at,
        value,
        number,
    )
    return number


def _of_equal_contrast(template: Template, scene: Scene) -> np.ndarray:
    """Return the density of a template, scaled so that its square adds up to one in voxels of the scene."""
    density = smoothed(template, scene.voxel_size)
    power = float(np.square(density, dtype=np.float64).sum()) * (template.voxel_size / scene.voxel_size) ** 3
    return density / np.float32(power**0.5)


def _cell(volume: np.ndarray, corner: tuple[int, int, int], edge: int) -> np.ndarray:
    z, y, x = corner
    return volume[z : z + edge, y : y + edge, x : x + edge]


def _random_rotations(random: np.random.Generator, count: int) -> np.ndarray:
    """Return (count, 3, 3) rotations, uniform, that act on z y x columns."""
    from scipy.spatial.transform import Rotation

    matrices: np.ndarray = Rotation.from_quat(random.normal(size=(count, 4))).as_matrix()
    return matrices
