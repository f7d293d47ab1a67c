"""The two steps of FAML: how probable each pose and class of each cube is, and what the classes then are.

    expectation(data, model) ─► Candidates ─► maximisation(data, candidates, model) ─► Model

With X a transform, w what its wedge has measured, A_k the transforms of the classes, R a rotation and q a shift:

    ln p(X | k, R, q) = -Σ_j w |R A_k - X|² / 2σ²,   ln p(q) = -|q|² / 2ξ²,   p(k) = α_k

The reference is turned, never the data: so the noise of a cube stays where it was measured. Sums run over one of each
pair of frequencies, which halves them, and σ² is the mean of |R A - X|²; so -Σ |R A - X|² / σ² is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ais_app.core.particles.average_sums import back_turned
from ais_app.core.particles.correlation import Band, Reference, Sampled
from ais_app.core.particles.fourier import from_fourier, resized, soft_sphere, to_fourier
from ais_app.core.particles.orientations import angles_between
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.refine import Fit, refine
from ais_app.core.particles.search import distinct
from ais_app.core.particles.wedge import Wedge

_SAME_ANGLE, _SAME_SHIFT = 3.0, 0.3  # degrees, voxels: candidates that are one
_BALL = 0.2, 0.45  # boxes from the centre: classes fade from here to there
_NEGLIGIBLE = 1e-3  # probability below which a candidate adds nothing to a class
_AT_ONCE = 2**21  # voxels of correlation maps that are held at a time


@dataclass(frozen=True)
class Data:
    """Subtomograms at the frequencies of one band, on a grid just large enough for it.

    Parameters
    ----------
    edge
        Voxels of the cubes as they came.
    cubes
        (n, m, m, m) float32, made smaller in Fourier space.
    transforms
        (n, m, m, m // 2 + 1) complex64, of the cubes.
    bands
        One for each wedge: what it has measured.
    wedges, wedge_of
        As everywhere.
    shells
        Of the band.
    """

    edge: int
    cubes: torch.Tensor
    transforms: torch.Tensor
    bands: tuple[Band, ...]
    wedges: tuple[Wedge, ...]
    wedge_of: np.ndarray
    shells: int

    @property
    def scale(self) -> float:
        """Voxels of the cubes as they came, in one of these."""
        return self.edge / int(self.cubes.shape[-1])

    @staticmethod
    def of(transforms: torch.Tensor, edge: int, wedges: tuple[Wedge, ...], wedge_of: np.ndarray, shells: int) -> Data:
        """Return the data up to a shell from transforms, at least as large, of standardised cubes of `edge` voxels."""
        small = min(edge, 2 * shells + 4)
        low = resized(transforms, int(transforms.shape[1]), small)
        masks = [wedge.mask(small, device=low.device) for wedge in wedges]
        bands = tuple(Band.up_to(small, shells, mask, low.device) for mask in masks)
        return Data(edge, from_fourier(low, small), low, bands, wedges, wedge_of, shells)


@dataclass(frozen=True)
class Model:
    """The classes and what is known of the data.

    Parameters
    ----------
    classes
        (K, m, m, m // 2 + 1) complex64: A, on the grid of the data.
    alpha
        (K,) float64: share of each class; adds up to 1.
    sigma2
        Variance of the noise of a frequency.
    xi
        Voxels of the cubes as they came: spread of the shifts along an axis.
    """

    classes: torch.Tensor
    alpha: np.ndarray
    sigma2: float
    xi: float

    def on(self, data: Data) -> Model:
        """Return the model on the grid of other data."""
        before, after = int(self.classes.shape[1]), int(data.cubes.shape[-1])
        # sums over the voxels of a transform grow with their number, and the variance with its square
        factor = (after / before) ** 6
        return replace(self, classes=resized(self.classes, before, after), sigma2=self.sigma2 * factor)


@dataclass(frozen=True)
class Candidates:
    """Where each class may lie in each cube.

    Parameters
    ----------
    rotations
        (n, K, M, 3, 3) float64.
    shifts
        (n, K, M, 3) float64, z y x, voxels of the cubes as they came.
    log_probability
        (n, K, M) float64, not normalised; -inf for candidates that are another one's.
    residual
        (n, K, M) float64: Σ w |R A - X|² over the band.
    correlation
        (n, K, M) float64.
    """

    rotations: np.ndarray
    shifts: np.ndarray
    log_probability: np.ndarray
    residual: np.ndarray
    correlation: np.ndarray

    @property
    def probability(self) -> np.ndarray:
        """(n, K, M) float64: posterior; those of a cube add up to 1. By log-sum-exp: no number is too small for it."""
        from scipy.special import logsumexp

        total = logsumexp(self.log_probability, axis=(1, 2), keepdims=True)
        return np.asarray(np.exp(self.log_probability - total))

    def best(self, classes: np.ndarray) -> Poses:
        """Return the most probable pose of each cube in the class given for it, (n,)."""
        rows = np.arange(len(classes))
        which = self.log_probability[rows, classes].argmax(axis=1)
        chosen = rows, classes, which
        return Poses(self.rotations[chosen], self.shifts[chosen], self.correlation[chosen])

    @staticmethod
    def joined(parts: list[Candidates]) -> Candidates:
        """Return the candidates of all cubes."""
        names = ("rotations", "shifts", "log_probability", "residual", "correlation")
        return Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


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
        self._fine_references = _references(model, data)
        self._references = self._fine_references if coarse is data else _references(self._coarse_model, coarse)
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
        sampled, scale = self._fine_references[number]
        fit = refine(sampled, measured, of, band, fit, steps=8, farthest=2.0)
        residual, cross, power = self._residual(fit, measured, of, band, sampled, scale)
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
            sampled, scale = self._references[number]
            values = sampled(self._grid, band.k)[0] * scale
            self._turned[wedge, number] = values, values.abs().square().sum(dim=1)
        return self._turned[wedge, number]

    def _shifts(self, places: torch.Tensor) -> torch.Tensor:
        along = torch.fft.fftfreq(self._small, 1 / self._small, device=places.device)
        z, rest = places // self._small**2, places % self._small**2
        return torch.stack((along[rest % self._small], along[rest // self._small], along[z]), dim=1)

    @staticmethod
    def _residual(
        fit: Fit, measured: torch.Tensor, of: torch.Tensor, band: Band, sampled: Sampled, scale: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        expected = sampled(fit.rotations, band.k)[0] * scale * band.phases(fit.shifts)
        own = measured[of]
        residual = (expected - own).abs().square().double().sum(dim=1)
        cross = (expected * own.conj()).real.double().sum(dim=1)
        power = expected.abs().square().double().sum(dim=1) * own.abs().square().double().sum(dim=1)
        return residual.cpu().numpy(), cross.cpu().numpy(), power.cpu().numpy()


def maximised(data: Data, candidates: Candidates, model: Model, smoothing: float = 0.0) -> Model:
    """Return the model that makes the data most probable, given how probable the candidates are: the M-step.

    Parameters
    ----------
    smoothing
        λ: how strongly classes are held together, in cubes.
    """
    probability = candidates.probability
    count, classes = probability.shape[:2]
    of_class = probability.sum(axis=(0, 2))
    frequencies = np.array([len(data.bands[wedge].index) for wedge in data.wedge_of], dtype=float)
    whole = float(len(Band.up_to(int(data.cubes.shape[-1]), data.shells).index))
    residual = float((probability * candidates.residual).sum())
    # what was not measured is expected to vary as it did
    missing = float((whole - frequencies).sum()) * model.sigma2
    apart = _apart(model.classes, data) if smoothing else 0.0
    sigma2 = (residual + missing + smoothing * apart) / (count * whole)
    moved = float((probability[..., None] * candidates.shifts**2).sum())
    new = [_class(data, candidates, probability, number, model.classes[number]) for number in range(classes)]
    together = model.classes.sum(dim=0)
    averages = []
    for number, (total, weight) in enumerate(new):
        share = weight + smoothing * classes
        mean = (total + smoothing * together) / share if share > 1e-6 else model.classes[number]
        averages.append(mean)
    alpha = of_class / of_class.sum()
    return Model(torch.stack(averages), alpha, max(sigma2, 1e-12), max(float(np.sqrt(moved / (3 * count))), 0.3))


def _class(
    data: Data, candidates: Candidates, probability: np.ndarray, number: int, before: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """Return Σ p (w X + (1 - w) A), turned back, and Σ p of a class."""
    particle, which = np.nonzero(probability[:, number] > _NEGLIGIBLE)
    total, seen, weight = torch.zeros_like(before), torch.zeros_like(before.real), 0.0
    size = max(1, _AT_ONCE // (16 * int(data.cubes.shape[-1]) ** 3))
    for low in range(0, len(particle), size):
        rows, take = particle[low : low + size], which[low : low + size]
        shifts = candidates.shifts[rows, number, take] / data.scale
        poses = Poses.of(candidates.rotations[rows, number, take], shifts)
        cubes = data.cubes[torch.from_numpy(rows).to(before.device)]
        spectra, masks = back_turned(cubes, poses, data.wedges, data.wedge_of[rows], fine=True)
        p = torch.as_tensor(probability[rows, number, take], dtype=torch.float32, device=before.device)
        total += (spectra * p[:, None, None, None]).sum(dim=0)
        seen += (masks * p[:, None, None, None]).sum(dim=0)
        weight += float(p.double().sum())
    return total + (weight - seen) * before, weight


def _references(model: Model, data: Data) -> list[tuple[Sampled, float]]:
    """Return the classes, cut with a soft ball, to be turned.

    What is outside the particle in a class is noise, to each cube partly its own: it would hold cubes in their class.
    """
    edge, low, high = data.edge, *_BALL
    cubes = from_fourier(resized(model.classes, int(model.classes.shape[1]), edge), edge)
    ball = torch.from_numpy(soft_sphere(edge, high * edge, (high - low) * edge)).to(cubes)
    return [_sampled(cube * ball, data.shells, cubes.device) for cube in cubes]


def _sampled(cube: torch.Tensor, shells: int, device: torch.device) -> tuple[Sampled, float]:
    """Return a map to be turned, and what its samples are multiplied by to be as its transform on the grid of data."""
    values = np.asarray(cube.cpu())
    if not np.ptp(values) > 0:
        values = np.random.default_rng(0).normal(size=values.shape).astype(np.float32)
        return Sampled(Reference(values), shells, slopes=True, device=device), 0.0
    sampled = Sampled(Reference(values), shells, slopes=True, device=device)
    edge, small = values.shape[0], min(values.shape[0], 2 * shells + 4)
    band = Band.up_to(small, shells, device=device)
    wanted = band.of(resized(to_fourier(cube), edge, small))
    found = sampled(torch.eye(3, device=device)[None], band.k)[0][0]
    scale = (found.conj() * wanted).real.sum() / found.abs().square().sum().clamp_min(1e-20)
    return sampled, float(scale)


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


def _apart(classes: torch.Tensor, data: Data) -> float:
    band = Band.up_to(int(data.cubes.shape[-1]), data.shells, device=classes.device)
    values = band.of(classes)
    return float((values[:, None] - values[None]).abs().square().double().sum())
