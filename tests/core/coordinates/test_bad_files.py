"""Files that are missing, empty, cut short, of another kind or hostile: one line that names file and reason."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from ais_app.core.coordinates import read_particles, write_particles
from ais_app.core.errors import AisAppError, FileProblem, ParameterProblem

from .examples import DATA, READ, particles

SUFFIXES = {"dynamo": ".tbl", "motl": ".em", "imod": ".mod", "copick": ".json", "csv": ".csv", "tsv": ".tsv"}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 700, b"\xff\xfe\x00rubbish", b"not a table at all\n", b"{}", b"1 2"]
)
def test_rubbish(tmp_path, name, content):
    path = tmp_path / f"bad{SUFFIXES.get(name, '.star')}"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"bad\."):
        read_particles(path, name, voxel_size=10.0)


@pytest.mark.parametrize("name", READ)
def test_missing_files_and_folders(tmp_path, name):
    with pytest.raises(FileProblem, match="nothing"):
        read_particles(tmp_path / "nothing", name, voxel_size=10.0)
    with pytest.raises(FileProblem):
        read_particles(tmp_path, name, voxel_size=10.0)


def test_unknown_content(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x01\x02")
    with pytest.raises(FileProblem, match="not a coordinate file that is known by its content; say which it is"):
        read_particles(tmp_path / "a.bin")
    with pytest.raises(FileProblem, match="no such file"):
        read_particles(tmp_path / "b.star")
    with pytest.raises(FileProblem, match="is a folder"):
        read_particles(tmp_path)


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (["rlnCoordinateX", "rlnCoordinateY", "rlnTomoName"], "rlnCoordinateZ"),
        (["rlnCenteredCoordinateXAngst"], "rlnCenteredCoordinateYAngst, rlnCenteredCoordinateZAngst"),
        (["wrpCoordinateX1", "wrpCoordinateZ1"], "wrpCoordinateY1"),
        (["orig_x", "orig_y"], "orig_z"),
        (["rlnTomoName"], "rlnCoordinateX, rlnCoordinateY, rlnCoordinateZ"),
    ],
)
def test_what_a_star_file_lacks_is_said_also_where_its_format_is_not(tmp_path, columns, missing):
    path = tmp_path / "a.star"
    path.write_text(
        "data_particles\n\nloop_\n" + "".join(f"_{name}\n" for name in columns) + "1 " * len(columns) + "\n"
    )
    with pytest.raises(FileProblem, match=rf"a\.star: has no column {missing}; is it of something else"):
        read_particles(path)
    (tmp_path / "empty.star").write_text("")
    with pytest.raises(FileProblem, match=r"empty\.star: is empty; write it again"):
        read_particles(tmp_path / "empty.star")


@pytest.mark.parametrize("name", ["star", "dynamo", "imod", "motl", "copick", "csv", "relion5"])
def test_files_cut_short(tmp_path, name):
    path = tmp_path / f"cut{SUFFIXES.get(name, '.star')}"
    write_particles(path, particles(40, tomograms=1), name)
    content = path.read_bytes()
    refused = 0
    for part in (0.1, 0.4, 0.77, 0.985):
        path.write_bytes(content[: int(part * len(content))])
        try:
            found = read_particles(path, name, voxel_size=10.0)
        except AisAppError as error:
            refused += str(path) in str(error)
        else:
            assert len(found) < 40
    assert refused >= 2


def test_a_cell_that_is_no_number_is_named_with_its_row(tmp_path):
    path = tmp_path / "a.star"
    path.write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n1 2 3\n1 two 3\n")
    with pytest.raises(FileProblem, match="row 2: rlnCoordinateY is 'two', not a number"):
        read_particles(path, voxel_size=1.0)
    table = tmp_path / "a.csv"
    table.write_text("x,y,z\n1,2,3\n1,,3\n")
    with pytest.raises(FileProblem, match="row 3: y is 'nan', not a number"):
        read_particles(table, voxel_size=1.0)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("a,b\n1,2\n", "has no column x, y, z"),
        ("x [nm],y [A],z [A]\n1,2,3\n", "different units"),
        ("1,2\n", "has 2 columns"),
        ("x,y,z\n1,2,3\n1,2,3,4\n", "not a table"),
    ],
)
def test_tables_that_are_none(tmp_path, text, problem):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FileProblem, match=problem):
        read_particles(tmp_path / "a.csv", voxel_size=1.0)


@pytest.mark.parametrize(
    "text, factor",
    [
        ("x,y,z\n1,2,3", 5.0),
        ("X [A],Y [A],Z [A]\n1,2,3", 1.0),
        ("x_nm y_nm z_nm\n1 2 3", 10.0),
        ("x_voxel;y_voxel;z_voxel\n1;2;3", 5.0),
        ("rlnCoordinateX\trlnCoordinateY\trlnCoordinateZ\n1\t2\t3", 5.0),
        ("# by hand\n1 2 3\n", 5.0),
    ],
)
def test_units_of_headers(tmp_path, text, factor):
    (tmp_path / "a.csv").write_text(text)
    found = read_particles(tmp_path / "a.csv", voxel_size=5.0)
    assert np.allclose(found.positions_zyx, np.array([[3, 2, 1]]) * factor)


def test_an_imod_model_that_asks_for_more_than_it_has(tmp_path):
    path = tmp_path / "huge.mod"
    content = bytearray((DATA / "portal/points.mod").read_bytes())
    start = content.index(b"CONT") + 4
    content[start : start + 4] = struct.pack(">i", 2**31 - 1)
    path.write_bytes(content)
    with pytest.raises(FileProblem, match="truncated or damaged"):
        read_particles(path, voxel_size=1.0)
    with pytest.raises(FileProblem, match="truncated or damaged"):
        read_particles(DATA / "imod/truncated.mod", "imod", voxel_size=1.0)


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"unit": "nm"}, "only angstrom is known"),
        ({"points": [{"location": {"x": 1, "y": 2}}]}, "point 1 has no location"),
        ({"points": [{"location": {"x": 1, "y": 2, "z": "3"}}]}, "stands where a number must"),
        ({"points": [{"location": {"x": 1, "y": 2, "z": 3}, "transformation_": [1, 2]}]}, "not a 4 × 4 matrix"),
        ({"points": ["a"]}, "point 1 is 'a'"),
        ({"points": None}, "has no list of points"),
    ],
)
def test_copick_files_that_are_none(tmp_path, change, problem):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"pickable_object_name": "x", "unit": "angstrom", "points": [], **change}))
    with pytest.raises(FileProblem, match=problem):
        read_particles(path)


def test_mirrored_matrices_are_refused(tmp_path):
    path = tmp_path / "a.json"
    matrix = np.diag([1.0, 1.0, -1.0, 1.0]).tolist()
    point = {"location": {"x": 1, "y": 2, "z": 3}, "transformation_": matrix}
    path.write_text(json.dumps({"pickable_object_name": "x", "unit": "angstrom", "points": [point]}))
    with pytest.raises(FileProblem, match="point 1: the matrix is no rotation"):
        read_particles(path)


def test_indices_of_tomograms_are_checked(tmp_path):
    write_particles(tmp_path / "a.tbl", particles(3), "dynamo")
    assert (tmp_path / "a.doc").read_text() == "1 TS_01\n2 TS_02\n"
    (tmp_path / "a.doc").write_text("one TS_01\n")
    with pytest.raises(FileProblem, match="line 1 is 'one TS_01', not a number and a tomogram"):
        read_particles(tmp_path / "a.tbl")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.star"
    write_particles(path, particles(3), "star")
    old = path.read_bytes()
    broken = particles(3)
    broken.table.loc[0, "note"] = "two\nlines"
    with pytest.raises(ParameterProblem, match="line break"):
        write_particles(path, broken, "star")
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["a.star"]
