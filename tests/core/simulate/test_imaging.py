"""The microscope and the reconstruction: wedge, SNR, contrast transfer, projections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app import make_phantom
from ais_app.core.jobs import run
from ais_app.core.simulate.cell import build_scene
from ais_app.core.simulate.imaging import record
from ais_app.core.simulate.optics import accumulated_doses, contrast_transfer, detector_response, ramp, wavelength
from ais_app.core.simulate.projection import back_project, detector_width, project

from .scenes import only


def test_the_missing_wedge_is_empty() -> None:
    n = 64
    phantom = make_phantom(only(shape=(n, n, n), complexes=("proteasome=12",), snr=0.5), 1)
    window = np.hanning(n)
    power = np.abs(np.fft.fftn(phantom.tomogram_data * window[:, None, None] * window * window[:, None])) ** 2
    kz, ky, kx = np.meshgrid(*(np.fft.fftfreq(n),) * 3, indexing="ij")
    angle = np.rad2deg(np.arctan2(np.abs(kz), np.abs(kx)))
    shell = (np.hypot(kz, kx) > 0.2) & (np.hypot(kz, kx) < 0.35) & (np.abs(ky) < 0.35)
    # the window smears over two of the 13 to 22 pixels of the radius: 9°
    inside, outside = power[shell & (angle > 70)].mean(), power[shell & (angle < 50)].mean()
    assert np.sqrt(inside / outside) < 0.03


@pytest.mark.parametrize("tilt", [40.0, 60.0])
def test_the_wedge_follows_the_tilt_range(tilt: float) -> None:
    n = 64
    phantom = make_phantom(only(shape=(n, n, n), tilt=tilt), 1)
    power = (np.abs(np.fft.fftn(phantom.tomogram_data)) ** 2).mean(1)
    kz, kx = np.meshgrid(*(np.fft.fftfreq(n),) * 2, indexing="ij")
    angle = np.rad2deg(np.arctan2(np.abs(kz), np.abs(kx)))
    ring = (np.hypot(kz, kx) > 0.15) & (np.hypot(kz, kx) < 0.35)
    by_angle = np.array([power[ring & (angle >= a) & (angle < a + 4)].mean() for a in range(0, 88, 4)])
    edge = 4 * int(np.argmax(by_angle < 0.5 * by_angle[:5].mean()))
    assert abs(edge - tilt) <= 4


@pytest.mark.parametrize("snr", [0.05, 0.5])
def test_the_snr_is_what_was_asked_for(snr: float) -> None:
    params = only(shape=(44, 120, 90), complexes=("ribosome", "clpp"), occupancy=0.2, snr=snr, keep_noise_free=True)
    phantom = make_phantom(params, 2)
    assert phantom.noise_free is not None
    noise = phantom.tomogram_data - phantom.noise_free
    # at this occupancy everything is within 100 Å of something
    assert phantom.noise_free.var() / noise.var() == pytest.approx(snr, rel=0.08)
    assert phantom.metadata["snr"] == pytest.approx(snr, rel=0.08)
    assert noise.std() == pytest.approx(1, rel=0.02)


def test_two_recordings_of_one_specimen_correlate_as_the_snr_says() -> None:
    # Frank & Al-Ali 1975: SNR = CC / (1 - CC)
    params = only(shape=(44, 100, 90), complexes=("ribosome", "clpp"), occupancy=0.2, snr=0.3)
    scene = run(build_scene(params, 5))
    first, second = (run(record(scene, seed)).tomogram for seed in (1, 2))
    correlation = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert correlation / (1 - correlation) == pytest.approx(0.3, rel=0.08)


def test_gold_and_carbon_do_not_count_in_the_snr() -> None:
    params = {"shape": (40, 90, 90), "complexes": ("ribosome=8",), "keep_noise_free": True}
    plain = make_phantom(only(**params), 3)
    heavy = make_phantom(only(**params, n_beads=3), 3)
    assert plain.noise_free is not None and heavy.noise_free is not None
    assert heavy.noise_free.std() > 2 * plain.noise_free.std()
    signal = plain.noise_free.std()
    # the ribosomes lie elsewhere, but stand out of the noise alike
    ribosomes = [p.noise_free[p.mask("ribosome") > 0].mean() / signal for p in (plain, heavy)]
    assert ribosomes[0] == pytest.approx(ribosomes[1], rel=0.4)


def test_without_noise_the_snr_is_infinite_and_inverting_turns_the_sign() -> None:
    params = {"shape": (24, 60, 50), "complexes": ("tric=2",), "snr": float("inf")}
    dark, bright = (make_phantom(only(**params, invert=invert), 4) for invert in (False, True))
    np.testing.assert_array_equal(dark.tomogram_data, -bright.tomogram_data)
    assert dark.metadata["snr"] == np.inf
    assert dark.tomogram_data[dark.mask("tric") > 0].mean() < -0.5


def test_nothing_wraps_around_the_edges() -> None:
    params = only(shape=(60, 60, 60), n_beads=1, snr=float("inf"))
    phantom = make_phantom(params, 8)
    (bead,) = phantom.particles["gold"].positions_zyx / phantom.voxel_size
    far = np.abs(np.arange(60) - bead[1]) > 25  # along the tilt axis a bead's artefacts reach a few voxels only
    assert far.any()
    assert np.abs(phantom.tomogram_data[:, far]).max() < 0.01 * np.abs(phantom.tomogram_data).max()


def test_wavelength_contrast_and_detector_are_those_of_the_literature() -> None:
    assert wavelength(300) == pytest.approx(0.019687, abs=1e-5)
    assert wavelength(200) == pytest.approx(0.025079, abs=1e-5)
    params = only(defocus=4.0, amplitude_contrast=0.0, spherical_aberration=0.0, voxel_size=10.0)
    zero = 1 / np.sqrt(wavelength(300) * 40_000)
    values = contrast_transfer(np.array([0.0, 0.5 * zero, zero, 1.2 * zero]), params)
    assert values[0] == pytest.approx(0) and values[1] < -0.5  # dark below the first zero
    assert values[2] == pytest.approx(0, abs=1e-6) and values[3] > 0.5
    assert detector_response(np.array([0.05]), params)[0] == pytest.approx(2 / np.pi)


def test_the_dose_runs_from_the_middle_outwards() -> None:
    doses = accumulated_doses(np.array([-6.0, -3, 0, 3, 6]), 100)
    assert np.argmin(doses) == 2 and max(doses[1], doses[3]) < min(doses[0], doses[4])
    assert doses.sum() == pytest.approx(250)  # each has half of its own and all before it


@settings(deadline=None, max_examples=15)
@given(
    st.tuples(st.integers(4, 20), st.integers(4, 20), st.integers(1, 5)),
    st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=4),
)
def test_a_projection_keeps_the_mass_of_an_object(shape: tuple[int, int, int], tilts: list[float]) -> None:
    nz, nx, ny = shape
    grid = np.indices((nz, nx)) - np.array([nz // 2, nx // 2])[:, None, None]
    blob = np.exp(-(grid**2).sum(0) / (2 * 1.2**2))
    volume = np.repeat(np.pad(blob, 6)[:, :, None], ny, axis=2).astype(np.float32)
    width = detector_width((volume.shape[0], ny, volume.shape[1]))
    images = project(volume, np.array(tilts), width)
    np.testing.assert_allclose(images.sum(1), volume.sum((0, 1))[None].repeat(len(tilts), 0), rtol=0.02)


def test_filtered_back_projection_gives_the_density_back() -> None:
    n, ny = 48, 2
    grid = np.indices((n, n)) - np.array([20, 27])[:, None, None]
    truth = np.exp(-(grid**2).sum(0) / (2 * 3.0**2)).astype(np.float32)
    tilts = np.deg2rad(np.arange(-90, 90, 2.0))
    volume = np.ascontiguousarray(np.repeat(truth[:, :, None], ny, axis=2))
    images = project(volume, tilts, detector_width((n, ny, n)))
    width = images.shape[1]
    spectrum = np.fft.rfft(images, 2 * width, axis=1) * ramp(2 * width, 0.5)[None, :, None]
    filtered = np.fft.irfft(spectrum, axis=1)[:, :width].astype(np.float32)
    found = back_project(np.ascontiguousarray(filtered), tilts, 1, n, n) * np.float32(np.deg2rad(2.0))
    np.testing.assert_allclose(found[:, :, 0], truth, atol=0.04)
