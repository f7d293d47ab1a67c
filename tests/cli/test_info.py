"""``ais-app info`` on sound, odd and broken files, and ``ais-app convert`` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.labels import save_labels
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import save_poses, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram

DATA = Path(__file__).parents[1] / "data" / "volumes"


@pytest.fixture
def tomogram(tmp_path: Path, rng: np.random.Generator) -> Path:
    grey = rng.normal(0, 1, (20, 40, 30)).astype(np.float32)
    like = Tomogram(grey, (13.68,) * 3, (-512.0, 0.0, 7.0), (0, 0, 3))
    return write_volume(tmp_path / "TS_01.mrc", grey, like=like, label="made here")


def test_people_read_what_they_check_first(ais, tomogram: Path) -> None:
    code, out, err = ais("info", tomogram)
    assert (code, err) == (0, "")
    for words in ["TS_01.mrc", "30 × 40 × 20 voxels", "13.68 Å", "float32", "7, 0, -512 Å", "made here", "nothing odd"]:
        assert words in out


def test_programs_read_one_json_array(ais, tomogram: Path) -> None:
    code, out, _ = ais("info", tomogram, tomogram.parent / "nothing.mrc", "--json")
    found, missing = json.loads(out)
    grey = open_tomogram(tomogram).read()
    assert code == 1
    assert missing["error"].endswith("no such file or folder; check the name")
    assert found["shape_zyx"] == [20, 40, 30]
    assert found["voxel_size_zyx"] == pytest.approx([13.68] * 3)
    assert found["origin_zyx"] == [-512.0, 0.0, 7.0]
    assert found["nstart_zyx"] == [0, 0, 3]
    assert found["dtype"] == "float32"
    assert (found["minimum"], found["maximum"]) == (grey.min(), grey.max())
    assert found["mean"] == pytest.approx(grey.mean(), abs=1e-5)
    assert found["deviation"] == pytest.approx(grey.std(), abs=1e-5)
    assert found["problems"] == []


def test_a_fast_look_says_that_it_is_one(ais, tomogram: Path) -> None:
    assert "of a dozen slices" in ais("info", tomogram, "--fast")[1]
    assert json.loads(ais("info", tomogram, "--fast", "--json")[1])[0]["sampled"] is True


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tardis_oldheader_2D.mrc", ["uint8", "144 to 159", "before MRC2000", "read as unsigned"]),
        ("unsigned_ints.mrc", ["uint8", "0 to 255", "maximum is 255"]),
        ("mrcfile_float16.mrc", ["float16", "3.5953", "some programs do not read"]),
        ("emd_3197.map.gz", ["20 × 20 × 20", "11.4 Å", "-2, 0, 0 voxels"]),
        ("visfd_test_blob_detect.rec", ["int8", "19 to 55", "-405.623, 1970.17, -1661.12 Å"]),
    ],
)
def test_odd_files_of_other_programs(ais, name: str, words: list[str]) -> None:
    code, out, err = ais("info", DATA / name)
    assert (code, err) == (0, "")
    flat = " ".join(out.split())
    for word in words:
        assert word in flat


def test_a_truncated_file_is_one_line_and_exit_code_1(ais) -> None:
    code, out, err = ais("info", DATA / "test_data_corrupt_header.map")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "truncated: it has 1,108 of the 34,280,108 bytes" in err


def test_convert_as_a_person_types_it(ais, tomogram: Path, tmp_path: Path) -> None:
    code, out, err = ais("convert", tomogram, tmp_path / "bin2.tif", "--bin", 2, "--crop", "0:10,:,:")
    assert (code, err) == (0, "")
    assert "TS_01.mrc: 15 × 20 × 5 voxels, float32 -> " in out
    assert open_tomogram(tmp_path / "bin2.tif").shape == (5, 20, 15)


def test_convert_many_says_what_failed_and_does_the_rest(ais, tomogram: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"")
    folder = tmp_path / "out"
    code, out, err = ais("convert", tmp_path / "*.mrc", "--output-dir", folder, "--format", "ome.zarr")
    assert code == 1
    assert "broken.mrc: is empty" in err
    assert "1 of 2 files failed" in err
    assert open_tomogram(folder / "TS_01.ome.zarr").voxel_size == pytest.approx(13.68)
    code, out, _ = ais("convert", tomogram, "-o", folder, "--format", "ome.zarr", "--skip-existing")
    assert code == 0
    assert "was there already" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["in.mrc"],
        ["in.mrc", "out.xyz"],
        ["in.mrc", "out.mrc", "--crop", "3:1,:,:"],
        ["in.mrc", "out.mrc", "--crop", "nonsense"],
        ["in.mrc", "out.mrc", "--bin", "50"],
        ["in.mrc", "out.mrc", "--bytes", "signed"],
        ["in.mrc", "in.mrc"],
    ],
)
def test_what_cannot_be_is_said_in_one_line_and_leaves_nothing(ais, tomogram: Path, arguments: list[str]) -> None:
    tomogram.rename(tomogram.with_name("in.mrc"))
    code, _, err = ais("convert", *[tomogram.with_name(a) if a.endswith(("mrc", "xyz")) else a for a in arguments])
    assert code == 1
    assert err.count("\n") == 1
    assert [path.name for path in tomogram.parent.iterdir()] == ["in.mrc"]


def test_debug_shows_where_it_happened(ais, tmp_path: Path) -> None:
    code, _, err = ais("--debug", "convert", tmp_path / "no.mrc")
    assert code == 1
    assert "Traceback" in err


def test_a_conversion_can_be_replayed(ais, tomogram: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.mrc"
    assert ais("convert", tomogram, target, "--bin", 2, "--dtype", "int8")[0] == 0
    code, out, err = ais("replay", target)
    assert (code, err) == (0, "")
    assert "identical" in out


def test_a_folder_that_cannot_be_written_is_said_in_words(ais, tomogram: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    code, _, err = ais("convert", tomogram, tmp_path / "file" / "a.mrc")
    assert code == 1
    assert "cannot be written" in err


def test_a_stack_of_subtomograms_is_called_that(ais, tmp_path: Path, tomogram: Path) -> None:
    places = Particles(np.zeros((5, 3)), tomograms=np.full(5, "TS_01", object), voxel_size=10.0)
    cubes, wedges = np.ones((5, 8, 8, 8), np.float32), [Wedge(-60, 60), Wedge(-90, 90)]
    path = tmp_path / "picks.zarr"
    write_stack(path, cubes, places, wedges, np.array([0, 0, 0, 0, 1]), 12.5)
    code, out, err = ais("info", path)
    assert (code, err) == (0, "")
    for words in [
        "picks.zarr",
        "stack of subtomograms",
        "5 subtomograms of 8 × 8 × 8 voxels",
        "12.5 Å",
        "10.0 nm wide",
    ]:
        assert words in out
    assert "none" in out and "not known: ais-app subtomo average" in out
    assert "-60 to 60°, tilted about y: 4 subtomograms" in out and "nothing is missing: 1 subtomogram " in out
    save_labels(path, np.array([0, 0, 1, 0, -1]), ["ribosome", "gold"])
    save_poses(path, Poses.of(random_rotations(5, np.random.default_rng(0)), np.zeros((5, 3))))
    out = ais("info", path)[1]
    assert "ribosome 3, gold 1, 1 without a class" in out and "not known" not in out
    found, volume = json.loads(ais("info", path, tomogram, "--json")[1])
    assert (found["format"], found["subtomograms"], found["shape_zyx"]) == ("stack of subtomograms", 5, [8, 8, 8])
    assert (found["voxel_size_zyx"], found["poses_known"]) == ([12.5] * 3, True)
    assert (found["classes"], found["without_class"]) == ({"ribosome": 3, "gold": 1}, 1)
    assert [(one["tilt_min"], one["subtomograms"]) for one in found["wedges"]] == [(-60, 4), (-90, 1)]
    assert "subtomograms" not in volume
    (path / "cubes" / "2.0.0.0").unlink()
    code, _, err = ais("info", path)
    assert code == 1 and "picks.zarr: 1 of its 5 cubes are missing" in err
