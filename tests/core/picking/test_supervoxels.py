"""What supervoxels look like: against filters written out."""

import numpy as np
from scipy.ndimage import convolve

from ais_app.core.jobs import run
from ais_app.core.picking.supervoxels import BINS, DIRECTIONS, Supervoxels, features_job


def test_features_are_the_means_of_gabor_filters_and_of_bins(rng):
    """A Gaussian times a cosine less its mean, along each direction; the volume is reflected at its faces."""
    values = rng.normal(5, 1, (12, 12, 18)).astype(np.float32)
    values += 3 * np.linspace(0, 1, 18, dtype=np.float32) ** 2
    scaled = rng.random(values.shape).astype(np.float32)
    z, y, x = np.indices(values.shape) // 6
    pieces = Supervoxels((z * 6 + y * 3 + x).astype(np.int32), np.full(12, 216), np.zeros((12, 3)))
    sigma, length = np.array([2.0, 1.8, 1.5]), np.array([7.0, 6.0, 5.5])
    found = run(features_job(values, scaled, pieces, [(tuple(sigma), tuple(length))]))
    grid = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 3, indexing="ij"), axis=-1)
    gaussian = np.exp(-(grid**2 / (2 * sigma**2)).sum(axis=-1))
    gaussian /= gaussian.sum()
    rows = []
    for direction in DIRECTIONS:
        wave = np.cos(2 * np.pi * grid @ (direction / np.linalg.norm(direction) / length))
        kernel = gaussian * (wave - (gaussian * wave).sum())
        rows.append(pieces.mean(convolve(values.astype(float), kernel, mode="reflect")))
    rows += [pieces.mean(((scaled >= low / BINS) & (scaled < (low + 1) / BINS)).astype(float)) for low in range(BINS)]
    table = np.array(rows)
    table = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True)
    np.testing.assert_allclose(found, table, atol=0.02)
