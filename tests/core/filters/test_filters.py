"""What each filter does to things of known size, contrast and noise."""

import numpy as np
import pytest
from scipy import ndimage

from ais_app.core.errors import ParameterProblem
from ais_app.core.filters import filter_named, filters
from ais_app.core.filters.gaussian import GaussianParams


def apply(name, volume, size, **params):
    found = filters()[name]
    return found.apply(np.asarray(volume, dtype=np.float32), (size,) * 3, found.params(**params))


def wave(size, period, length=400):
    """Return a slice with a wave of a period in Å along x."""
    x = np.arange(length) * size
    return np.tile(np.cos(2 * np.pi * x / period), (1, 5, 1)).reshape(1, 5, length)


def amplitude(plane):
    middle = plane[0, 2, 150:250]
    return (middle.max() - middle.min()) / 2


@pytest.fixture
def membranes(rng):
    """Two bright sheets on a noisy slice, and the slice without the noise."""
    clean = np.zeros((1, 80, 80), np.float32)
    clean[0, :, 30:33] = clean[0, :, 50:53] = 3
    return clean + rng.normal(0, 1, clean.shape).astype(np.float32), clean


@pytest.mark.parametrize("three_d", [False, True])
def test_gaussian_is_that_of_scipy(voxel_size, three_d, rng):
    volume = rng.normal(100, 5, (9, 30, 31)).astype(np.float32)
    truth = ndimage.gaussian_filter(
        volume.astype(float), [three_d * 25 / voxel_size, 25 / voxel_size, 25 / voxel_size], mode="nearest"
    )
    np.testing.assert_allclose(apply("gaussian", volume, voxel_size, sigma=25, three_d=three_d), truth, rtol=1e-5)


def test_gaussian_of_nothing_is_nothing(rng):
    volume = rng.normal(size=(2, 8, 9)).astype(np.float32)
    np.testing.assert_array_equal(apply("gaussian", volume, 10, sigma=0), volume)


@pytest.mark.parametrize("radius", [0, 1, 2.3, 4])
@pytest.mark.parametrize("three_d", [False, True])
def test_median_is_that_of_scipy(voxel_size, radius, three_d, rng):
    volume = rng.normal(size=(5, 20, 150)).astype(np.float32)
    side = int(radius)
    z, y, x = np.mgrid[-side : side + 1, -side : side + 1, -side : side + 1]
    ball = z**2 + y**2 + x**2 <= radius**2
    ball = ball if three_d else ball[side : side + 1]
    truth = ndimage.median_filter(volume, footprint=ball, mode="nearest")
    found = apply("median", volume, voxel_size, radius=radius * voxel_size, three_d=three_d)
    np.testing.assert_array_equal(found, truth)


def test_median_around_missing_voxels_is_that_of_the_known_ones():
    volume = np.array([[[1, 2, 3], [4, np.nan, 6], [9, 8, 7]]])
    found = apply("median", volume, 10, radius=15)
    assert found[0, 0, 0] == 2  # of 1 1 1 1 2 2 4 4 with faces repeated
    assert np.isnan(found[0, 1, 1])
    assert found[0, 2, 1] == 8  # of 4 6 7 7 8 8 9 9


def test_band_pass_keeps_the_band(voxel_size):
    period = {"inside": 150, "fine": 25 if voxel_size < 12 else 30, "broad": 2500}
    kept = {
        what: amplitude(apply("band_pass", wave(voxel_size, p), voxel_size, low_pass=60, high_pass=500))
        for what, p in period.items()
    }
    assert kept["inside"] > 0.9
    assert kept["fine"] < 0.02
    assert kept["broad"] < 0.06


@pytest.mark.parametrize(
    ("edges", "at"), [({"low_pass": 80, "high_pass": None}, 80), ({"low_pass": None, "high_pass": 120}, 120)]
)
def test_band_pass_is_one_half_at_its_edges(voxel_size, edges, at):
    assert amplitude(apply("band_pass", wave(voxel_size, at), voxel_size, **edges)) == pytest.approx(0.5, abs=0.03)


def test_band_pass_without_edges_changes_nothing(rng):
    volume = rng.normal(size=(2, 8, 9)).astype(np.float32)
    np.testing.assert_array_equal(apply("band_pass", volume, 10, low_pass=None, high_pass=None), volume)


def test_difference_of_gaussians_answers_most_to_its_own_size(voxel_size):
    y, x = np.mgrid[:81, :81] - 40
    answers = {}
    for radius in (15, 50, 160):
        disk = (np.hypot(y, x) * voxel_size <= radius).astype(float)[None]
        answers[radius] = apply("difference_of_gaussians", disk, voxel_size, sigma_small=25, sigma_large=60)[0, 40, 40]
    assert max(answers, key=answers.get) == 50


def test_unsharp_mask_makes_edges_steeper_and_keeps_the_mean(voxel_size, rng):
    plane = ndimage.gaussian_filter((rng.random((1, 60, 60)) > 0.5).astype(np.float32), [0, 2, 2], mode="wrap")
    sharp = apply("unsharp", plane, voxel_size, sigma=3 * voxel_size, amount=2)
    assert sharp.std() > 1.5 * plane.std()
    assert sharp.mean() == pytest.approx(plane.mean(), abs=0.01)
    np.testing.assert_allclose(apply("unsharp", plane, voxel_size, amount=0), plane, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("non_local_means", {"search": 100, "patch": 30}),
        ("anisotropic_diffusion", {}),
    ],
)
def test_noise_goes_and_edges_stay_better_than_with_a_gaussian(name, params, membranes):
    noisy, clean = membranes
    inner = (slice(None), slice(8, -8), slice(8, -8))

    def errors(plane):
        away = (plane - clean)[inner]
        flat = ndimage.maximum_filter(clean, (1, 13, 13))[inner] == 0
        return away[flat].std(), np.abs(away.mean(axis=1)).max()

    noise, damage = errors(apply(name, noisy, 10.0, **params))
    assert noise < 0.35 * errors(noisy)[0]
    # a Gaussian that leaves as much noise blurs the sheet more
    gaussians = {s: errors(apply("gaussian", noisy, 10.0, sigma=s)) for s in np.arange(2.0, 40.0, 1.0)}
    equal = min(gaussians, key=lambda s: abs(gaussians[s][0] - noise))
    assert damage < 0.5 * gaussians[equal][1]


def test_non_local_means_are_like_those_of_scikit_image(membranes):
    """The two differ in weights and in the shape of the search window, not in what they are for."""
    from skimage.restoration import denoise_nl_means

    noisy, clean = membranes
    theirs = denoise_nl_means(noisy[0], patch_size=5, patch_distance=6, h=0.6, sigma=1.0, fast_mode=True)
    own = apply("non_local_means", noisy, 10.0, search=60, patch=30)[0]
    assert np.std(own - clean[0]) < 1.25 * np.std(theirs - clean[0]) < np.std(noisy - clean)


def test_diffusion_without_edges_is_a_gaussian(voxel_size, rng):
    plane = ndimage.gaussian_filter(rng.normal(size=(1, 60, 60)), [0, 1.5, 1.5]).astype(np.float32)
    sigma = 3 * voxel_size
    even = apply("anisotropic_diffusion", plane, voxel_size, smoothing=sigma, contrast=20)
    truth = ndimage.gaussian_filter(plane, [0, 3, 3], mode="reflect")
    np.testing.assert_allclose(even, truth, atol=0.15 * truth.std())
    assert even.mean() == pytest.approx(plane.mean(), abs=1e-5)  # nothing flows out


def test_diffusion_of_voxels_that_are_no_cubes(rng):
    found = filters()["anisotropic_diffusion"]
    volume = rng.normal(size=(30, 30, 30)).astype(np.float32)
    params = found.params(smoothing=20, contrast=20, three_d=True)
    even = found.apply(volume, (10.0, 5.0, 5.0), params)
    truth = ndimage.gaussian_filter(volume, [2, 4, 4], mode="reflect")
    assert np.corrcoef(even.ravel(), truth.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("median", {"radius": 500, "three_d": True}),
        ("non_local_means", {"search": 1000}),
        ("anisotropic_diffusion", {"smoothing": 200}),
    ],
)
def test_what_would_take_hours_is_refused(name, params):
    found = filters()[name]
    chosen = found.params(**params)
    with pytest.raises(ParameterProblem, match="bin the tomogram first"):
        found.margin(chosen, (2.0,) * 3)
    with pytest.raises(ParameterProblem, match="bin the tomogram first"):
        found.apply(np.zeros((1, 8, 8), np.float32), (2.0,) * 3, chosen)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("band_pass", {"low_pass": 500, "high_pass": 100}),
        ("difference_of_gaussians", {"sigma_small": 60, "sigma_large": 60}),
        ("gaussian", {"sigma": -1}),
        ("gaussian", {"sigma": float("nan")}),
    ],
)
def test_parameters_that_do_not_fit_are_refused(name, params):
    with pytest.raises(ParameterProblem, match="Å"):
        filters()[name].params(**params)


def test_an_unknown_filter_is_named_with_the_nearest():
    assert filter_named("gaussian").params is GaussianParams
    with pytest.raises(ParameterProblem, match="did you mean gaussian"):
        filter_named("gausian")
    with pytest.raises(ParameterProblem, match="known: .*median"):
        filter_named("xyz")
