"""Contrast that is right at once, also for padded volumes, gold beads, NaN, masks and constants."""

import time

import numpy as np
import pytest

from ais_app.core.display.contrast import ContrastLimits, Histogram, auto_contrast, sample_of
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Tomogram


@pytest.fixture
def plane(rng):
    """Grey values of a specimen: noise, and 3 % of denser things."""
    values = rng.normal(100, 10, (400, 400)).astype(np.float32)
    values[:12] -= 25
    return values


def close(one, other, share=0.1):
    width = other.high - other.low
    assert one.low == pytest.approx(other.low, abs=share * width)
    assert one.high == pytest.approx(other.high, abs=share * width)


def test_limits_are_percentiles(rng):
    values = rng.normal(0, 1, 200_000)
    limits = auto_contrast(values, saturation=0.02)
    assert limits.low == pytest.approx(-2.326, abs=0.05)
    assert limits.high == pytest.approx(2.326, abs=0.05)
    shares = [np.mean((values < found.low) | (values > found.high)) for found in (limits, auto_contrast(values))]
    assert shares == pytest.approx([0.02, 0.0006], rel=0.2)
    assert auto_contrast(values[:1000], 0) == ContrastLimits(*np.float32([values[:1000].min(), values[:1000].max()]))


@pytest.mark.parametrize("odd", [0, np.nan, np.inf, -1e9, 100])
def test_padding_does_not_count(odd, plane):
    padded = plane.copy()
    padded[:, :150] = odd
    close(auto_contrast(padded), auto_contrast(plane[:, 150:]), 0.02)


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_padding_of_whole_numbers_does_not_count(dtype, plane):
    padded = np.rint(plane).astype(dtype)
    limits = auto_contrast(padded)
    padded[:, :150] = 0
    close(auto_contrast(padded), limits, 0.05)


@pytest.mark.parametrize("share", [0.0005, 0.005, 0.015])
@pytest.mark.parametrize("sign", [-1, 1])
def test_gold_beads_do_not_take_the_contrast(share, sign, plane, rng):
    limits = auto_contrast(plane)
    beads = rng.random(plane.shape) < share
    plane[beads] = 100 + sign * rng.uniform(200, 400, beads.sum())
    found = auto_contrast(plane)
    assert found.high - found.low < 1.4 * (limits.high - limits.low)


def test_structure_keeps_its_contrast_after_denoising(rng):
    """In a denoised volume the background has no noise to speak of; a tenth of dense voxels is not gold."""
    values = rng.normal(0, 0.05, 100_000)
    values[:10_000] = rng.normal(-3, 0.3, 10_000)
    assert auto_contrast(values).low < -3.2


def test_masks_and_labels_keep_all_their_values():
    labels = np.zeros((100, 100), np.uint8)
    labels[:3], labels[3:5] = 1, 2
    assert auto_contrast(labels) == ContrastLimits(0, 2)


@pytest.mark.parametrize("value", [0, 7, -1e6, 1e-7])
def test_a_constant_has_limits_around_it(value):
    limits = auto_contrast(np.full((9, 9), value, np.float32))
    assert limits.low < value < limits.high


@pytest.mark.parametrize("sample", [np.full((4, 4), np.nan), np.empty((0, 3))])
def test_nothing_to_look_at(sample):
    assert auto_contrast(sample) == ContrastLimits(0, 1)
    histogram = Histogram.of(sample)
    assert histogram.counts.sum() == 0
    assert histogram.low < histogram.high


def test_limits_that_are_none_are_refused():
    for low, high in [(1, 1), (2, 1), (0, np.nan), (-np.inf, 0)]:
        with pytest.raises(ParameterProblem, match="no range"):
            ContrastLimits(low, high)
    for saturation in (-0.1, 1, np.nan):
        with pytest.raises(ParameterProblem, match="no share"):
            auto_contrast(np.arange(9), saturation)


def test_grey_values_become_bytes():
    limits = ContrastLimits(10, 20)
    values = np.array([[0, 10, 15], [20, 99, np.nan]])
    np.testing.assert_array_equal(limits.grey(values), [[0, 0, 128], [255, 255, 0]])
    np.testing.assert_array_equal(limits.grey(values, invert=True), [[255, 255, 128], [0, 0, 0]])
    np.testing.assert_array_equal(limits.grey(np.array([10, 20], np.int8)), [0, 255])


def test_a_histogram_counts_everything(plane):
    histogram = Histogram.of(plane, 60, 140)
    inside = np.histogram(plane, np.linspace(60, 140, 257))[0]
    assert histogram.counts.shape == (256,)
    assert histogram.counts.sum() == plane.size
    assert np.abs(histogram.counts[1:-1] - inside[1:-1]).sum() < 40  # rounding at the edges of bins
    np.testing.assert_allclose(histogram.edges[[0, 128, 256]], [60, 100, 140])
    np.testing.assert_allclose(histogram.log_counts, np.log10(1 + histogram.counts))


def test_a_histogram_shows_the_specimen_and_not_the_gold(plane):
    beads = plane.copy()
    beads[0, :50] = -5000
    histogram = Histogram.of(beads)
    limits = auto_contrast(plane)
    assert histogram.low < limits.low < limits.high < histogram.high
    assert histogram.high - histogram.low < 4 * (limits.high - limits.low)
    assert histogram.low > -5000
    assert histogram.high == beads.max()  # never beyond what is there


def test_a_sample_is_small_and_from_the_middle(rng):
    volume = np.broadcast_to(np.arange(300, dtype=np.int16)[:, None, None], (300, 900, 1000))
    sample = sample_of(Tomogram(volume))
    assert sample.dtype == np.float32
    assert sample.size <= 2**18
    assert 50 < sample.min() < 70
    assert 230 < sample.max() < 250
    assert sample_of(Tomogram(volume), slices=3)[:, 0, 0].tolist() == [60, 150, 239]
    assert sample_of(Tomogram(volume[:1, :5, :6])).shape == (1, 5, 6)


def test_a_sample_is_quick():
    volume = np.zeros((30, 1000, 1000), np.float32)
    tomogram = Tomogram(volume)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        sample_of(tomogram)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.1


@pytest.mark.parametrize("spread", [0.4, 5, 30, 2000])
def test_whole_numbers_leave_no_gaps_in_a_histogram(spread, rng):
    values = np.rint(rng.normal(20, spread, 100_000)).astype(np.int16)
    histogram = Histogram.of(values)
    assert histogram.counts.sum() == values.size
    assert 1 < len(histogram.counts) <= 256
    middle = np.abs(histogram.edges[:-1] - 20) < 2 * spread
    assert histogram.counts[middle].min() > 0
    if spread < 10:  # each whole number has a bin of its own
        lowest = int(np.ceil(histogram.low))
        np.testing.assert_array_equal(
            histogram.counts[1:-1], np.bincount(values + 999)[lowest + 1000 : lowest + 998 + len(histogram.counts)]
        )
