"""The E-step of FAML: how probable each pose and class of each cube is.

    Expectation(data, coarse, model, grid, ...).of(rows) ─► Candidates

The reference is turned, never the data: so the noise of a cube stays where it was measured.
"""

from __future__ import annotations

import numpy as np
import torch

from ais_app.core.particles.correlation import Band
from ais_app.core.particles.faml_model import Candidates, Data, Model
from ais_app.core.particles.faml_references import ClassReference
from ais_app.core.particles.orientations import angles_between
from ais_app.core.particles.refine import Fit, refine
from ais_app.core.particles.search import distinct

_SAME_ANGLE, _SAME_SHIFT = 3.0, 0.3  # degrees, voxels: candidates that are one
_AT_ONCE = 2**21  # voxels of correlation maps that are held at a time


class Expectation:
    """The E-step: every class in every rotation of a grid, at all shifts at once, then the best ones refined.

    Parameters
    ----------
    data, coarse
        The data, and the same up to a shell beyond which the grid is too coarse to tell rotations apart.
    model
        On the grid of the data.
    grid
        (g, 3, 3) rotations.
    candidates
        M: kept for each cube and class.
    max_shift
        Voxels of the cubes as they came.
    """

    def __init__(
        self, data: Data, coarse: Data, model: Model, grid: np.ndarray, candidates: int, max_shift: float
    ) -> None:
        self._data, self._model, self._count = data, model, min(candidates, len(grid))
        self._coarse, self._coarse_model = coarse, model.on(coarse)
        device = data.cubes.device
        self._grid = torch.from_numpy(grid).to(device=device, dtype=torch.float32)
        self._small = int(coarse.cubes.shape[-1])
        self._apart = 0.9 * float(_step_of(grid))
        self._fine_references = ClassReference.all_of(model, data)
        self._references = (
            self._fine_references if coarse is data else ClassReference.all_of(self._coarse_model, coarse)
        )
        along = torch.fft.fftfreq(self._small, 1 / self._small, device=device)
        distance2 = along[:, None, None] ** 2 + along[:, None] ** 2 + along**2
        prior = -distance2 * (coarse.scale**2 / (2 * model.xi**2))
        inside = distance2 <= (max_shift / coarse.scale) ** 2
        self._prior = torch.where(inside, prior, torch.full_like(prior, -torch.inf))
        self._turned: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def of(self, rows: np.ndarray) -> Candidates:
        """Return the candidates of some cubes, which all have one wedge."""
        wedge = int(self._data.wedge_of[rows[0]])
        classes = [self._of_class(rows, wedge, number) for number in range(len(self._references))]
        stacked = [np.stack(parts, axis=1) for parts in zip(*classes, strict=True)]
        rotations, shifts, log_probability, residual, correlation = stacked
        return Candidates(rotations, shifts, log_probability, residual, correlation)

    def _of_class(self, rows: np.ndarray, wedge: int, number: int) -> tuple[np.ndarray, ...]:
        which = torch.from_numpy(rows).to(self._grid.device)
        coarse = self._coarse.bands[wedge]
        index, places = self._search(coarse.of(self._coarse.transforms[which]), coarse, wedge, number)
        of = torch.arange(len(rows), device=index.device).repeat_interleave(self._count)
        shifts = self._shifts(places.flatten()) * (self._coarse.scale / self._data.scale)
        fit = Fit(self._grid[index.flatten()], shifts, torch.zeros(len(of), device=index.device))
        band = self._data.bands[wedge]
        measured = band.of(self._data.transforms[which])
        reference = self._fine_references[number]
        fit = refine(reference.sampled, measured, of, band, fit, steps=8, farthest=2.0)
        residual, cross, power = self._residual(fit, measured[of], band, reference)
        moved = fit.shifts.double().cpu().numpy()[:, ::-1] * self._data.scale
        model = self._model
        log_p = -residual / model.sigma2 - (moved**2).sum(axis=1) / (2 * model.xi**2)
        log_p = log_p + np.log(max(float(model.alpha[number]), 1e-300))
        shape = (len(rows), self._count)
        rotations = _orthogonal(fit.rotations.double().cpu().numpy()).reshape(*shape, 3, 3)
        moved = moved.reshape(*shape, 3)
        log_p = np.where(_repeated(rotations, moved, log_p.reshape(shape)), -np.inf, log_p.reshape(shape))
        correlation = cross / np.sqrt(np.maximum(power, 1e-30))
        return rotations, moved, log_p, residual.reshape(shape), correlation.reshape(shape)

    def _search(self, measured: torch.Tensor, band: Band, wedge: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the grid rotations, (k, M), and places of the best shift, (k, M), that are the most probable."""
        turned, power = self._turned_class(band, wedge, number)
        small = self._small
        size = max(1, _AT_ONCE // small**3)
        sigma2 = self._coarse_model.sigma2
        flat, partners = _partners(band)
        best = torch.empty((len(measured), len(self._grid)), device=measured.device)
        where = torch.empty_like(best, dtype=torch.long)
        for row, own in enumerate(measured):
            for low in range(0, len(self._grid), size):
                part = slice(low, low + size)
                product = own * turned[part].conj()
                full = product.new_zeros((len(product), small * small * (small // 2 + 1)))
                full[:, band.index] = product
                full[:, partners] = product[:, flat].conj()
                # the band holds one of each pair and a transform back adds up both
                maps = torch.fft.irfftn(full.view(-1, small, small, small // 2 + 1), s=(small,) * 3, dim=(1, 2, 3))
                maps = maps * (small**3 / 2)
                log_p = (2 * maps - power[part, None, None, None]) / sigma2 + self._prior
                best[row, part], where[row, part] = log_p.flatten(1).max(dim=1)
        chosen = distinct(best, self._grid.expand(len(best), -1, -1, -1), self._count, self._apart)
        return chosen, where.gather(1, chosen)

    def _turned_class(self, band: Band, wedge: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        if (wedge, number) not in self._turned:
            values = self._references[number].turned(self._grid, band)
            self._turned[wedge, number] = values, values.abs().square().sum(dim=1)
        return self._turned[wedge, number]

    def _shifts(self, places: torch.Tensor) -> torch.Tensor:
        along = torch.fft.fftfreq(self._small, 1 / self._small, device=places.device)
        z, rest = places // self._small**2, places % self._small**2
        return torch.stack((along[rest % self._small], along[rest // self._small], along[z]), dim=1)

    @staticmethod
    def _residual(
        fit: Fit, own: torch.Tensor, band: Band, reference: ClassReference
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return Σ |R A - X|², Σ R A X* and the product of their powers, of poses with the cubes they belong to."""
        expected = reference.turned(fit.rotations, band) * band.phases(fit.shifts)
        residual = (expected - own).abs().square().double().sum(dim=1)
        cross = (expected * own.conj()).real.double().sum(dim=1)
        power = expected.abs().square().double().sum(dim=1) * own.abs().square().double().sum(dim=1)
        return residual.cpu().numpy(), cross.cpu().numpy(), power.cpu().numpy()


def _step_of(grid: np.ndarray) -> float:
    """Return the distance, degrees, of a rotation from its nearest neighbour."""
    away = angles_between(grid[:1], grid[1:]) if len(grid) > 1 else np.array([0.0])
    return float(away.min())


def _partners(band: Band) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which frequencies of a band have x = 0, and the places of -k, which half transforms hold too."""
    n = band.edge
    k = band.k.round().long()
    flat = (k[:, 0] == 0).nonzero()[:, 0]
    z, y = (-k[flat, 2]) % n, (-k[flat, 1]) % n
    return flat, (z * n + y) * (n // 2 + 1)


def _repeated(rotations: np.ndarray, shifts: np.ndarray, log_p: np.ndarray) -> np.ndarray:
    """Return which candidates, (k, M), are the same as a more probable one of their cube."""
    angle = angles_between(rotations[:, :, None], rotations[:, None])
    distance = np.linalg.norm(shifts[:, :, None] - shifts[:, None], axis=-1)
    same = (angle < _SAME_ANGLE) & (distance < _SAME_SHIFT)
    place = np.arange(log_p.shape[1])
    better = (log_p[:, None, :] > log_p[:, :, None]) | (
        (log_p[:, None, :] == log_p[:, :, None]) & (place[None, None, :] < place[None, :, None])
    )
    return np.asarray((same & better).any(axis=2))


def _orthogonal(rotations: np.ndarray) -> np.ndarray:
    """Return the nearest rotations: float32 products drift."""
    u, _, v = np.linalg.svd(rotations)
    return np.asarray(u @ v)
