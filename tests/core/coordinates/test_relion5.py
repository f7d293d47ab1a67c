"""RELION 5's centred coordinates and the disputed centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ais_app.core.coordinates import Particles, read_particles, write_particles
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.formats.star import read_star
from ais_app.core.formats.star.columns import CENTRED

from .examples import DATA, particles

TOMOGRAMS = str(DATA / "relion5/tomograms.star")


def one(shape, position=(0.0, 0.0, 0.0), voxel_size=10.0, name="TS_01"):
    return Particles(np.array([position]), tomograms=np.array([name]), voxel_size=voxel_size, shape_zyx=shape)


def written(path, given, **options):
    write_particles(path, given, "relion5", **options)
    table = read_star(path).blocks["particles"]
    return table[list(CENTRED)].to_numpy()[0]


@pytest.mark.parametrize("voxel_size", [10.0, 1.35])
@pytest.mark.parametrize("shape", [(20, 40, 60), (21, 41, 61)])
@pytest.mark.parametrize(
    "centre, index",
    [("relion-picker", lambda n: n / 2 - 1), ("half", lambda n: n / 2), ("half-integer", lambda n: n // 2)],
)
def test_the_first_voxel_is_minus_the_centre(tmp_path, voxel_size, shape, centre, index):
    found = written(tmp_path / "a.star", one(shape, voxel_size=voxel_size), centre=centre)
    assert np.allclose(found, [-index(size) * voxel_size for size in shape[::-1]])
    back = read_particles(tmp_path / "a.star")  # the comment says which centre, size and voxel size
    assert np.allclose(back.positions_zyx, 0, atol=1e-5)
    assert back.shape_of("TS_01") == shape
    assert back.voxel_size == voxel_size


def test_another_centre_than_the_comment_says_shifts_by_a_voxel(tmp_path):
    write_particles(tmp_path / "a.star", one((20, 40, 60)), "relion5")
    found = read_particles(tmp_path / "a.star", centre="half")
    assert np.allclose(found.positions_zyx, 10.0)


def test_unbinned_pixels_move_the_centre(tmp_path):
    # the picker's centre is one unbinned pixel, not one voxel, off the half
    found = written(tmp_path / "a.star", one((20, 40, 60)), pixel_size=2.5)
    assert np.allclose(found, [-(size * 4 / 2 - 1) * 2.5 for size in (60, 40, 20)])
    assert read_star(tmp_path / "a.star").blocks["optics"]["rlnTomoTiltSeriesPixelSize"].tolist() == [2.5]
    back = read_particles(tmp_path / "a.star")
    assert np.allclose(back.positions_zyx, 0, atol=1e-5)
    assert back.shape_of("TS_01") == (20, 40, 60)
    averaged = written(tmp_path / "b.star", one((20, 40, 60)), pixel_size=2.5, binning="average")
    assert np.allclose(averaged - found, 3.75)


def test_picks_of_a_project():
    found = read_particles(DATA / "relion5/picks.star", tomograms=TOMOGRAMS)
    assert found.voxel_size == 10.52
    assert found.shape_of("TS_02") == (44, 136, 84)
    centre = (np.array([84, 136, 44]) / 2 - 1) * 10.52
    assert np.allclose(found.positions_zyx[0, ::-1], centre + [-176.94, 765.48005, 11.16])


def test_refined_particles_have_origins_applied():
    picks = read_particles(DATA / "relion5/picks.star", tomograms=TOMOGRAMS)
    with pytest.warns(DataWarning, match="pixels of 3.105 Å"):  # as the file of the fixture has it
        refined = read_particles(DATA / "relion5/refine3d.star", tomograms=TOMOGRAMS)
    assert np.allclose(refined.positions_zyx[0, ::-1] - picks.positions_zyx[0, ::-1], [2.41904, -2.498456, 6.78404])


def test_the_size_of_the_tomogram_is_asked_for():
    with pytest.raises(ParameterProblem, match="the size of tomogram TS_01 is not known; give --tomogram"):
        read_particles(DATA / "relion5/picks.star", voxel_size=10.52)
    with pytest.raises(ParameterProblem, match="voxel size"):
        read_particles(DATA / "relion5/picks.star", shape=(44, 136, 84))


def test_tomograms_of_different_size(tmp_path):
    given = replace(particles(4), shapes={"TS_02": (30, 50, 70)})
    write_particles(tmp_path / "a.star", given, "relion5")
    back = read_particles(tmp_path / "a.star")
    assert np.allclose(back.positions_zyx, given.positions_zyx, atol=1e-5)
    assert back.shape_of("TS_01") == (61, 128, 96) and back.shape_of("TS_02") == (30, 50, 70)


def test_written_again_it_keeps_its_comments_and_says_its_centre_once(tmp_path):
    with pytest.warns(DataWarning):
        found = read_particles(DATA / "relion5/class3d.star", tomograms=TOMOGRAMS)
    write_particles(tmp_path / "a.star", found, "relion5")
    write_particles(tmp_path / "b.star", read_particles(tmp_path / "a.star"), "relion5", centre="half")
    comments = read_star(tmp_path / "b.star").comments["particles"]
    assert comments[0] == "version 50001"
    assert len(comments) == 2 and '"centre": "half"' in comments[1]


@pytest.mark.parametrize("line", ['ais-app {"centre": 3', 'ais-app {"centre": "half"}', "ais-app {}"])
def test_a_damaged_comment_is_named(tmp_path, line):
    write_particles(tmp_path / "a.star", one((20, 40, 60)), "relion5")
    path = tmp_path / "a.star"
    lines = [f"# {line}" if text.startswith("# ais-app") else text for text in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(FileProblem, match="comment .* is damaged"):
        read_particles(path)


def test_tomograms_star_without_sizes(tmp_path):
    with pytest.raises(FileProblem, match="has no column rlnTomoSizeZ"):
        read_particles(DATA / "relion5/picks.star", tomograms=str(DATA / "relion5/picks.star"))
