"""What is odd about a volume is said, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ais_app.core.jobs import run
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.preflight import Survey, preflight, survey_job

SIZE = (10.0, 10.0, 10.0)


def codes(tomogram: Tomogram) -> set[str]:
    return {finding.code for finding in preflight(tomogram)}


@pytest.fixture
def grey(rng: np.random.Generator) -> np.ndarray:
    """Noise with dark spheres in it, as cryo-tomograms look."""
    volume = rng.normal(0, 1, (40, 64, 64)).astype(np.float32)
    z, y, x = np.indices(volume.shape)
    for cz, cy, cx in [(10, 15, 20), (20, 40, 40), (30, 20, 50), (15, 50, 12)]:
        volume[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < 25] -= 3
    return volume


def survey(volume: np.ndarray, size: tuple = SIZE) -> Survey:
    return run(survey_job(Tomogram(volume, size)))


def test_a_sound_tomogram_has_no_findings(grey: np.ndarray) -> None:
    assert codes(Tomogram(grey, SIZE)) == set()


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (None, "voxel-size"),
        ((0.00134,) * 3, "voxel-size"),
        ((1340.0,) * 3, "voxel-size"),
        ((10.0, 10.0, 13.0), "voxel-shape"),
        ((10.0, 10.0, 10.01), None),
    ],
)
def test_voxel_sizes(grey: np.ndarray, size: tuple | None, code: str | None) -> None:
    assert codes(Tomogram(grey, size)) == ({code} if code else set())


def test_bytes_of_the_wrong_sign_are_seen(grey: np.ndarray) -> None:
    unsigned = np.clip(gaussian_filter(grey, 1) * 40 + 128, 0, 255).astype(np.uint8)
    assert "sign" not in codes(Tomogram(unsigned, SIZE))
    findings = preflight(Tomogram(unsigned.view(np.int8), SIZE))
    assert [str(f) for f in findings if f.code == "sign"] == [
        "the 8-bit voxels look unsigned, but the file says they are not; "
        "write it anew: ais-app convert --bytes unsigned"
    ]
    signed = (unsigned.astype(int) - 128).astype(np.int8)
    assert "sign" in codes(Tomogram(signed.view(np.uint8), SIZE))


def test_padding_is_seen_in_any_direction(grey: np.ndarray) -> None:
    for where in [np.s_[:6], np.s_[:, :8], np.s_[:, :, -9:]]:
        padded = grey.copy()
        padded[where] = 0.0
        assert codes(Tomogram(padded, SIZE)) == {"padding"}


def test_half_precision_constants_and_thin_y_are_seen(grey: np.ndarray) -> None:
    assert codes(Tomogram(grey.astype(np.float16), SIZE)) == {"float16"}
    assert codes(Tomogram(np.zeros((8, 30, 30), np.float32), SIZE)) == {"constant"}
    assert "axis-order" in codes(Tomogram(np.swapaxes(np.tile(grey[:12], (1, 1, 1)), 0, 1).copy(), SIZE))


def test_what_reading_found_odd_is_among_the_findings(grey: np.ndarray) -> None:
    tomogram = Tomogram(grey, SIZE, warnings=("the machine stamp is wrong",))
    assert [str(finding) for finding in preflight(tomogram)] == ["the machine stamp is wrong"]


@pytest.mark.parametrize(("sign", "contrast"), [(1, "dark"), (-1, "bright")])
def test_the_contrast_is_that_of_the_dense_things(grey: np.ndarray, sign: int, contrast: str) -> None:
    assert survey(sign * grey).contrast == contrast


def test_noise_has_no_contrast_and_no_wedge(rng: np.random.Generator) -> None:
    found = survey(rng.normal(size=(48, 64, 64)).astype(np.float32))
    assert (found.contrast, found.wedge, found.kind) == ("unclear", None, "grey")


def test_masks_and_label_maps_are_no_grey_volumes() -> None:
    labels = np.zeros((20, 40, 40), np.uint8)
    labels[5:15, 10:30, 10:30] = 3
    assert survey(labels).kind == "labels"
    assert survey(labels.astype(np.float32)).kind == "labels"
    assert codes(Tomogram(labels * 85, SIZE)) == set()  # 0 and 255, which no sign of bytes explains
    assert codes(Tomogram(labels, SIZE)) == set()


@pytest.mark.parametrize(("beam", "tilt"), [(0, 1), (0, 2), (1, 2), (2, 1), (1, 0), (2, 0)])
def test_the_missing_wedge_is_found_with_its_axes(rng: np.random.Generator, beam: int, tilt: int) -> None:
    shape = [64, 64, 64]
    shape[beam] = 40
    spectrum = np.fft.fftn(rng.normal(size=shape))
    along = [np.fft.fftfreq(n).reshape([-1 if a == axis else 1 for a in range(3)]) for axis, n in enumerate(shape)]
    spectrum[np.broadcast_to(np.abs(along[beam]) > np.abs(along[3 - beam - tilt]) * np.tan(np.pi / 3), shape)] = 0
    volume = np.fft.ifftn(spectrum).real.astype(np.float32)
    found = survey(volume)
    assert found.wedge is not None
    assert (found.wedge.beam_axis, found.wedge.tilt_axis) == ("zyx"[beam], "zyx"[tilt])
    assert ("wedge-axis" in {f.code for f in found.findings}) == (beam != 0)


def test_a_sample_of_slices_is_said_to_be_one(grey: np.ndarray) -> None:
    assert run(survey_job(Tomogram(grey, SIZE), fast=True)).sampled
    assert not run(survey_job(Tomogram(grey, SIZE))).sampled


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 30, 30), (3, 1, 2), (2, 2, 1)])
def test_the_smallest_volumes_are_surveyed(shape: tuple[int, int, int]) -> None:
    assert survey(np.arange(np.prod(shape), dtype=np.float32).reshape(shape)).moments.count == np.prod(shape)
