"""Files of other programs, against what is published about them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ais_app.core.coordinates import detect_format, read_particles, write_particles

from .examples import DATA

EXPECTED = json.loads((DATA / "portal_expected.json").read_text())
CASES = [case for group, cases in EXPECTED.items() if group.startswith("ingest") for case in cases]
# The portal takes indices as they stand: from 0, without IMOD's half voxel; what it calls a voxel is 1 Å here.
FORMATS = {
    "csv": ("csv", {"voxel_size": 1.0}),
    "csv_with_header": ("csv", {"voxel_size": 1.0}),
    "tardis": ("csv", {"unit": "voxels", "voxel_size": 1.0}),
    "mod": ("imod", {"half_voxel": False, "voxel_size": 1.0}),
    "relion3_star": ("relion3", {"pixel_size": 1.0}),
    "tomoman_relion_star": ("relion3", {"pixel_size": 1.0}),
    "relion4_star": ("relion4", {}),
    "stopgap_star": ("stopgap", {"first_index": 0, "voxel_size": 1.0}),
    "copick": ("copick", {}),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_cryoet_data_portal(case):
    ((kind, config),) = case["source_cfg"].items()
    name, options = FORMATS[config["file_format"]]
    if name == "imod" and kind == "OrientedPoint":
        options = {**options, "points": "slicer"}
    path = DATA / "portal" / config["glob_string"].split("/")[-1]
    found = read_particles(path, name, **options)
    if config.get("filter_value"):
        found = found[found.tomograms == config["filter_value"].removesuffix(".tomostar")]
    locations = [[point["location"][axis] for axis in "zyx"] for point in case["out_data"]]
    assert np.allclose(found.positions_zyx / config.get("binning", 1), locations, atol=1e-9)
    if "xyz_rotation_matrix" in case["out_data"][0]:
        matrices = [point["xyz_rotation_matrix"] for point in case["out_data"]]
        assert np.allclose(found.rotations, matrices, atol=1e-7)
    if kind == "InstanceSegmentation" and name == "csv":  # in the copick file all are 0: the portal counts anew
        assert found.table["IDs"].tolist() == [point["instance_id"] for point in case["out_data"]]


@pytest.mark.parametrize(
    "file, name",
    [
        ("portal/relion_3_star.star", "relion3"),
        ("portal/tomoman_relion_star.star", "relion3"),
        ("portal/relion_4_star.star", "relion4"),
        ("portal/stopgap_star.star", "stopgap"),
        ("portal/copick.json", "copick"),
        ("portal/points.mod", "imod"),
        ("portal/points.csv", "csv"),
        ("relion5/picks.star", "relion5"),
        ("relion5/class3d.star", "relion5"),
        ("star/chlamy_hsp60.star", "star"),
        ("star/warp_chlamy_ribosome.star", "relion3"),
        ("dynamo/t_double_60.tbl", "dynamo"),
    ],
)
def test_formats_are_known_by_their_content(file, name):
    assert detect_format(DATA / file).name == name


def test_chlamydomonas_list():
    found = read_particles(DATA / "star/chlamy_hsp60.star", voxel_size=1.96)
    assert len(found) == 27
    assert found.names == ["tomo_0054"]
    assert set(found.table) == {"rlnParticleName", "rlnTomoMdocName"}


def test_warp_list_with_its_own_pixel_size():
    found = read_particles(DATA / "star/warp_chlamy_ribosome.star")
    assert found.voxel_size == 1.96
    assert found.names == ["01122021_BrnoKrios_arctis_lam2_pos22"]
    assert np.allclose(found.positions_zyx[0], np.array([917.8967, 2451.941, 487.847]) * 1.96)


def test_dynamo_table():
    found = read_particles(DATA / "dynamo/t_double_60.tbl", voxel_size=15.0)
    assert len(found) == 60
    first = np.array([141.28 + 2.5178, 114.71 - 3.523, 163.08 + 2.1043])  # columns 24-26 and 4-6
    assert np.allclose(found.positions_zyx[0, ::-1], (first - 1) * 15)
    assert found.scores[0] == 0.15858
    assert found.tomograms[0] == "1"
    named = read_particles(
        DATA / "dynamo/t_double_60.tbl", voxel_size=15.0, index=str(DATA / "dynamo/tmap_complex.doc")
    )
    assert named.tomograms[0] == "tomo_ts01.mrc_15.00Apx"
    zero = read_particles(DATA / "dynamo/t_double_60.tbl", voxel_size=15.0, first_index=0)
    assert np.allclose(zero.positions_zyx - found.positions_zyx, 15.0)


@pytest.mark.parametrize("file", ["t_double_60.tbl", "t_complex_12.tbl"])
def test_dynamo_columns_are_kept(tmp_path, file):
    found = read_particles(DATA / "dynamo" / file, voxel_size=15.0)
    write_particles(tmp_path / "again.tbl", found, "dynamo")
    again = read_particles(tmp_path / "again.tbl", voxel_size=15.0)
    assert again.layout.columns == found.layout.columns
    kept = [name for name in found.table if name != "dynamo_apix"]
    assert again.table[kept].equals(found.table[kept])
    assert list(again.tomograms) == list(found.tomograms)


def test_imod_models():
    several = read_particles(DATA / "imod/multiple_objects_example.mod")
    assert several.voxel_size == 19.73333
    assert several.shape_zyx == (300, 924, 956)
    assert several.table["imod_object"].tolist() == [1, 1, 1, 2, 2, 2]
    assert np.allclose(several.positions_zyx[0] / several.voxel_size, [134.0, 661.33343506, 366.50006104])
    assert several.rotations is None  # its slicer views are no views of its points
    sized = read_particles(DATA / "imod/point_sizes_example.mod")
    assert sized.blocks["imod_objects"]["kind"].tolist() == ["scattered", "open", "open"]
    assert sized.table["imod_size"][0] == pytest.approx(28.4)
    turned = read_particles(DATA / "portal/oriented_points.mod")
    assert turned.rotations.shape == (4, 3, 3)


@pytest.mark.parametrize("file", ["multiple_objects_example", "point_sizes_example", "two_contour_example"])
def test_imod_objects_contours_and_sizes_are_kept(tmp_path, file):
    found = read_particles(DATA / f"imod/{file}.mod", tomogram="TS_01")
    write_particles(tmp_path / "again.mod", found, "imod")
    again = read_particles(tmp_path / "again.mod")
    assert np.allclose(again.positions_zyx, found.positions_zyx, atol=1e-3)
    assert again.blocks["imod_objects"].equals(found.blocks["imod_objects"])
    assert np.allclose(again.table, found.table, atol=1e-4)


def test_copick_keeps_what_it_does_not_know(tmp_path):
    found = read_particles(DATA / "portal/copick.json")
    write_particles(tmp_path / "again.json", found, "copick")
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads((DATA / "portal/copick.json").read_text())


def test_independent_readers_agree(tmp_path):
    """starfile and imodmodel read what is written here."""
    import imodmodel
    import starfile

    found = read_particles(DATA / "star/chlamy_hsp60.star", voxel_size=1.96)
    write_particles(tmp_path / "a.star", found, "relion4")
    blocks = starfile.read(tmp_path / "a.star", always_dict=True)
    assert list(blocks) == ["optics", "particles"]
    assert np.allclose(blocks["particles"]["rlnCoordinateX"] * 1.96, found.positions_zyx[:, 2], atol=1e-5)
    write_particles(tmp_path / "a.mod", found, "imod")
    points = imodmodel.read(tmp_path / "a.mod")
    assert np.allclose(points[["x", "y", "z"]] - [0.5, 0.5, 0], found.positions_zyx[:, ::-1] / 1.96, atol=1e-3)
