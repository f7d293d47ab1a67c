"""Template matching on files: the command, its outputs, replay, going on after a kill, bad input."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "particles"))

from subtomogram_phantoms import phantom

from ais_app.core.coordinates import read_particles
from ais_app.core.geometry import relion_to_matrices
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.particles.orientations import all_rotations, angles_between
from ais_app.core.tomogram import Tomogram
from ais_app.operations.match import match, match_job
from ais_app.operations.replay import replay

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 12.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a dark tomogram of two particles, and their bright map on finer voxels."""
    folder = tmp_path_factory.mktemp("match")
    rng = np.random.default_rng(3)
    volume = np.zeros((28, 48, 40), dtype=np.float32)
    turns = all_rotations(90)[[5, 20]]
    for at, rotation in zip(PLACES, turns, strict=True):
        z, y, x = at - 8
        volume[z : z + 16, y : y + 16, x : x + 16] -= phantom(2, 16, rotation=rotation)
    volume += rng.normal(size=volume.shape).astype(np.float32) * 0.5
    write_volume(folder / "TS_01.mrc", volume, like=Tomogram(volume, (SIZE,) * 3))
    density = phantom(2, 16)
    write_volume(folder / "lump.mrc", density, like=Tomogram(density, (SIZE,) * 3))
    return folder, turns


PLACES = np.array([(13, 14, 15), (14, 32, 24)])
WORDS = ["--angular-step", 90, "--tilt", "-90,90", "--mask-radius", 90]


def test_command_line(folder, ais, tmp_path):
    folder, turns = folder
    words = [folder / "TS_01.mrc", folder / "lump.mrc", "-o", tmp_path, *WORDS, "--number", 2, "--keep-scores"]
    code, shown, problem = ais("match", *words, "--format", "star,tsv")
    assert (code, problem) == (0, "")
    assert "2 particles" in shown
    assert "template inverted" in shown
    output = tmp_path / "TS_01_lump_coords.star"
    found = read_particles(output)
    order = np.argsort(found.positions_zyx[:, 1])
    np.testing.assert_allclose(found.positions_zyx[order], PLACES * SIZE, atol=0.5 * SIZE)
    assert angles_between(found.rotations[order], turns).max() < 8
    assert (np.diff(found.scores) <= 0).all()
    assert 0.3 < found.scores.min()
    assert found.names == ["TS_01"]
    assert (tmp_path / "TS_01_lump_coords.tsv").exists()
    scores, angles = (open_tomogram(tmp_path / f"TS_01_lump_{name}.mrc") for name in ("scores", "angles"))
    assert (scores.voxel_size_zyx, scores.shape) == ((SIZE,) * 3, (28, 48, 40))
    at = tuple(PLACES[0])
    assert scores.read()[at] > 0.3
    rows = list(csv.reader((tmp_path / "TS_01_lump_rotations.csv").read_text().splitlines()))
    rotation = relion_to_matrices(np.array([rows[1 + int(angles.read()[at])][1:]], dtype=float))[0]
    assert angles_between(rotation, turns[0]) < 1e-2
    notes = json.loads((tmp_path / "TS_01_lump_coords.star.json").read_text())["notes"]
    assert (notes["particles"], notes["inverted"], notes["wedge"]["tilt_min"]) == (2, True, -90.0)
    assert not list(tmp_path.glob(".*"))
    assert replay(output).identical


def test_a_dark_template(folder, tmp_path, ais):
    """Its sign is as the tomogram's, so nothing is inverted."""
    folder, _ = folder
    density = open_tomogram(folder / "lump.mrc").read()
    write_volume(tmp_path / "dark.map", -density, like=Tomogram(density, (SIZE,) * 3))
    words = [folder / "TS_01.mrc", tmp_path / "dark.map", "-o", tmp_path / "o", *WORDS, "--number", 2, "--no-refine"]
    code, shown, _ = ais("match", *words, "--template-dark")
    assert code == 0
    assert "inverted" not in shown
    found = read_particles(tmp_path / "o" / "TS_01_dark_coords.star")
    order = np.argsort(found.positions_zyx[:, 1])
    np.testing.assert_allclose(found.positions_zyx[order], PLACES * SIZE, atol=SIZE)
    code, _, error = ais("match", *words, "--template-dark", "--template-contrast", "bright")
    assert code == 1
    assert "--template-contrast: says bright, --template-dark says dark; give one of them" in error


def test_a_killed_search_goes_on(folder, tmp_path):
    folder, _ = folder
    files = [folder / "TS_01.mrc"], folder / "lump.mrc"
    params = MatchParams(angular_step=90, mask_radius=90, memory=50, refine=False)
    whole = match(*files, tmp_path / "whole", params, tilt="-60,60")
    job = match_job(*files, tmp_path / "killed", params, tilt="-60,60")
    for _ in range(12):
        next(job)
    job.close()
    assert (tmp_path / "killed" / ".TS_01_lump_match").is_dir()
    (again,) = match(*files, tmp_path / "killed", params, tilt="-60,60")
    assert again.error is None
    assert again.outputs[0].read_bytes() == whole[0].outputs[0].read_bytes()
    assert not (tmp_path / "killed" / ".TS_01_lump_match").exists()
    assert torch.get_num_threads() == 1


def test_what_cannot_be_done_is_said(folder, tmp_path, ais):
    folder, _ = folder
    inputs = [folder / "TS_01.mrc", folder / "lump.mrc", "-o", tmp_path]
    assert "no such file" in ais("match", folder / "TS_01.mrc", folder / "none.mrc", "-o", tmp_path)[2].lower()
    assert "radius" in ais("match", *inputs, "--tilt", "-60,60", "--mask-radius", 5)[2]
    assert "reaches over" in ais("match", *inputs, "--tilt", "-60,60", "--mask-radius", 200)[2]
    assert ais("match", *inputs, "--tilt", "60,-60")[0] == 1
    assert ais("match", *inputs, "--tilt", "-60,60", "--format", "nothing")[0] == 1
    flat = np.ones((8, 9, 10), dtype=np.float32)
    write_volume(tmp_path / "flat.mrc", flat, like=Tomogram(flat, (SIZE, SIZE, 9.0)))
    assert "no cubes" in ais("match", folder / "TS_01.mrc", tmp_path / "flat.mrc", "-o", tmp_path)[2]
    (tmp_path / "file").touch()  # where the folder should be made
    code, _, problem = ais("match", *inputs[:3], tmp_path / "file" / "out", "--tilt", "-60,60")
    assert code == 1 and ".TS_01_lump_match: cannot be written" in problem and "choose another folder" in problem
    assert not list(tmp_path.glob("*.star"))
