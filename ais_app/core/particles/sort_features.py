"""What sets aligned subtomograms apart, as rows of numbers, and the few directions in which they differ most.

    features_job(cubes, poses, wedges, wedge_of, params) ─► (n, p) ─► coordinates ─► (n, d) ─► grouped ─► (n,) classes

A cube without its missing wedge differs from another one mostly by where the wedge points. So each is compared with the
average of all only where it has measured: what it has not seen is no difference (`difference`), or is taken from the
average (`imputed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.params import Params, param
from ais_app.core.particles.average_sums import back_turned, batches, check_cubes, cubes_tensor, sums_job
from ais_app.core.particles.components import principal_components
from ais_app.core.particles.sort_expected import Expected

if TYPE_CHECKING:
    import torch

    from ais_app.core.particles.poses import Poses
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

FEATURES = ("difference", "imputed", "plain")
_EM_ROUNDS = 10


@dataclass(frozen=True)
class FeatureParams(Params):
    """How subtomograms are compared.

    Parameters are those of `SortParams`, lengths in voxels of the cubes.
    """

    features: str = param("difference", "What is compared", choices=FEATURES)
    shells: int = param(8, "Finest frequency that is compared, waves per cube", low=2)
    dimensions: int = param(8, "Directions kept", low=1, high=200)
    em: bool = param(False, "Find the directions from measured frequencies alone")
    seed: int = param(0, "Of all that is random", low=0)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


def coordinates_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: FeatureParams,
    mask: np.ndarray | None = None,
) -> Job[np.ndarray]:
    """Return where each cube lies along the directions in which they differ most, (n, d) float64; a job.

    Parameters
    ----------
    cubes, poses, wedges, wedge_of
        (n, e, e, e) cubes, bright, aligned to each other by their poses.
    params
        How they are compared.
    mask
        (e, e, e), 0 to 1: where differences count; a soft sphere if not given.
    """
    rows, seen = yield from features_job(cubes, poses, wedges, wedge_of, params, mask)
    count = min(params.dimensions, len(rows) - 1, rows.shape[1])
    if count < 1:
        return np.zeros((len(rows), 1))
    if params.em:
        return weighted_coordinates(rows, seen, count, params.seed)
    return np.asarray(principal_components(rows, count, params.seed).codes(rows), dtype=float)


def features_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: FeatureParams,
    mask: np.ndarray | None = None,
) -> Job[tuple[np.ndarray, np.ndarray]]:
    """Return what sets each cube apart, (n, p) float32, and how much of it was measured, the same shape; a job.

    Values are voxels within the mask, of cubes made smaller as far as the frequencies allow; with ``em`` they are real
    and imaginary parts of frequencies.
    """
    import torch

    from ais_app.core.particles.correlation import compute_device

    edge = check_cubes(cubes, poses, wedges, wedge_of)
    device = compute_device(params.device)
    sums = yield from sums_job(cubes, poses, wedges, wedge_of, device=params.device)
    grid = _Grid.of(edge, params.shells, mask, device)
    # where the unmeasured is inferred, a turn taken away from what was measured alone would be inferred back
    mean = Expected.of(grid.low(sums[0].spectrum()), grid.small, moving=not params.em)
    parts, measured = [], []
    for rows in batches(len(poses), edge):
        yield Progress(rows.start, len(poses), "comparing")
        read = cubes_tensor(cubes, rows).to(device)
        own = np.asarray(wedge_of)[rows]
        full = np.zeros_like(own)
        # without regard to wedges nothing is known to be missing
        spectra, seen = (
            back_turned(read, poses[rows], (_full(),), full)
            if params.features == "plain"
            else back_turned(read, poses[rows], wedges, own)
        )
        spectra, seen = grid.low(spectra), grid.low(seen)
        compared = spectra if params.features == "plain" else mean.compared(spectra, seen, params.features)
        if params.em:
            parts.append(grid.frequencies(compared))
            measured.append(grid.frequencies(torch.complex(seen, seen)))
        else:
            parts.append(grid.voxels(compared))
    found = np.concatenate(parts)
    return found, (np.concatenate(measured) if measured else np.ones((1, 1), np.float32))


def weighted_coordinates(rows: np.ndarray, weights: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return coordinates along principal directions of rows of which some values were not measured.

    Expectation and maximisation in turn: coordinates of each row from what it has measured, directions from the rows
    that have measured each value (Bailey 2012, Publications of the Astronomical Society of the Pacific 124, 1015).

    Parameters
    ----------
    rows
        (n, p), their mean taken away.
    weights
        (n, p), 0 where not measured, else 1.
    count
        Directions.
    seed
        Of the first directions.

    Returns
    -------
    ndarray
        (n, count) float64, the direction with the largest variance first.
    """
    values, known = np.asarray(rows, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    values = values * known
    small = 1e-6 * float((values**2).mean()) + 1e-30
    directions = np.random.default_rng((seed, 13)).normal(size=(count, values.shape[1]))
    directions = np.linalg.qr(directions.T)[0].T
    for _ in range(_EM_ROUNDS):
        coordinates = _solved(
            np.einsum("dp,np,ep->nde", directions, known, directions, optimize=True), values @ directions.T, small
        )
        moments = np.einsum("nd,np,ne->pde", coordinates, known, coordinates, optimize=True)
        updated = _solved(moments, values.T @ coordinates, small).T
        directions = np.linalg.qr(updated.T)[0].T
    gram = np.einsum("dp,np,ep->nde", directions, known, directions, optimize=True)
    coordinates = _solved(gram, values @ directions.T, small)
    turn = np.linalg.svd(coordinates - coordinates.mean(axis=0), full_matrices=False)[2]
    return np.asarray(coordinates @ turn.T)


def grouped(coordinates: np.ndarray, classes: int, method: str = "kmeans", seed: int = 0) -> np.ndarray:
    """Return the class of each row, (n,) int64, numbered by size, the largest first.

    Parameters
    ----------
    coordinates
        (n, d).
    classes
        How many.
    method
        ``"kmeans"``, the best of 20 starts; or ``"ward"``: rows and groups are joined so that variance grows least.
    seed
        Of the starts.

    Raises
    ------
    ParameterProblem
        There are fewer rows than classes.
    """
    check_classes(classes, len(coordinates))
    if classes == 1:
        return np.zeros(len(coordinates), np.int64)
    if method == "ward":
        from sklearn.cluster import AgglomerativeClustering

        labels = AgglomerativeClustering(classes).fit_predict(coordinates)
    else:
        from sklearn.cluster import KMeans

        labels = KMeans(classes, n_init=20, random_state=seed).fit_predict(coordinates)
    order = np.argsort(-np.bincount(labels, minlength=classes), kind="stable")
    number = np.empty(classes, np.int64)
    number[order] = np.arange(classes)
    return number[labels]


def check_classes(classes: int, count: int) -> None:
    """Raise `ParameterProblem` where there are more classes than particles."""
    if not 1 <= classes <= count:
        raise ParameterProblem("classes", f"{classes} of {count} particles", f"choose 1 to {count}")


@dataclass(frozen=True)
class _Grid:
    """Frequencies up to some shell, and the voxels that show them."""

    edge: int
    small: int
    kept: torch.Tensor  # (small, small, small // 2 + 1), 0 or 1
    inside: torch.Tensor  # (small, small, small) 0 to 1

    @staticmethod
    def of(edge: int, shells: int, mask: np.ndarray | None, device: torch.device) -> _Grid:
        import torch

        from ais_app.core.particles.fourier import from_fourier, radii, resized, soft_sphere, to_fourier

        small = min(edge, 2 * shells + 2)
        outline = torch.as_tensor(soft_sphere(edge) if mask is None else np.asarray(mask, np.float32), device=device)
        if outline.shape != (edge,) * 3 or float(outline.max()) <= 0:
            raise ParameterProblem("mask", "nothing is inside", f"give a cube of {edge} voxels, 0 to 1")
        inside = from_fourier(resized(to_fourier(outline), edge, small), small).clamp(0, 1)
        radius = radii(small, device)
        return _Grid(edge, small, ((radius > 0) & (radius <= shells)).float(), inside)

    def low(self, transforms: torch.Tensor) -> torch.Tensor:
        """Return the kept frequencies of transforms, or of masks, on the small grid; grey values stay."""
        from ais_app.core.particles.fourier import resized

        scale = 1.0 if transforms.is_complex() else (self.edge / self.small) ** 3
        return resized(transforms, self.edge, self.small) * (self.kept * scale)

    def voxels(self, transforms: torch.Tensor) -> np.ndarray:
        from ais_app.core.particles.fourier import from_fourier

        cubes = from_fourier(transforms, self.small) * self.inside
        return np.asarray(cubes[:, self.inside > 0.05].cpu(), dtype=np.float32)

    def frequencies(self, transforms: torch.Tensor) -> np.ndarray:
        import torch

        chosen = torch.view_as_real(transforms[:, self.kept > 0].contiguous())
        return np.asarray(chosen.flatten(1).cpu(), dtype=np.float32)


def _solved(matrices: np.ndarray, right: np.ndarray, small: float) -> np.ndarray:
    count = matrices.shape[-1]
    level = small + 1e-6 * np.trace(matrices, axis1=-2, axis2=-1)[..., None, None] / count
    found: np.ndarray = np.linalg.solve(matrices + level * np.eye(count), right[..., None])[..., 0]
    return found


def _full() -> Wedge:
    from ais_app.core.particles.wedge import Wedge

    return Wedge(-90, 90)
