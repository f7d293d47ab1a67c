"""Lipid bilayers: closed vesicles of irregular shape, double membranes, and sheets that cross the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ais_app.core.simulate.scene import Scene
from ais_app.core.simulate.surfaces import Sheet, Surface, Vesicle, near_surface

HEAD_CHARGE = 0.10  # electrons per Å³ above ice at the peak of the head groups
TAIL_CHARGE = -0.02  # hydrocarbon is a little thinner than ice
HEAD_WIDTH = 6.0  # Å, standard deviation
LABEL_MARGIN = 6.0  # Å beyond the head groups that a person would still paint
_TRIES = 100


def add_sheets(scene: Scene, rng: np.random.Generator) -> None:
    """Put sheets into a scene; one may end at the carbon."""
    params = scene.params
    placed = _place_all(scene, lambda: [_sheet(scene, rng)], params.number("n_sheets"), 0.7)
    scene.count("sheet", placed, params.n_sheets)


def add_vesicles(scene: Scene, rng: np.random.Generator) -> None:
    """Put double membranes, then vesicles into a scene where there is all the room they need."""
    params = scene.params
    placed = _place_all(scene, lambda: _double_membrane(scene, rng), params.number("n_double_membranes"), 1.0)
    scene.count("double membrane", placed, params.n_double_membranes)
    placed = _place_all(scene, lambda: [_vesicle(scene, rng, *params.vesicle_radius)], params.number("n_vesicles"), 1.0)
    scene.count("vesicle", placed, params.n_vesicles)


def _place_all(scene: Scene, make: Callable[[], list[Surface]], wanted: int, least_free: float) -> int:
    """Place as many as are wanted or as find room, and return how many that were."""
    for done in range(wanted):
        if not _place(scene, make, least_free):
            return done
    return wanted


def bilayer_density(distance: np.ndarray, thickness: float, voxel_size: float) -> np.ndarray:
    """Return electrons per Å³ above ice, float32, at signed distances in Å, any shape, from the middle of a bilayer.

    Two Gaussian layers of head groups, `thickness` apart, and thin tails between them; widened to what a voxel
    can hold.
    """
    width = np.hypot(HEAD_WIDTH, 0.35 * voxel_size)
    loss = HEAD_WIDTH / width  # the same charge per area at every voxel size
    heads = sum(np.exp(-0.5 * ((distance - side * thickness / 2) / width) ** 2) for side in (-1, 1))
    tails = np.exp(-0.5 * (distance / (thickness / 5)) ** 2)
    return (HEAD_CHARGE * loss * heads + TAIL_CHARGE * tails).astype(np.float32)


def _place(scene: Scene, make: Callable[[], list[Surface]], least_free: float) -> bool:
    """Try random surfaces until one finds room; paint it and tell whether there was one."""
    thickness = scene.params.membrane_thickness
    reach = thickness / 2 + 4 * np.hypot(HEAD_WIDTH, 0.35 * scene.voxel_size)
    clearance = max(thickness / 2 + LABEL_MARGIN, 0.75 * scene.voxel_size) + 10.0
    for _ in range(_TRIES):
        surfaces = make()
        if all(_has_room(scene, surface, clearance, least_free) for surface in surfaces):
            break
    else:
        return False
    for surface in surfaces:
        index, distance = near_surface(surface, scene.shape, scene.voxel_size, max(reach, clearance))
        free = scene.occupied[tuple(index.T)] == 0
        _paint(scene, index[free], distance[free], clearance)
        scene.surfaces.append(surface)
    return True


def _has_room(scene: Scene, surface: Surface, clearance: float, least_free: float) -> bool:
    """Look at a sample of the voxels around a surface; one that hardly touches the volume has no room either."""
    index, _ = near_surface(surface, scene.shape, scene.voxel_size, clearance, stride=2)
    where = tuple(index.T)
    crosses = bool((scene.labels[where] == scene.label_values["membrane"]).any())  # membranes never do
    return len(index) > 100 and not crosses and float(np.mean(scene.occupied[where] == 0)) >= least_free


def _paint(scene: Scene, index: np.ndarray, distance: np.ndarray, clearance: float) -> None:
    thickness = scene.params.membrane_thickness
    where = tuple(index.T)
    scene.density[where] += bilayer_density(distance, thickness, scene.voxel_size)
    label = np.abs(distance) <= max(thickness / 2 + LABEL_MARGIN, 0.75 * scene.voxel_size)
    inside = tuple(index[label].T)
    scene.labels[inside] = scene.label_values["membrane"]
    scene.instances[inside] = scene.next_instance()
    scene.occupied[tuple(index[np.abs(distance) <= clearance].T)] = 1


def _vesicle(scene: Scene, rng: np.random.Generator, smallest: float, largest: float) -> Vesicle:
    radius = rng.uniform(smallest, largest)
    count = 4
    return Vesicle(
        centre_zyx=rng.uniform(0, scene.extent_zyx),
        radius=radius,
        axes=rng.uniform(0.85, 1.15, 3),
        waves=rng.normal(0, 2.0, (count, 3)),
        phases=rng.uniform(0, 2 * np.pi, count),
        amplitudes=rng.uniform(0.01, 0.04, count),
    )


def _double_membrane(scene: Scene, rng: np.random.Generator) -> list[Surface]:
    smallest, largest = scene.params.vesicle_radius
    outer = _vesicle(scene, rng, (smallest + largest) / 2, largest)
    gap = min(rng.uniform(110, 180), 0.5 * outer.radius)
    waves = outer.waves + rng.normal(0, 0.3, outer.waves.shape)
    return [outer, replace(outer, radius=outer.radius - gap, waves=waves)]


def _sheet(scene: Scene, rng: np.random.Generator) -> Sheet:
    # membranes that lie flat are lost in the missing wedge of any tomogram: keep the normal within 35° of the slice
    elevation, azimuth = rng.uniform(-0.6, 0.6), rng.uniform(0, 2 * np.pi)
    normal = np.array([np.sin(elevation), np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth)])
    count = 3
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = rng.uniform(900, 2500, count)
    return Sheet(
        point_zyx=scene.extent_zyx * rng.uniform(0.25, 0.75, 3),
        normal_zyx=normal,
        waves=2 * np.pi * directions / lengths[:, None],
        phases=rng.uniform(0, 2 * np.pi, count),
        amplitudes=rng.uniform(0.015, 0.04, count) * lengths,
    )
