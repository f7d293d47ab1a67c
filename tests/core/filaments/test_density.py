"""Axes centred on the density: noisy hollow tubes behind a missing wedge, started off their axes."""

from __future__ import annotations

import numpy as np
import pytest

from ais_app.core.filaments import DensityParams, Filament, centre_on_density
from ais_app.core.filaments.spline import fit_curve


def wedged(volume: np.ndarray, tilt: float = 60.0) -> np.ndarray:
    """Take away what tilting about y up to `tilt` degrees does not see."""
    kz, ky, kx = np.meshgrid(*(np.fft.fftfreq(n) for n in volume.shape), indexing="ij")
    seen = np.abs(kz) <= np.abs(kx) * np.tan(np.radians(tilt))
    return np.fft.ifftn(np.fft.fftn(volume) * (seen | (kx**2 + ky**2 + kz**2 == 0))).real.astype(np.float32)


def started_at(axis: np.ndarray, offset) -> Filament:
    return Filament(fit_curve(axis[::20] + offset, 1.0), 110.0, ("border", "border"), 1.0)


@pytest.fixture(scope="module")
def bent_axis():
    along = np.linspace(-20, 820, 900)
    return np.stack([260 + 0.03 * along, along, 250 + 0.25 * along + 40 * np.sin(along / 400)], axis=1)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("voxel", [10.0, 14.0])
def test_axis_is_found_through_noise_and_missing_wedge(sign, voxel, bent_axis, make_tubes, off_axis):
    size = (voxel,) * 3
    shape = tuple(int(extent / voxel) for extent in (520, 800, 720))
    clean = wedged(make_tubes([bent_axis], shape, size, 125.0, lumen=85.0))
    noisy = sign * clean + np.random.default_rng(5).normal(0, 1.5 * clean.std(), shape).astype(np.float32)
    found = centre_on_density(started_at(bent_axis, [50.0, 0.0, -45.0]), 3 + 40 * noisy, size, DensityParams())
    errors = off_axis(bent_axis, found.curve.points(found.curve.steps(5.0)))
    assert np.median(errors) < 0.4 * voxel
    assert errors.max() < 1.2 * voxel
    assert found.symmetry > 0.2


def test_noise_alone_leaves_the_axis_where_it_is(bent_axis):
    noise = np.random.default_rng(0).normal(size=(52, 80, 72)).astype(np.float32)
    start = started_at(bent_axis, 0)
    found = centre_on_density(start, noise, (10.0, 10.0, 10.0), DensityParams())
    assert found.symmetry < 0.1
    assert found.curve is start.curve


def test_neighbours_do_not_draw_a_faint_filament_away(bent_axis, make_tubes, off_axis):
    size, shape = (10.0, 10.0, 10.0), (52, 80, 72)
    rng = np.random.default_rng(4)
    volume = wedged(make_tubes([bent_axis], shape, size, 125.0, lumen=85.0))
    volume += rng.normal(0, 2.5 * volume.std(), shape).astype(np.float32)
    for at in range(60, 800, 90):  # bright balls along the wall
        middle = bent_axis[np.argmin(np.abs(bent_axis[:, 1] - at))] + [0.0, 0.0, 190.0 * rng.choice([-1, 1])]
        volume += 0.6 * make_tubes([middle[None]], shape, size, 60.0)
    found = centre_on_density(started_at(bent_axis, [25.0, 0.0, -20.0]), volume, size, DensityParams())
    errors = off_axis(bent_axis, found.curve.points(found.curve.steps(5.0)))
    assert np.median(errors) < 8
    assert errors.max() < 25


def test_axis_moves_no_farther_than_it_may(bent_axis, make_tubes, off_axis):
    size = (10.0, 10.0, 10.0)
    volume = make_tubes([bent_axis], (52, 80, 72), size, 125.0, lumen=85.0)
    start = started_at(bent_axis, [0.0, 0.0, 80.0])
    near = centre_on_density(start, volume, size, DensityParams(reach=20.0))
    far = centre_on_density(start, volume, size, DensityParams(reach=110.0))
    assert np.median(off_axis(bent_axis, near.curve.points(near.curve.steps(5.0)))) > 20
    assert np.median(off_axis(bent_axis, far.curve.points(far.curve.steps(5.0)))) < 3


def test_frame_of_the_tomogram_may_differ(bent_axis, make_tubes, off_axis):
    size, shift = (10.0, 10.0, 10.0), np.array([5.0, 5.0, 5.0])
    volume = make_tubes([bent_axis + shift], (52, 80, 72), size, 125.0, lumen=85.0)
    found = centre_on_density(started_at(bent_axis, 20.0), volume, size, DensityParams(), shift_zyx=shift)
    assert np.median(off_axis(bent_axis, found.curve.points(found.curve.steps(5.0)))) < 3


def test_holes_in_the_tomogram_do_not_pull(bent_axis, make_tubes, off_axis):
    size = (10.0, 10.0, 10.0)
    volume = 100 + make_tubes([bent_axis], (52, 80, 72), size, 125.0, lumen=85.0)
    volume[30:40, 30:40, 20:30] = np.nan
    found = centre_on_density(started_at(bent_axis, 20.0), volume, size, DensityParams())
    assert np.median(off_axis(bent_axis, found.curve.points(found.curve.steps(5.0)))) < 3
