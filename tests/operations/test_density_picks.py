"""Picking tomograms from files without a network, through the Python function, the command line and replay."""

import json

import numpy as np
import pytest

from ais_app.core.coordinates import read_particles
from ais_app.core.io import write_volume
from ais_app.core.pickers.dog import DogParams
from ais_app.core.tomogram import Tomogram
from ais_app.operations.dog import dog
from ais_app.operations.replay import replay

SIZE = 10.0
CENTRES = np.array([[160.0, 120, 100], [150, 300, 280], [140, 140, 330]])


def grey(shape=(32, 42, 44)):
    volume = np.random.default_rng(3).normal(100, 0.5, shape)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    for centre in CENTRES:
        volume -= 4 * (sum((axis * SIZE - c) ** 2 for axis, c in zip(grid, centre, strict=True)) <= 60**2)
    return volume.astype(np.float32)


@pytest.fixture
def tomogram(tmp_path):
    data = grey()
    return write_volume(tmp_path / "TS_01.mrc", data, like=Tomogram(data, (SIZE,) * 3, origin_zyx=(5.0, 6.0, 7.0)))


def found_all(particles, within=12.0):
    away = np.linalg.norm(particles.positions_zyx[:, None] - CENTRES, axis=2)
    return len(particles) == 3 and away.min(axis=0).max() < within


def test_command_line_and_replay(tomogram, tmp_path, ais):
    out = tmp_path / "picks"
    code, said, _ = ais("dog", tomogram, "-o", out, "--diameter", 120, "--number", 3, "--format", "star,tsv")
    assert code == 0
    assert "3 particles" in said
    for suffix in ("star", "tsv"):
        particles = read_particles(out / f"TS_01_dog_coords.{suffix}")
        assert found_all(particles)
        assert set(particles.tomograms) == {"TS_01"}
    record = json.loads((out / "TS_01_dog_coords.star.json").read_text())
    assert record["operation"] == "dog"
    assert record["notes"] == {"particles": 3}
    assert record["arguments"]["params"]["number"] == 3
    assert replay(out / "TS_01_dog_coords.star").identical


def test_the_number_need_not_be_given(tomogram, tmp_path):
    (result,) = dog([tomogram], tmp_path, DogParams(diameter=120))
    assert result.message == "3 particles"
    assert found_all(read_particles(result.outputs[0]))


def test_saliency_by_command_line_and_replay(tomogram, tmp_path, ais):
    out = tmp_path / "picks"
    code, said, _ = ais("saliency", tomogram, "-o", out, "--diameter", 120, "--number", 3, "--scale", 1, "--scale", 1.5)
    assert code == 0
    assert "3 particles" in said
    assert found_all(read_particles(out / "TS_01_saliency_coords.star"), within=25)
    record = json.loads((out / "TS_01_saliency_coords.star.json").read_text())
    assert record["operation"] == "saliency"
    assert record["arguments"]["params"]["scales"] == [1.0, 1.5]
    assert replay(out / "TS_01_saliency_coords.star").identical


def test_a_mask_decides_which_are_kept(tomogram, tmp_path, ais):
    mask = np.zeros((32, 42, 44), np.uint8)
    mask[:, :, :20] = 1
    write_volume(tmp_path / "TS_01__half.mrc", mask, like=Tomogram(mask, (SIZE,) * 3, origin_zyx=(5.0, 6.0, 7.0)))
    code, said, _ = ais("dog", tomogram, "-o", tmp_path, "--diameter", 120, "--number", 1, "--mask", "half")
    assert code == 0, said
    (position,) = read_particles(tmp_path / "TS_01_dog_coords.star").positions_zyx
    np.testing.assert_allclose(position, CENTRES[0], atol=12)
    assert replay(tmp_path / "TS_01_dog_coords.star").identical


def test_nothing_to_find_is_said(tmp_path, ais):
    flat = np.full((20, 20, 20), 3, np.float32)
    path = write_volume(tmp_path / "flat.mrc", flat, like=Tomogram(flat, (SIZE,) * 3))
    code, said, _ = ais("dog", path, "-o", tmp_path, "--diameter", 60)
    assert code == 0
    assert "0 particles: nothing dark of this size stands out" in said
    assert len(read_particles(tmp_path / "flat_dog_coords.star")) == 0


def test_bad_input_is_said_in_one_line(tomogram, tmp_path, ais):
    for words, expected in [
        (("--format", "mystery"), "mystery"),
        (("--mask-keep", "outside"), "no mask"),
        (("--mask", "absent"), "no segmentation 'absent'"),
        (("--diameter", "5000"), "bin the tomogram first"),
    ]:
        code, _, error = ais("dog", tomogram, "-o", tmp_path / "out", *words)
        assert code == 1
        assert expected in error
        assert len(error.splitlines()) == 1
    assert ais("dog", tomogram, "-o", tmp_path, "--number", "0")[0] == 2
