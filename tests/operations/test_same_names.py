"""Tomograms that particle lists cannot tell apart: one file name in a folder for each tilt series."""

import numpy as np
import pytest

from ais_app.core.coordinates import write_particles
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.tomogram import Tomogram

SIZE, SHAPE = 10.0, (60, 96, 96)


@pytest.fixture
def folders(tmp_path, rng, monkeypatch):
    """Two tomograms ``rec.mrc`` with a list each, and an average."""
    for name in ("TS_01", "TS_02"):
        data = rng.normal(size=SHAPE).astype(np.float32)
        (tmp_path / name).mkdir()
        write_volume(tmp_path / name / "rec.mrc", data, like=Tomogram(data, (SIZE,) * 3))
        names = np.full(4, "rec", dtype=object)
        places = Particles(rng.uniform(200, 400, (4, 3)), tomograms=names, voxel_size=SIZE)
        write_particles(tmp_path / name / "picks.star", places)
    write_volume(tmp_path / "average.mrc", data[:8, :8, :8], like=Tomogram(data, (SIZE,) * 3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


TOMOGRAMS = ["TS_01/rec.mrc", "TS_02/rec.mrc"]
LISTS = ["--coordinates", "TS_01/picks.star", "--coordinates", "TS_02/picks.star"]
EXTRACT = ["--box", "8", "--tilt", "-60,60"]


@pytest.mark.parametrize(
    "words",
    [
        ["subtomo", "extract", *TOMOGRAMS, *LISTS, *EXTRACT, "-o", "out.zarr"],
        ["snr", *TOMOGRAMS, *LISTS],
        ["coordinates", "TS_01/picks.star", "--tomogram", TOMOGRAMS[0], "--tomogram", TOMOGRAMS[1], "-o", "out.csv"],
        ["mapback", *TOMOGRAMS, *LISTS, "--average", "average.mrc", "-o", "out"],
    ],
    ids=["extract", "snr", "coordinates", "mapback"],
)
def test_they_are_refused(folders, ais, words):
    before = set(folders.rglob("*"))
    code, _, err = ais(*words)
    assert code != 0
    assert "TS_01/rec.mrc and TS_02/rec.mrc" in err and "different names" in err
    if "--rename" in err:
        assert "--rename" in ais(*words[: 1 + (words[0] == "subtomo")], "--help")[1]
    assert set(folders.rglob("*")) == before


def test_one_by_one_and_by_other_names_they_are_told_apart(folders, ais):
    assert ais("subtomo", "extract", TOMOGRAMS[0], *LISTS[:2], *EXTRACT, "-o", "one.zarr")[0] == 0
    links, lists = [], []
    for name in ("TS_01", "TS_02"):
        (folders / f"{name}.mrc").symlink_to(folders / name / "rec.mrc")
        assert ais("coordinates", f"{name}/picks.star", "--rename", f"rec:{name}", "-o", f"{name}.star")[0] == 0
        links.append(f"{name}.mrc")
        lists += ["--coordinates", f"{name}.star"]
    assert ais("subtomo", "extract", *links, *lists, *EXTRACT, "-o", "two.zarr")[0] == 0
    one, two = (SubtomogramStack.open(folders / name) for name in ("one.zarr", "two.zarr"))
    assert list(two.particles.tomograms) == ["TS_01"] * 4 + ["TS_02"] * 4
    np.testing.assert_array_equal(two.read(np.arange(4)), one.read())


def test_two_names_of_one_tilt_series_do_not_have_each_others_picks(folders, ais):
    (folders / "TS_01/rec.mrc").rename(folders / "rec_A.mrc")
    (folders / "TS_02/rec.mrc").rename(folders / "A_10.00Apx.mrc")
    words = ["rec_A.mrc", "A_10.00Apx.mrc", *LISTS, "--rename", "rec:A", *EXTRACT]
    code, _, err = ais("subtomo", "extract", *words, "-o", "out.zarr")
    assert (
        code != 0 and "rec_A.mrc and A_10.00Apx.mrc have one name, A, by" in err and not (folders / "out.zarr").exists()
    )


@pytest.mark.parametrize("tomograms", [["one.mrc"], ["one.mrc", "TS_02/rec.mrc"]], ids=["one", "two"])
@pytest.mark.parametrize(
    "command",
    [
        ["subtomo", "extract", *EXTRACT, "-o", "out.zarr"],
        ["snr"],
        ["mapback", "--average", "average.mrc", "-o", "out"],
    ],
    ids=["extract", "snr", "mapback"],
)
def test_an_empty_list_is_named(folders, ais, command, tomograms):
    (folders / "TS_01/rec.mrc").rename(folders / "one.mrc")
    write_particles(folders / "empty.star", Particles(np.zeros((0, 3))), "star", voxel_size=SIZE)
    code, _, err = ais(*command, *tomograms, "--coordinates", "empty.star")
    assert code == 1 and "empty.star: holds no particles: the list is empty; pick some first" in err
    assert "--rename" not in err


@pytest.mark.filterwarnings("always::ais_app.core.errors.DataWarning")
@pytest.mark.parametrize(
    "command", [["snr"], ["mapback", "--average", "average.mrc", "-o", "out"]], ids=["snr", "back"]
)
def test_a_list_of_one_tomogram_is_not_taken_for_that_of_another(folders, ais, command):
    (folders / "TS_02/rec.mrc").rename(folders / "other.mrc")
    code, out, err = ais(*command, "TS_01/rec.mrc", "other.mrc", *LISTS[:2])
    assert code == 1 and "rec" in out
    assert "other: has no particles in the lists; their tomograms: rec; --rename changes them" in err
