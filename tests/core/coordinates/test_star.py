"""STAR syntax, and the columns of RELION and Warp."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ais_app.core import geometry
from ais_app.core.coordinates import read_particles, write_particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.formats.star import StarFile, read_star, write_star

from .examples import DATA, particles

FILES = sorted(path for path in DATA.rglob("*.star"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_blocks_columns_cells_and_comments_come_back(tmp_path, path):
    found = read_star(path)
    write_star(tmp_path / "again.star", found)
    again = read_star(tmp_path / "again.star")
    assert list(again.blocks) == list(found.blocks)
    assert again.comments == found.comments
    for name, block in found.blocks.items():
        if isinstance(block, pd.DataFrame):
            pd.testing.assert_frame_equal(again.blocks[name], block)
        else:
            assert again.blocks[name] == block


@pytest.mark.parametrize("kind", ["single", "double"])
def test_quotes(kind):
    pairs = read_star(DATA / f"star/basic_{kind}_quote.star").blocks[""]
    assert pairs == {
        "no_quote_string": "noquote", "quote_string": "quote string", "whitespace_string": " ", "empty_string": "",
    }  # fmt: skip
    loop = read_star(DATA / f"star/loop_{kind}_quote.star").blocks[""]
    assert loop.iloc[0, 1:4].tolist() == ["quote string", " ", ""]


text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")) | st.just(" "), max_size=9
)
cell = st.one_of(
    text.filter(lambda t: not ('"' in t and "'" in t)),
    st.integers().map(str),
    st.sampled_from(["007", "INFINITY", "NaN", "-Inf"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=5))
def test_any_text_comes_back(tmp_path, rows):
    table = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    write_star(tmp_path / "a.star", StarFile({"x": table}))
    again = read_star(tmp_path / "a.star").blocks["x"]
    assert again["a"].astype(str).tolist() == table["a"].tolist()
    assert again["b"].astype(str).tolist() == table["b"].tolist()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_infinity=False), min_size=1, max_size=5))
def test_any_number_comes_back(tmp_path, values):
    write_star(tmp_path / "a.star", StarFile({"": pd.DataFrame({"v": np.array(values)})}))
    again = read_star(tmp_path / "a.star").blocks[""]["v"]
    assert np.array_equal(again.to_numpy(dtype=float), np.array(values), equal_nan=True)


@pytest.mark.parametrize(
    "content, problem",
    [
        ("", "is empty"),
        ("# a comment\n", "has no data_ block"),
        ("rubbish\n", "line 1 stands before the first data_ block"),
        ("data_\nloop_\n_a #1\n_b #2\n1 2\n3\n", "line 6 has 1 values for 2 columns"),
        ("data_\nloop_\n_a\n_a\n", "line 4: the column a stands twice"),
        ("data_a\n_x 1\ndata_a\n_x 2\n", "line 3: there are two blocks data_a"),
        ("data_\nloop_\n_a\n1\nloop_\n_b\n2\n", "line 5: data_ holds more than one table"),
        ("data_\n_x\n", "line 2: _x has 0 values"),
        ("data_\nx y\n", "line 2: 'x' is neither a name nor in a loop_"),
    ],
)
def test_broken_files_are_named_with_the_line(tmp_path, content, problem):
    path = tmp_path / "bad.star"
    path.write_text(content)
    with pytest.raises(FileProblem, match=problem) as caught:
        read_star(path)
    assert str(caught.value).startswith(str(path))


def test_cells_that_cannot_be_written_are_refused(tmp_path):
    for bad in ("two\nlines", "both ' and \" here"):
        with pytest.raises(ParameterProblem, match="a cell of a STAR file"):
            write_star(tmp_path / "a.star", StarFile({"": pd.DataFrame({"a": [bad]})}))


@pytest.mark.parametrize(
    "file, name, options",
    [
        ("portal/relion_3_star.star", "relion3", {"pixel_size": 1.7}),
        ("portal/relion_4_star.star", "relion4", {}),
        ("relion5/class3d.star", "relion5", {"tomograms": str(DATA / "relion5/tomograms.star"), "pixel_size": 1.35}),
        ("star/chlamy_hsp60.star", "star", {"voxel_size": 1.96}),
        ("portal/stopgap_star.star", "stopgap", {"voxel_size": 2.0}),
    ],
)
def test_the_same_format_keeps_columns_blocks_and_their_order(tmp_path, file, name, options):
    found = read_particles(DATA / file, name, **options)
    write_particles(tmp_path / "again.star", found, name)
    before, after = read_star(DATA / file), read_star(tmp_path / "again.star")
    assert list(after.blocks) == list(before.blocks)
    block = found.layout.block
    columns = list(before.blocks[block].columns)
    assert list(after.blocks[block].columns)[: len(columns)] == columns
    moved = ("Coordinate", "Origin", "Angle", "shift", "orig_", "phi", "psi", "the")
    same = [column for column in columns if not any(part in column for part in moved) and column != "tomo_num"]
    pd.testing.assert_frame_equal(after.blocks[block][same], before.blocks[block][same])
    for other in set(before.blocks) - {block}:
        assert str(after.blocks[other]) == str(before.blocks[other])
    for other, lines in before.comments.items():
        assert set(lines) <= set(after.comments[other])


def test_origins_are_applied_and_written_as_zero(tmp_path):
    found = read_particles(DATA / "portal/relion_4_star.star")
    assert np.allclose(found.positions_zyx[0], [15.2, 10.4, 5.2])
    write_particles(tmp_path / "a.star", found, "relion4")
    table = read_star(tmp_path / "a.star").blocks["particles"]
    assert (table[["rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"]] == 0).all(axis=None)
    assert table["rlnCoordinateX"][0] == 5.2


def test_turned_boxes_are_composed(tmp_path):
    """RELION: position - S origin, rotation S A (particle_set.cpp), both checked by hand on the first row."""
    path = tmp_path / "boxes.star"
    names = (
        "rlnCoordinateX rlnCoordinateY rlnCoordinateZ rlnTomoSubtomogramRot rlnTomoSubtomogramTilt "
        "rlnTomoSubtomogramPsi rlnAngleRot rlnAngleTilt rlnAnglePsi rlnOriginXAngst rlnOriginYAngst rlnOriginZAngst "
        "rlnTomoName"
    ).split()
    header = "data_particles\nloop_\n" + "".join(f"_{name}\n" for name in names)
    path.write_text(header + "10 20 30 90 0 0 0 90 0 4 0 0 TS_01\n")
    found = read_particles(path, "relion4", pixel_size=2.0)
    box = geometry.relion_to_matrices([(90, 0, 0)])[0]  # turns x to -y
    assert np.allclose(box @ [4, 0, 0], [0, -4, 0])
    assert np.allclose(found.positions_zyx[0], [60, 44, 20])
    assert np.allclose(found.rotations[0], box @ geometry.relion_to_matrices([(0, 90, 0)])[0])
    write_particles(tmp_path / "again.star", found, "relion4", pixel_size=2.0)
    again = read_star(tmp_path / "again.star").blocks["particles"]
    assert again["rlnTomoSubtomogramRot"][0] == 90
    assert np.allclose(again[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]], [[0, 90, 0]], atol=1e-5)
    write_particles(tmp_path / "warp.star", found, "warp")  # knows no boxes: the whole rotation
    warp = read_particles(tmp_path / "warp.star")
    assert "rlnTomoSubtomogramRot" not in warp.table
    assert np.allclose(warp.rotations, found.rotations, atol=1e-6)


@pytest.mark.parametrize("rule, shift", [("scale", 0.0), ("average", 1.5)])
def test_unbinned_pixels(tmp_path, rule, shift):
    here = particles(3, voxel_size=10.0)
    write_particles(tmp_path / "a.star", here, "relion4", pixel_size=2.5, binning=rule)
    pixels = read_star(tmp_path / "a.star").blocks["particles"]["rlnCoordinateX"]
    assert np.allclose(pixels, here.positions_zyx[:, 2] / 2.5 + shift, atol=1e-5)
    again = read_particles(tmp_path / "a.star", voxel_size=10.0, binning=rule)
    assert np.allclose(again.positions_zyx, here.positions_zyx, atol=1e-4)
    assert again.voxel_size == 10.0


def test_two_optics_groups_count_their_own_pixels(tmp_path):
    path = tmp_path / "two.star"
    path.write_text(
        "data_optics\nloop_\n_rlnOpticsGroup\n_rlnTomoTiltSeriesPixelSize\n1 2.0\n2 4.0\n"
        "data_particles\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnOpticsGroup\n"
        "a 1 2 3 1\nb 1 2 3 2\n"
    )
    found = read_particles(path)
    assert found.positions_zyx.tolist() == [[6, 4, 2], [12, 8, 4]]
    assert found.voxel_size is None
    write_particles(tmp_path / "again.star", found, "relion4")
    assert read_star(tmp_path / "again.star").blocks["particles"]["rlnCoordinateX"].tolist() == [1, 1]
    path.write_text(path.read_text().replace("b 1 2 3 2", "b 1 2 3 7"))
    with pytest.raises(FileProblem, match="optics group 7 of the particles is not in data_optics"):
        read_particles(path)


def test_warp_names_and_columns(tmp_path):
    here = particles(3)
    for columns in ("rln", "wrp"):
        write_particles(tmp_path / "a.star", here, "warp", columns=columns)
        text = (tmp_path / "a.star").read_text()
        assert "TS_01.tomostar" in text and "rlnTomoName" not in text and "Centered" not in text
        again = read_particles(tmp_path / "a.star", "warp", voxel_size=10.0)
        assert np.allclose(again.positions_zyx, here.positions_zyx, atol=1e-4)
        assert np.allclose(again.rotations, here.rotations, atol=1e-6)
    with pytest.raises(FileProblem, match="has no column rlnCoordinateX"):
        read_particles(DATA / "relion5/picks.star", "warp")


def test_files_of_ais_are_read(tmp_path):
    path = tmp_path / "filaments_coords.star"
    columns = ["rlnCoordinateZ", "rlnCoordinateY", "rlnCoordinateX", "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    columns += ["aisRadiusOfCurvature", "aisFilamentID", "aisFilamentConnectivity", "rlnMicrographName"]
    header = "data_particles\n\nloop_\n" + "".join(f"_{name} #{n}\n" for n, name in enumerate(columns, 1))
    path.write_text(header + "1.5 2.5 3.5 0 90 45 1000.0 3 1 TS_01.mrc\n")
    found = read_particles(path, voxel_size=10.0)
    assert found.positions_zyx.tolist() == [[15, 25, 35]]
    assert found.tomograms[0] == "TS_01"
    assert found.table["aisFilamentID"][0] == 3


def test_reading_a_hundred_thousand_rows(tmp_path):
    many = replace(particles(2), rotations=None)
    rows = np.arange(100_000) % 2
    write_particles(tmp_path / "many.star", many[rows], "star")
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_particles(tmp_path / "many.star")
    assert len(found) == 100_000
    assert time.process_time() - start < 20  # about 1 s; the bound only catches a change of order
