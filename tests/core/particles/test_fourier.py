"""Cubes on other voxels, by their Fourier series."""

import numpy as np
import pytest

from ais_app.core.particles.fourier import resampled


def series(waves, amplitudes, places, edge):
    """Return a sum of waves of a cube of `edge` voxels at places along each axis, voxels from its centre."""
    axes = [np.exp(2j * np.pi / edge * np.outer(waves[:, axis], places)) for axis in range(3)]
    return np.einsum("k,kz,ky,kx->zyx", amplitudes, *axes).real


@pytest.mark.parametrize("edge", [24, 25])
@pytest.mark.parametrize("step", [0.37, 0.5, 1.0, 1.26, 1.5, 2.05])
def test_what_is_band_limited_is_exact(edge, step, rng):
    """Below 0.9 of what the larger voxels hold, or all below the old limit where they are smaller."""
    highest = int(0.9 * int(edge / (2 * max(1.0, step)))) if step > 1 else (edge - 1) // 2
    waves = rng.integers(-highest, highest + 1, (30, 3))
    amplitudes = rng.normal(size=30) + 1j * rng.normal(size=30)
    found = resampled(series(waves, amplitudes, np.arange(edge) - edge // 2, edge), step)
    new = int(edge / step + 1e-6)
    assert found.shape == (new,) * 3
    np.testing.assert_allclose(found, series(waves, amplitudes, (np.arange(new) - new // 2) * step, edge), atol=1e-9)


def test_detail_that_larger_voxels_cannot_hold_is_left_out():
    places = np.arange(30) - 15
    fine = series(np.array([[0, 0, 11]]), np.ones(1), places, 30)
    level = 0.7 + 0 * fine
    np.testing.assert_allclose(resampled(fine + level, 1.5), 0.7, atol=1e-9)
    assert resampled(fine.astype(np.float32), 1.5).dtype == np.float32
    assert resampled(fine, 40.0).shape == (3, 3, 3)
