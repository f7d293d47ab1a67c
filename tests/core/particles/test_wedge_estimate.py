"""The missing wedge, read from voxels (T3), from masks and from tilts."""

import time
from pathlib import Path

import numpy as np
import pytest
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import run
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge
from ais_app.core.particles.wedge_estimate import (
    estimate_wedge,
    estimate_wedge_job,
    wedge_of_mask,
    wedge_of_tilts,
)
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.region import sample_regions

DATA = Path(__file__).parents[2] / "data"
# membranes, filaments and ribosomes, quickly made
SMALL = {"shape": (40, 80, 80), "snr": 0.1, "complexes": ("ribosome",), "n_microtubules": 1, "n_double_membranes": 0}
SMALL |= {"occupancy": 0.03, "n_sheets": 1, "n_beads": 0, "carbon": False, "n_vesicles": 0, "n_actin": 0}
AXES = [("y", "z"), ("x", "z"), ("z", "y"), ("x", "y"), ("z", "x"), ("y", "x")]


def cube(wedge, snr, edge=40, seed=0):
    random = np.random.default_rng(seed)
    return simple_subtomograms(blobs(1, edge), Poses.of(random_rotations(1, random)), wedge, snr, random, edge=edge)[0]


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("tilt_axis", "beam_axis"), AXES)
@pytest.mark.parametrize(("low", "high"), [(-60, 60), (-50, 50), (-40, 40), (-60, 50)])
def test_limits_and_axes_of_a_noisy_box(low, high, tilt_axis, beam_axis):
    """T3, at SNR 0.05 and 40 voxels."""
    box = cube(Wedge(low, high, tilt_axis, beam_axis), 0.05)
    start = time.thread_time()
    found = estimate_wedge(box)
    assert time.thread_time() - start < 1
    assert found is not None and found.certainty == "clear"
    assert (found.wedge.tilt_axis, found.wedge.beam_axis) == (tilt_axis, beam_axis)
    assert abs(found.wedge.tilt_min - low) <= 2 and abs(found.wedge.tilt_max - high) <= 2


@pytest.mark.parametrize("tilt", [40, 50, 60])
def test_limits_of_a_physical_phantom(tilt):
    """Within 3 degrees of the last tilt that was recorded."""
    made = make_phantom(SimulateParams(tilt=tilt, tilt_step=2, **SMALL), seed=tilt)
    found = run(estimate_wedge_job(Tomogram(made.tomogram_data, (10.0, 10.0, 10.0))))
    assert found is not None and found.certainty == "clear"
    assert (found.wedge.tilt_axis, found.wedge.beam_axis) == ("y", "z")
    assert abs(found.wedge.tilt_min + tilt) <= 3 and abs(found.wedge.tilt_max - tilt) <= 3


def test_two_real_crops_of_one_data_set_agree():
    found = []
    for name in ("cylindra_13pf_MT.tif", "cylindra_14pf_MT.tif"):
        estimate = run(estimate_wedge_job(open_tomogram(DATA / "microtubules" / name)))
        assert estimate is not None and estimate.certainty == "clear"
        assert (estimate.wedge.tilt_axis, estimate.wedge.beam_axis) == ("y", "z")
        found.append((estimate.wedge.tilt_min, estimate.wedge.tilt_max))
    np.testing.assert_allclose(found[0], found[1], atol=1.5)
    assert found[0][1] - found[0][0] == pytest.approx(120, abs=4)  # the nominal range; its middle is 4° off 0


@pytest.mark.parametrize("shape", [(64, 64, 64), (24, 64, 48)])
def test_noise_without_a_wedge_is_said_to_be_that(shape):
    found = estimate_wedge(noise(shape))
    assert found is not None and not found.seen and found.certainty == "none seen"


def test_shapes_alone_are_no_wedge():
    made = make_phantom(SimulateParams(tilt=90, tilt_step=2, keep_noise_free=True, **SMALL), seed=3)
    for volume in (made.tomogram_data, made.noise_free, blobs(1, 40).cube(40)):
        found = estimate_wedge(volume)
        assert found is not None and not found.seen


@pytest.mark.parametrize(
    "volume",
    [np.zeros((32, 32, 32), np.float32), noise((15, 64, 64))],
)
def test_nothing_is_said_of_nothing(volume):
    assert estimate_wedge(volume) is None
    assert run(estimate_wedge_job(Tomogram(volume))) is None


def test_no_numbers_are_an_error():
    volume = np.full((32, 32, 32), np.nan, np.float32)
    assert estimate_wedge(volume) is None
    with pytest.raises(ParameterProblem, match="holds no numbers"):
        run(estimate_wedge_job(Tomogram(volume)))


@pytest.mark.parametrize(
    "blocks", [noise((64, 64)), noise((64,)), [noise((32, 32))], [noise((20, 20, 20)), noise((32, 32, 32))]]
)
def test_what_is_no_volume_is_refused(blocks):
    with pytest.raises(ParameterProblem, match=r"blocks: one has the shape .* give volumes .*, all of one shape"):
        estimate_wedge(blocks)


def test_blocks_of_padding_are_left_out():
    """A frame of zeros has a spectrum of its own; four of its blocks would count as much as that of the specimen."""
    shape = (40, 96, 96)
    along = [np.fft.fftfreq(n) for n in shape]
    missing = np.abs(along[0])[:, None, None] > np.abs(along[2]) * np.tan(np.radians(50))
    inside = np.fft.ifftn(np.where(missing, 0, np.fft.fftn(noise(shape)))).real
    volume = np.zeros((40, 480, 96), np.float32)
    volume[:, :96] = inside
    volume[20, 96:] = 1e-6 * noise((384, 96))
    found = run(estimate_wedge_job(Tomogram(volume)))
    assert found is not None and found.certainty == "clear"
    assert (found.wedge.tilt_min, found.wedge.tilt_max) == (pytest.approx(-50, abs=2), pytest.approx(50, abs=2))


def test_voxels_that_are_no_cubes():
    """Half as fine along the beam: angles are those of the specimen, not of the grid."""
    made = make_phantom(SimulateParams(tilt=50, tilt_step=2, **{**SMALL, "shape": (64, 64, 64)}), seed=1)
    transform = np.fft.fftshift(np.fft.fftn(made.tomogram_data), axes=0)[16:48]
    coarse = np.fft.ifftn(np.fft.ifftshift(transform, axes=0)).real.astype(np.float32)
    found = estimate_wedge(coarse, (20.0, 10.0, 10.0))
    assert found is not None and found.wedge.tilt_max == pytest.approx(50, abs=3)


def test_regions_cover_the_middle_and_the_rest():
    regions = sample_regions((40, 500, 300), 96, 12)
    assert len(regions) == 12 == len({tuple(s.start for s in region) for region in regions})
    assert all(region[0] == slice(0, 40) and region[1].stop <= 500 and region[2].stop <= 300 for region in regions)
    assert sample_regions((20, 20, 20), 96, 12) == [(slice(0, 20),) * 3]


@pytest.mark.parametrize("edge", [32, 33])
@pytest.mark.parametrize("centred", [True, False])
def test_masks_of_wedges(edge, centred):
    full = Wedge(-60, 45, "x", "z").mask(edge).numpy()
    whole = np.zeros((edge,) * 3, np.float32)
    whole[..., : edge // 2 + 1] = full
    k = np.arange(edge // 2 + 1, edge)
    flip = -np.arange(edge) % edge
    whole[..., k] = full[flip][:, flip][..., edge - k]
    mask = np.fft.fftshift(whole) if centred else whole
    found = wedge_of_mask(mask)
    assert (found.wedge.tilt_axis, found.wedge.beam_axis) == ("x", "z")
    assert abs(found.wedge.tilt_min + 60) <= 2 and abs(found.wedge.tilt_max - 45) <= 2


@pytest.mark.parametrize("mask", [np.ones((32, 32, 32)), noise((32, 32, 30)), noise((32, 32, 32))])
def test_masks_that_show_no_wedge(mask):
    with pytest.raises(ParameterProblem):
        wedge_of_mask(mask)


def test_tilts():
    assert wedge_of_tilts([0, 3, -60, 57.5]) == Wedge(-60, 57.5)
    for none in ([], [3.0], [2.0, 2.0], [1.0, np.nan]):
        with pytest.raises(ParameterProblem):
            wedge_of_tilts(none)
