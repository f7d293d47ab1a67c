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
        ("coherence_diffusion", {"iterations": 30}),
        ("perona_malik", {"iterations": 10, "contrast": 1.2}),
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


@pytest.fixture(scope="module")
def ball():
    """A ball of grey value 1 in noise of deviation 0.5, and the ball."""
    inside = sum((axis - 24) ** 2 for axis in np.ogrid[:48, :48, :48]) <= 14**2
    return inside + np.random.default_rng(1).normal(0, 0.5, inside.shape).astype(np.float32), inside.astype(np.float32)


def psnr(volume, truth):
    return -10 * np.log10(np.square(volume - truth).mean())


@pytest.mark.parametrize("edges", ["strong", "wide"])
def test_perona_malik_on_a_ball(ball, edges):
    """T5: 12 dB in ten steps; edges in five steps better than with a Gaussian of the same gain; the mean stays."""
    noisy, truth = ball
    ten, five = (apply("perona_malik", noisy, 10, iterations=n, three_d=True, edges=edges) for n in (10, 5))
    assert psnr(ten, truth) - psnr(noisy, truth) >= 12
    assert abs(ten.mean(dtype=float) - noisy.mean(dtype=float)) < 1e-5
    rim = ndimage.binary_dilation(truth > 0, iterations=2) & ~ndimage.binary_erosion(truth > 0, iterations=2)
    gaussians = [ndimage.gaussian_filter(noisy, sigma) for sigma in np.arange(0.7, 1.5, 0.05)]
    equal = min(gaussians, key=lambda smooth: abs(psnr(smooth, truth) - psnr(five, truth)))
    assert np.square(five - truth)[rim].mean() <= np.square(equal - truth)[rim].mean()


def test_steps_that_are_not_stable_are_refused():
    params = filters()["perona_malik"].params
    assert params(gamma=1 / 6).gamma == 1 / 6
    with pytest.raises(ParameterProblem, match="gamma"):
        params(gamma=0.17)


def test_the_noise_is_measured_beside_edges(rng):
    from ais_app.core.filtering.perona_malik import PeronaMalik, noise_of_differences

    how = PeronaMalik(1, 0.1, 1.0, True, 60.0, (10.0,) * 3, False)
    plane = rng.normal(0, 3, (1, 120, 120)).astype(np.float32)
    plane[:, :, 60:] += 100
    noise = noise_of_differences(plane, None, how)
    np.testing.assert_allclose(np.median(noise), 3 * np.sqrt(2), rtol=0.1)
    assert noise.max() < 2 * 3 * np.sqrt(2)  # of a step of 100


def test_coherence_diffusion_gains_more_than_a_gaussian(ball):
    noisy, truth = ball
    best = max(psnr(ndimage.gaussian_filter(noisy, sigma), truth) for sigma in (1.2, 1.4, 1.6))
    smooth = apply("coherence_diffusion", noisy, 10, iterations=20, three_d=True)
    assert psnr(smooth, truth) > best + 1
    assert abs(smooth.mean(dtype=float) - noisy.mean(dtype=float)) < 1e-5


def test_coherence_diffusion_smooths_along_a_sheet_in_any_direction():
    z, y, x = np.mgrid[:40, :40, :40] - 19.5
    sheet = (np.abs(0.6 * z + 0.48 * y + 0.64 * x) < 2).astype(np.float32)
    noisy = sheet + np.random.default_rng(2).normal(0, 0.7, sheet.shape).astype(np.float32)
    inner = (slice(6, -6),) * 3
    found = apply("coherence_diffusion", noisy, 10, iterations=20, coherence=0.7, three_d=True)[inner]
    gaussians = [ndimage.gaussian_filter(noisy, s)[inner] for s in np.arange(0.6, 2.5, 0.2)]
    assert psnr(found, sheet[inner]) > max(psnr(smooth, sheet[inner]) for smooth in gaussians) + 1


def test_membrane_strength_of_sheets_balls_and_signs(voxel_size):
    z, y, x = np.mgrid[:41, :41, :41] - 20
    sheet = -np.exp(-0.5 * ((0.6 * z + 0.8 * x) / 2) ** 2)
    ball = -np.exp(-0.5 * (z**2 + y**2 + x**2) / 2.0**2)
    rod = -np.exp(-0.5 * (z**2 + y**2) / 2.0**2)
    scale = 2 * voxel_size
    answers = [
        apply("membrane_strength", volume, voxel_size, scale=scale, three_d=True)[20, 20, 20]
        for volume in (sheet, rod, ball)
    ]
    # a Gaussian of sigma s seen at the scale t bends by t² s / (s² + t²)^(3/2) across a sheet
    assert answers[0] == pytest.approx(4 * 2 / 8**1.5, rel=0.06)
    assert answers[0] > 3 * max(answers[1:])
    bright = apply("membrane_strength", -sheet, voxel_size, scale=scale, three_d=True)
    assert bright[20, 20, 20] == 0
    assert apply("membrane_strength", -sheet, voxel_size, scale=scale, three_d=True, dark=False)[20, 20, 20] > 0.3
    line = apply("membrane_strength", sheet, voxel_size, scale=scale)
    assert line[20, 20, 20] > 0.15  # a sheet that is cut is a line in each slice
    assert line.min() == 0


def test_membrane_strength_is_that_of_numpy(rng):
    """The eigenvalues in closed form are those of a library."""
    volume = rng.normal(size=(9, 10, 11)).astype(np.float32)
    smooth = ndimage.gaussian_filter(volume.astype(float), 1.5, mode="nearest")
    wide = np.pad(smooth, 1, mode="edge")
    hessian = np.empty((*volume.shape, 3, 3))
    for a, b in np.ndindex(3, 3):
        both = np.gradient(np.gradient(wide, axis=a), axis=b)
        if a == b:
            both = np.roll(wide, 1, a) + np.roll(wide, -1, a) - 2 * wide
        hessian[..., a, b] = both[1:-1, 1:-1, 1:-1] * 1.5**2
    values = np.linalg.eigvalsh(hessian)
    truth = values[..., 2] - np.abs(values[..., :2]).max(axis=-1)
    found = apply("membrane_strength", volume, 10, scale=15, three_d=True)
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(found[inner], np.maximum(truth, 0)[inner], atol=1e-4)


@pytest.mark.parametrize("three_d", [False, True])
def test_deconvolution_is_the_formula(three_d):
    """The response to a point, in Fourier space, above the high-pass; dark stays dark."""
    from ais_app.core.filters.deconvolution import DeconvolutionParams, wiener

    shape = (91,) * 3 if three_d else (1, 181, 181)
    point = np.zeros(shape, np.float32)
    point[tuple(n // 2 for n in shape)] = 1
    params = DeconvolutionParams(high_pass=200, three_d=three_d)
    found = apply("deconvolution", point, 10, **params.to_dict())
    frequencies = np.meshgrid(*(np.fft.fftfreq(n, 10) for n in shape), indexing="ij")
    k = np.sqrt(sum(along**2 for along in frequencies))
    response = np.fft.fftn(np.fft.ifftshift(found)).real
    truth = wiener(k, params)
    above = k > 1 / 200
    assert np.abs(response - truth)[above].max() < 0.03 * truth.max()
    assert response[0, 0, 0] == pytest.approx(0, abs=1e-4)
    assert found.max() == found[tuple(n // 2 for n in shape)]


def test_deconvolution_knows_the_contrast_transfer():
    from ais_app.core.filters.deconvolution import DeconvolutionParams, wiener
    from ais_app.core.simulate.optics import wavelength

    # without spherical aberration and amplitude contrast the first zero is at sqrt(1 / (wavelength defocus))
    params = DeconvolutionParams(defocus=5, spherical_aberration=0, amplitude_contrast=0, phase_flipped=False)
    zero = (1 / (wavelength(300) * 5e4)) ** 0.5
    before, at, after = wiener(np.array([0.9, 1.0, 1.1]) * zero, params)
    assert before > 0 > after
    assert at == pytest.approx(0, abs=1e-6)
    flipped = DeconvolutionParams(defocus=5, spherical_aberration=0, amplitude_contrast=0)
    np.testing.assert_allclose(wiener(1.1 * zero, flipped), -after)
    # without a transfer it is the Wiener filter of noise alone
    plain = DeconvolutionParams(defocus=0, fall_off=0)
    assert wiener(np.array(0.02), plain) == pytest.approx(1000 / 1001)


def test_deconvolution_undoes_what_the_microscope_did(rng):
    """A phantom that was imaged is nearer to the truth afterwards, in what the high-pass leaves."""
    from ais_app.core.simulate.optics import contrast_transfer
    from ais_app.core.simulate.parameters import SimulateParams

    plane = ndimage.gaussian_filter((rng.random((200, 200)) > 0.98).astype(float), 2.0, mode="wrap")
    k = np.hypot(np.fft.fftfreq(200, 10)[:, None], np.fft.fftfreq(200, 10))
    imaged = np.fft.ifft2(np.fft.fft2(plane) * -np.abs(contrast_transfer(k, SimulateParams(defocus=4)))).real
    noisy = -(imaged + rng.normal(0, 0.05 * imaged.std(), imaged.shape))
    found = apply("deconvolution", noisy[None], 10)[0]
    inner = (slice(30, -30),) * 2
    truth = apply("band_pass", plane[None], 10, low_pass=None, high_pass=300)[0]

    def likeness(image):
        return np.corrcoef(image[inner].ravel(), truth[inner].ravel())[0, 1]

    assert likeness(found) > max(0.95, likeness(noisy) + 0.05)


@pytest.mark.parametrize("three_d", [False, True])
def test_band_pass_of_waves_inside_and_outside(voxel_size, three_d):
    """T6: what lies well inside the band stays, what lies outside goes; filters have no cut, so well outside."""
    kept = {}
    for what, period in {"inside": 20 * voxel_size, "fine": 2.5 * voxel_size, "broad": 8000 * voxel_size}.items():
        plane = wave(voxel_size, period)
        chosen = {"low_pass": 6 * voxel_size, "high_pass": 100 * voxel_size, "three_d": three_d}
        kept[what] = amplitude(apply("band_pass", plane, voxel_size, **chosen))
    assert kept["inside"] >= 0.98
    assert kept["fine"] <= 0.02
    assert kept["broad"] <= 0.02


@pytest.mark.parametrize("three_d", [False, True])
@pytest.mark.parametrize("voxels", [4.2, 5.0, 6.0, 7.5, 10.0, 25.0, 40.0, 50.0, 65.0, 90.0])
def test_band_pass_near_its_edges_is_its_formula(voxel_size, three_d, voxels):
    """T6: waves on both sides of 6 and of 50 voxels: at each 2 g - g², g = (1 - sqrt(1/2)) ** (edge / wave)²."""
    chosen = {"low_pass": 6 * voxel_size, "high_pass": 50 * voxel_size, "three_d": three_d}
    plane = wave(voxel_size, voxels * voxel_size, 900)
    fine, broad = (1 - np.sqrt(0.5)) ** ((np.array([6.0, 50.0]) / voxels) ** 2)
    middle = np.s_[0, 2, 300:600]
    expected = plane[middle] * ((2 * fine - fine**2) - (2 * broad - broad**2))
    np.testing.assert_allclose(apply("band_pass", plane, voxel_size, **chosen)[middle], expected, atol=0.01)


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
        ("deconvolution", {"high_pass": 1000, "three_d": True}),
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
