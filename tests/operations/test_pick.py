"""Picking from files, through the Python function and the command line."""

import json

import numpy as np
import pytest

from ais_app.cli.app import run
from ais_app.core.coordinates import coordinate_formats, read_particles
from ais_app.core.io import write_volume
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.picking.masking import MaskParams
from ais_app.core.tomogram import Tomogram
from ais_app.operations.pick import coordinate_path, pick
from ais_app.operations.replay import replay

SIZE = 8.0
CENTRES = np.array([[12, 12, 10], [12, 30, 14], [20, 16, 40.0]])  # voxels


def balls(radius=4.0, shape=(32, 40, 48), centres=CENTRES):
    volume = np.zeros(shape, dtype=np.float32)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    for number, centre in enumerate(centres):
        volume[sum((axis - c) ** 2 for axis, c in zip(grid, centre, strict=True)) <= radius**2] = 0.7 + 0.1 * number
    return volume


def write(path, data, size=SIZE, origin=(0.0, 0.0, 0.0)):
    return write_volume(path, data, like=Tomogram(data, voxel_size_zyx=(size,) * 3, origin_zyx=origin))


@pytest.fixture
def segmentation(tmp_path):
    return write(tmp_path / "TS_01__ribosome.mrc", balls(), origin=(100.0, 200.0, 300.0))


def matches(particles, centres=CENTRES * SIZE, tolerance=0.05 * SIZE):
    away = np.linalg.norm(particles.positions_zyx[:, None] - centres, axis=2)
    return len(particles) == len(centres) and away.min(axis=0).max() < tolerance


@pytest.mark.parametrize("kind", [np.float32, np.int8, np.uint8])
def test_every_scale_gives_the_same_particles(tmp_path, kind):
    top = {np.float32: 1, np.int8: 127, np.uint8: 255}[kind]
    path = write(tmp_path / "TS_01__ribosome.mrc", np.rint(balls() * top).astype(kind) if top > 1 else balls())
    (result,) = pick([path], tmp_path / "out", BlobParams(threshold=0.6))
    assert result.error is None
    assert result.message == "3 particles"
    particles = read_particles(tmp_path / "out" / "TS_01__ribosome_coords.star")
    assert matches(particles)
    assert set(particles.tomograms) == {"TS_01"}
    assert particles.voxel_size == SIZE
    assert (particles.table["aisVolumeA3"] > 1e5).all()
    assert (np.diff(particles.scores) < 0).all()


def test_command_line(segmentation, tmp_path, capsys):
    out = tmp_path / "picks"
    words = ["--threshold", "0.75", "--min-volume", "1000", "--min-spacing", "50", "--format", "star,tsv,csv"]
    assert run(["pick", str(segmentation), "-o", str(out), *words]) == 0
    assert "TS_01__ribosome.mrc: 2 particles" in capsys.readouterr().out
    for suffix in ("star", "tsv", "csv"):
        particles = read_particles(out / f"TS_01__ribosome_coords.{suffix}")
        assert matches(particles, CENTRES[1:] * SIZE)
        record = json.loads((out / f"TS_01__ribosome_coords.{suffix}.json").read_text())
        assert record["operation"] == "pick"
        assert record["arguments"]["params"]["min_spacing"] == 50
        assert list(record["inputs"]) == ["../TS_01__ribosome.mrc"]
        assert replay(out / f"TS_01__ribosome_coords.{suffix}").identical


def test_the_header_origin_does_not_move_the_particles(segmentation, tmp_path):
    pick([segmentation], tmp_path)
    assert matches(read_particles(tmp_path / "TS_01__ribosome_coords.star"))


def test_one_bad_file_does_not_stop_the_others(segmentation, tmp_path, capsys):
    bad = tmp_path / "TS_02__ribosome.mrc"
    bad.write_bytes(segmentation.read_bytes()[:3000])
    missing = tmp_path / "TS_03__ribosome.mrc"
    out = tmp_path / "out"
    assert run(["pick", str(bad), str(missing), str(segmentation), "-o", str(out)]) == 1
    shown = capsys.readouterr()
    assert "TS_02__ribosome.mrc" in shown.err
    assert "TS_03__ribosome.mrc: no such file" in shown.err
    assert "2 of 3 files failed" in shown.err
    assert "3 particles" in shown.out
    assert sorted(p.name for p in out.iterdir()) == ["TS_01__ribosome_coords.star", "TS_01__ribosome_coords.star.json"]


def test_skip_existing_and_overwrite(segmentation, tmp_path, capsys):
    target = tmp_path / "TS_01__ribosome_coords.star"
    target.write_text("mine")
    assert run(["pick", str(segmentation), "-o", str(tmp_path), "--skip-existing"]) == 0
    assert target.read_text() == "mine"
    assert "was there already" in capsys.readouterr().out
    assert run(["pick", str(segmentation), "-o", str(tmp_path), "--overwrite"]) == 0
    assert matches(read_particles(target))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        (BlobParams(threshold=0.95), "the highest is 0.9"),
        (BlobParams(min_volume=1e9), "too small"),
    ],
)
def test_nothing_found_is_a_valid_file_and_a_reason(segmentation, tmp_path, params, reason):
    (result,) = pick([segmentation], tmp_path, params, formats=["star", "tsv", "csv"])
    assert result.error is None
    assert result.message.startswith("0 particles")
    assert reason in result.message
    for suffix in ("star", "tsv", "csv"):
        assert len(read_particles(tmp_path / f"TS_01__ribosome_coords.{suffix}")) == 0


def test_every_format_has_a_name_of_its_own(segmentation, tmp_path):
    names = [coordinate_path(segmentation, tmp_path, name).name for name in coordinate_formats()]
    assert len(set(names)) == len(names)
    assert "TS_01__ribosome_coords.star" in names
    assert "TS_01__ribosome_coords.tsv" in names


@pytest.mark.parametrize(
    ("keep", "distance", "kept"), [("inside", 0, [1]), ("outside", 0, [0, 2]), ("within", 140, [0, 1])]
)
def test_particles_kept_by_another_segmentation(segmentation, tmp_path, keep, distance, kept):
    mask = np.zeros((32, 40, 48), dtype=np.int8)
    mask[:, 25:35, 5:25] = 1
    write(tmp_path / "TS_01__carbon.mrc", mask)
    params = MaskParams(mask_keep=keep, mask_distance=distance)
    for which in ("carbon", str(tmp_path / "{tomogram}__carbon.mrc"), tmp_path / "TS_01__carbon.mrc"):
        (result,) = pick([segmentation], tmp_path, mask=which, mask_params=params)
        assert result.error is None
        assert matches(read_particles(result.outputs[0]), CENTRES[kept] * SIZE)
    assert replay(result.outputs[0]).identical
    record = json.loads((tmp_path / "TS_01__ribosome_coords.star.json").read_text())
    assert set(record["inputs"]) == {"TS_01__ribosome.mrc", "TS_01__carbon.mrc"}


def test_orientation_from_a_membrane(segmentation, tmp_path):
    sheet = np.zeros((32, 40, 48), dtype=np.int8)
    sheet[2:5] = 1  # below the particles, open: the normals point up, to them
    write(tmp_path / "TS_01__membrane.mrc", sheet)
    assert run(["pick", str(segmentation), "-o", str(tmp_path), "--membrane", "membrane"]) == 0
    particles = read_particles(tmp_path / "TS_01__ribosome_coords.star")
    np.testing.assert_allclose(particles.rotations @ [0, 0, 1], [[0, 0, 1]] * 3, atol=1e-3)
    np.testing.assert_allclose(sorted(particles.table["aisMembraneDistanceA"]), [64, 64, 128], atol=1)
    words = ["--membrane", "membrane", "--membrane-distance", "100"]
    assert run(["pick", str(segmentation), "-o", str(tmp_path), *words]) == 0
    assert matches(read_particles(tmp_path / "TS_01__ribosome_coords.star"), CENTRES[:2] * SIZE)


def test_what_is_wrong_is_said(segmentation, tmp_path, capsys):
    unknown = write_volume(tmp_path / "TS_04__x.mrc", balls())
    grey = write(tmp_path / "TS_05__x.mrc", balls() * 1000 - 500)
    small = write(tmp_path / "TS_01__small.mrc", np.ones((8, 8, 8), np.int8))
    for words, said in [
        ([unknown], "voxel size is not known"),
        ([grey], "no probability map"),
        ([segmentation, "--mask", "vesicle"], "no segmentation 'vesicle'"),
        ([segmentation, "--mask", small], "same tomogram"),
        ([segmentation, "--format", "sta"], "'sta' is not known"),
        ([segmentation, "--mask-keep", "outside"], "no mask"),
        ([segmentation, "--normal-radius", "50"], "no membrane"),
        ([segmentation, "--membrane", "m", "--orientation", "long-axis"], "choose one"),
        ([segmentation, segmentation.with_suffix(".rec")], "both write"),
        ([tmp_path / "nowhere"], "no such file"),
    ]:
        assert run(["pick", *map(str, words), "-o", str(tmp_path / "o")]) == 1
        shown = capsys.readouterr().err
        assert said in shown
        assert shown.startswith("ais-app: ")
        assert "Traceback" not in shown
    assert run(["pick", str(unknown), "-o", str(tmp_path / "o"), "--voxel-size", "8"]) == 0
    assert run(["pick", str(segmentation), "-o", str(tmp_path), "--threshold", "2"]) == 2


def test_a_folder_that_is_a_file_is_said(segmentation, tmp_path, capsys):
    (tmp_path / "o").write_text("")
    assert run(["pick", str(segmentation), "-o", str(tmp_path / "o")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_unequal_voxels_are_warned_about(tmp_path):
    data = balls()
    path = write_volume(tmp_path / "a__b.mrc", data, like=Tomogram(data, voxel_size_zyx=(10.0, 8.0, 8.0)))
    with pytest.warns(UserWarning, match="are 10 x 8 x 8 Å"):
        pick([path], tmp_path, formats=["tsv"])
    assert matches(read_particles(tmp_path / "a__b_coords.tsv"), CENTRES * [10, 8, 8])
