"""Phantoms: a tomogram and the exact truth about everything in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ais_app.core.coordinates import Particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.simulate.cell import build_scene
from ais_app.core.simulate.imaging import record
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.scene import Filament, Scene
from ais_app.core.tomogram import Tomogram

R = TypeVar("R")


@dataclass(frozen=True)
class Phantom:
    """A simulated tomogram with its truth.

    Parameters
    ----------
    tomogram_data
        (z, y, x) float32, in units of the noise's deviation; structures are dark unless inverted.
    voxel_size
        Å.
    label_volume
        (z, y, x) uint8: 0 ice, otherwise ``label_values``.
    label_values
        Feature to its value.
    particles
        Complex (and ``"gold"``) to its centres of charge and, but for gold, rotations.
    filaments
        Axes of microtubules and actin.
    metadata
        Parameters, seed, counts asked for and placed, occupancy, tilts, measured SNR.
    instances
        (z, y, x) uint16, one number per structure; ``None`` unless asked for.
    noise_free
        (z, y, x) float32, the tomogram without noise; ``None`` unless asked for.
    """

    tomogram_data: np.ndarray
    voxel_size: float
    label_volume: np.ndarray
    label_values: dict[str, int]
    particles: dict[str, Particles]
    filaments: list[Filament]
    metadata: dict[str, Any] = field(default_factory=dict)
    instances: np.ndarray | None = None
    noise_free: np.ndarray | None = None

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """Feature to its (z, y, x) uint8 mask, 0 or 1; only features that are there."""
        return {name: self.mask(name) for name in self.features}

    @property
    def features(self) -> list[str]:
        """Names of the features that are there."""
        present = np.flatnonzero(np.bincount(self.label_volume.ravel(), minlength=256))
        return [name for name, value in self.label_values.items() if value in present]

    def mask(self, feature: str) -> np.ndarray:
        """Return (z, y, x) uint8: 1 where the feature is."""
        return (self.label_volume == self.label_values[feature]).astype(np.uint8)

    @property
    def tomogram(self) -> Tomogram:
        """The tomogram in memory."""
        return Tomogram(self.tomogram_data, (self.voxel_size,) * 3)


def make_phantom_job(params: SimulateParams | None = None, seed: int = 0) -> Job[Phantom]:
    """Make a phantom in memory.

    Parameters
    ----------
    params
        What is in it and how it is imaged; a small piece of a cell by default.
    seed
        The same seed and parameters give the same phantom.

    Returns
    -------
    Phantom
        Tomogram and truth, z y x, Å.

    Raises
    ------
    ParameterProblem
        A parameter is out of bounds or names an unknown complex.
    """
    params = params or SimulateParams()
    if seed < 0:
        raise ParameterProblem("seed", f"{seed} is negative", "give 0 or a positive whole number")
    scene = yield from _part(build_scene(params, seed), 0, 50)
    recording = yield from _part(record(scene, seed), 50, 100)
    complexes = [value for name, value in scene.label_values.items() if name in scene.particles and name != "gold"]
    filled = np.isin(scene.labels, complexes).mean() if complexes else 0.0
    return Phantom(
        tomogram_data=recording.tomogram,
        voxel_size=params.voxel_size,
        label_volume=scene.labels,
        label_values=scene.label_values,
        particles=_particles(scene),
        filaments=scene.filaments,
        metadata={
            "seed": seed,
            "parameters": params.to_dict(),
            "requested": scene.requested,
            "placed": scene.placed,
            "occupancy": float(filled),
            "snr": recording.snr,
            "tilts": recording.tilts.tolist(),
        },
        instances=scene.instances if params.keep_instances else None,
        noise_free=recording.noise_free,
    )


make_phantom = direct(make_phantom_job)


def _part(job: Job[R], low: float, high: float) -> Job[R]:
    """Run a part of the work and show its progress as a span of the whole, in percent."""
    try:
        while True:
            progress = next(job)
            done = low + (high - low) * progress.done / progress.total
            yield Progress(done, 100, progress.message)
    except StopIteration as finished:
        result: R = finished.value
        return result


def _particles(scene: Scene) -> dict[str, Particles]:
    return {
        name: Particles(
            np.array(placed.positions_zyx).reshape(-1, 3),
            rotations=None if placed.rotations is None else np.array(placed.rotations).reshape(-1, 3, 3),
            voxel_size=scene.voxel_size,
            shape_zyx=scene.shape,
        )
        for name, placed in scene.particles.items()
        if placed.positions_zyx
    }
