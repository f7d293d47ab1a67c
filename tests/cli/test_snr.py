"""``ais-app snr``."""

import json

import numpy as np
import pytest

import ais_app
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge


@pytest.fixture
def volume(tmp_path):
    random = np.random.default_rng(0)
    data = random.standard_normal((60, 96, 96)).astype(np.float32)
    data[18:42, 20:44, 20:44] += random.standard_normal((24, 24, 24)).astype(np.float32)
    like = ais_app.Tomogram(data, (10.0, 10.0, 10.0))
    ais_app.write_particles(tmp_path / "a.star", picks([[30, 32, 32]]), "star")
    return ais_app.write_volume(tmp_path / "TS_01.mrc", data, like=like)


def picks(places):
    names = np.full(len(places), "TS_01", dtype=object)
    return Particles(np.array(places, float) * 10, tomograms=names, voxel_size=10.0)


def stack(path, count, turned):
    random = np.random.default_rng(1)
    signal = random.standard_normal((24, 24, 24))
    cubes = (signal + random.standard_normal((count, 24, 24, 24))).astype(np.float32)
    poses = Poses.of(np.tile(np.eye(3), (count, 1, 1)), np.full((count, 3), 1e-6 * turned))
    write_stack(path, cubes, picks([[30, 32, 32]] * count), [Wedge(-60, 60)], np.zeros(count, int), 10.0, poses=poses)
    return path


def test_of_a_stack(ais, tmp_path):
    code, out, err = ais("snr", stack(tmp_path / "a.zarr", 8, True), "--json", "--pairs", 20)
    found = json.loads(out)
    assert (code, err, found["pairs"], found["method"]) == (0, "", 20, "pairs")
    assert found["snr"] == pytest.approx(1, rel=0.25) and found["low"] <= found["snr"] <= found["high"]
    assert "20 pairs" in ais("snr", tmp_path / "a.zarr", "--pairs", 20)[1]


def test_a_stack_that_is_not_aligned_or_has_one_cube(ais, tmp_path):
    code, _, err = ais("snr", stack(tmp_path / "a.zarr", 4, False))
    assert code == 1 and "align them first" in err
    code, _, err = ais("snr", stack(tmp_path / "b.zarr", 1, True))
    assert code == 1 and "no two" in err


def test_of_a_tomogram_near_its_picks(ais, volume, tmp_path):
    options = ("--coordinates", tmp_path / "a.star", "--pick-radius", 120)
    found = json.loads(ais("snr", volume, "--json", *options)[1])
    assert found["method"] == "background" and found["certain"]
    assert found["snr"] == pytest.approx(1, rel=0.5)
    everywhere = json.loads(ais("snr", volume, "--json")[1])
    assert everywhere["snr"] < found["snr"] / 4
    assert "±" in ais("snr", volume)[1]


def test_files_that_fail(ais, tmp_path):
    code, _, err = ais("snr", tmp_path / "none.mrc")
    assert code == 1 and "none.mrc" in err
