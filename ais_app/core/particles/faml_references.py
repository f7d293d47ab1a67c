"""The classes of FAML as references: turned in Fourier space, on the scale of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ais_app.core.particles.correlation import Band, Reference, Sampled
from ais_app.core.particles.faml_model import Data, Model
from ais_app.core.particles.fourier import from_fourier, resized, soft_sphere, to_fourier

_BALL = 0.2, 0.45  # boxes from the centre: classes fade from here to there


@dataclass(frozen=True)
class ClassReference:
    """A class to be turned.

    Parameters
    ----------
    sampled
        The class, with slopes.
    scale
        What its samples are multiplied by to be as its transform on the grid of the data; 0 of a class that is empty.
    """

    sampled: Sampled
    scale: float

    def turned(self, rotations: torch.Tensor, band: Band) -> torch.Tensor:
        """Return the class in rotations (k, 3, 3) at the frequencies of a band, (k, m) complex."""
        return self.sampled(rotations, band.k)[0] * self.scale

    @staticmethod
    def all_of(model: Model, data: Data) -> list[ClassReference]:
        """Return the classes of a model, cut with a soft ball.

        What is outside the particle in a class is noise, to each cube partly its own: it would hold cubes in their
        class.
        """
        edge, low, high = data.edge, *_BALL
        cubes = from_fourier(resized(model.classes, int(model.classes.shape[1]), edge), edge)
        ball = torch.from_numpy(soft_sphere(edge, high * edge, (high - low) * edge)).to(cubes)
        return [ClassReference._of(cube * ball, data.shells) for cube in cubes]

    @staticmethod
    def _of(cube: torch.Tensor, shells: int) -> ClassReference:
        values, device = np.asarray(cube.cpu()), cube.device
        if not np.ptp(values) > 0:
            values = np.random.default_rng(0).normal(size=values.shape).astype(np.float32)
            return ClassReference(Sampled(Reference(values), shells, slopes=True, device=device), 0.0)
        sampled = Sampled(Reference(values), shells, slopes=True, device=device)
        edge, small = values.shape[0], min(values.shape[0], 2 * shells + 4)
        band = Band.up_to(small, shells, device=device)
        wanted = band.of(resized(to_fourier(cube), edge, small))
        found = sampled(torch.eye(3, device=device)[None], band.k)[0][0]
        scale = (found.conj() * wanted).real.sum() / found.abs().square().sum().clamp_min(1e-20)
        return ClassReference(sampled, float(scale))
