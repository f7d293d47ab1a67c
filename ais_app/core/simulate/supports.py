"""Gold beads and the edge of a carbon film: dense, and so kept apart from the biological density."""

from __future__ import annotations

import numpy as np

from ais_app.core.simulate.scene import Placed, Scene

GOLD_CHARGE = 2.5  # electrons per Å³ above ice, lowered from 4.3: heavy atoms scatter less than in proportion
CARBON_CHARGE = 0.29  # amorphous carbon of 2.0 g/cm³
CARBON_THICKNESS = 200.0  # Å
_HOLE_RADIUS = 8000.0  # Å, of the hole in the film
_TRIES = 200


def add_carbon(scene: Scene, rng: np.random.Generator) -> None:
    """Put the rim of a hole in a carbon film along one side of the field, half way up, if there is to be one."""
    if not scene.params.carbon:
        return
    size, (nz, ny, _) = scene.voxel_size, scene.shape
    middle = scene.extent_zyx / 2 + rng.uniform(-0.1, 0.1, 3) * scene.extent_zyx
    thickness = min(CARBON_THICKNESS, 0.6 * scene.extent_zyx[0])
    film = _rim(scene, rng, middle[1])
    columns = np.flatnonzero(film.any(axis=0))
    height = _soft_edge(thickness / 2 - np.abs(np.arange(nz) * size - middle[0]), size)
    layers = np.flatnonzero(height)
    if not (len(columns) and len(layers)):
        scene.count("carbon", 0, 1)
        return
    where = (slice(layers[0], layers[-1] + 1), slice(0, ny), slice(columns[0], columns[-1] + 1))
    film = height[where[0], None, None] * film[:, where[2]]
    texture = rng.standard_normal(film.shape, dtype=np.float32)
    scene.dense[where] += (film * CARBON_CHARGE * (1 + 0.3 * texture)).astype(np.float32)
    solid = film >= 0.5
    scene.labels[where][solid] = scene.label_values["carbon"]
    scene.instances[where][solid] = scene.next_instance()
    scene.occupied[where][film > 0.01] = 1
    scene.count("carbon", 1, 1)


def _rim(scene: Scene, rng: np.random.Generator, hole_y: float) -> np.ndarray:
    """Return where the film is, (y, x), 0 to 1: outside a large, slightly rough circle, on the left or on the right."""
    y, x = (np.arange(n) * scene.voxel_size for n in scene.shape[1:])
    hole_x = rng.uniform(0.06, 0.12) * scene.extent_zyx[2] + _HOLE_RADIUS
    rough = 15.0 * np.cos(y / rng.uniform(90, 160) + rng.uniform(0, 6)) + 10.0 * np.cos(y / rng.uniform(40, 70))
    depth = np.hypot(y[:, None] - hole_y, x[None, :] - hole_x) - _HOLE_RADIUS - rough[:, None]
    depth[:, x > hole_x] = -1e6  # the other side of the hole is out of the field
    rim = _soft_edge(depth, scene.voxel_size)
    return rim[:, ::-1] if rng.random() < 0.5 else rim


def add_beads(scene: Scene, rng: np.random.Generator) -> None:
    """Scatter gold beads where there is room."""
    params, size = scene.params, scene.voxel_size
    placed = Placed(rotations=None)
    for _ in range(params.number("n_beads")):
        radius = 0.5 * params.bead_diameter * rng.uniform(0.92, 1.08)
        centre = _free_ball(scene, rng, radius)
        if centre is None:
            break
        low = np.maximum(0, np.floor((centre - radius) / size).astype(int) - 2)
        high = np.minimum(scene.shape, np.ceil((centre + radius) / size).astype(int) + 3)
        where = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        grid = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
        depth = radius - np.linalg.norm(grid * size - centre, axis=-1)
        ball = _soft_edge(depth, size)
        scene.dense[where] += (GOLD_CHARGE * ball).astype(np.float32)
        inside = depth >= 0
        scene.labels[where][inside] = scene.label_values["gold"]
        scene.instances[where][inside] = scene.next_instance()
        scene.occupied[where][depth > -1.5 * size] = 1
        placed.positions_zyx.append(centre)
    scene.particles["gold"] = placed
    scene.count("gold", len(placed.positions_zyx), params.n_beads)


def _free_ball(scene: Scene, rng: np.random.Generator, radius: float) -> np.ndarray | None:
    directions = rng.normal(size=(60, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    shells = np.concatenate([np.zeros((1, 3)), *(directions * radius * f for f in (0.35, 0.7, 1.0))])
    margin = np.minimum(radius + scene.voxel_size, scene.extent_zyx / 2)
    for _ in range(_TRIES):
        centre = rng.uniform(margin, scene.extent_zyx - margin)
        if scene.is_free(centre + shells):
            return centre
    return None


def _soft_edge(depth: np.ndarray, voxel_size: float) -> np.ndarray:
    """Return how full a voxel is whose centre lies `depth` Å inside a surface: 0 to 1 over one voxel and a half."""
    return np.clip(depth / (1.5 * voxel_size) + 0.5, 0, 1)
