"""Outputs made again from their provenance."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram


@pytest.fixture
def picked(tmp_path, ais):
    """A segmentation with three blobs, and its picks."""
    folder = tmp_path / "work"
    folder.mkdir()
    grid = np.indices((20, 30, 40)).transpose(1, 2, 3, 0)
    blobs = [np.linalg.norm(grid - centre, axis=-1) < 4 for centre in ((6, 8, 8), (12, 20, 12), (9, 15, 30))]
    probability = np.any(blobs, axis=0).astype(np.float32)
    like = Tomogram(probability, voxel_size_zyx=(10.0, 10.0, 10.0))
    write_volume(folder / "TS_1__ribosome.mrc", probability, like=like)
    arguments = ["--threshold", 0.5, "--min-volume", 1000, "--min-spacing", 50]
    code, _, error = ais("pick", folder / "TS_1__ribosome.mrc", "-o", folder, *arguments)
    assert code == 0, error
    return folder / "TS_1__ribosome_coords.star"


def test_an_output_that_is_there_is_compared(picked, ais):
    before = sorted(picked.parent.iterdir())
    code, out, _ = ais("replay", picked)
    assert (code, "identical" in out) == (0, True)
    assert sorted(picked.parent.iterdir()) == before


def test_a_changed_output_is_found_out(picked, ais):
    picked.write_text(picked.read_text() + "\n")
    code, out, _ = ais("replay", picked)
    assert (code, "DIFFERENT" in out) == (1, True)


def test_a_missing_output_is_put_back_also_after_moving_the_folder(picked, ais, tmp_path):
    original = picked.read_bytes()
    moved = shutil.move(picked.parent, tmp_path / "moved")
    (moved / picked.name).unlink()
    code, _, error = ais("replay", moved / f"{picked.name}.json")
    assert code == 0, error
    assert (moved / picked.name).read_bytes() == original


def test_a_replay_elsewhere_can_itself_be_replayed(picked, ais, tmp_path):
    code, _, error = ais("replay", picked, "-o", tmp_path / "again")
    assert code == 0, error
    assert (tmp_path / "again" / picked.name).read_bytes() == picked.read_bytes()
    assert ais("replay", tmp_path / "again" / picked.name)[0] == 0


def test_a_missing_or_changed_input_is_named(picked, ais):
    source = picked.parent / "TS_1__ribosome.mrc"
    content = source.read_bytes()
    source.write_bytes(content[:-1] + b"\x01")
    code, _, error = ais("replay", picked)
    assert code == 1
    assert "not the file" in error
    source.unlink()
    code, _, error = ais("replay", picked)
    assert code == 1
    assert "missing" in error


def test_a_file_without_provenance_is_refused(picked, ais):
    code, _, error = ais("replay", picked.parent / "TS_1__ribosome.mrc")
    assert code == 1
    assert "no provenance" in error


@pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning")  # not everything fits into so few voxels
def test_simulated_tomograms_come_out_identical(tmp_path, ais):
    nothing_large = [f"--n-{kind}=0" for kind in ("vesicles", "double-membranes", "microtubules", "beads")]
    shape = ["--shape", "16,48,48", "--tilt-step", 12, "--occupancy", 0.01, "--n-sheets=0", *nothing_large]
    code, _, error = ais("simulate", tmp_path / "phantom", "--seed", 3, *shape)
    assert code == 0, error
    code, out, _ = ais("replay", tmp_path / "phantom" / "tomogram.mrc")
    assert (code, "identical" in out) == (0, True)
