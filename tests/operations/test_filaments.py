"""`ais_app.filaments` and ``ais-app filaments``: segmentations in, samples and axes out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

import ais_app
from ais_app.cli.app import run
from ais_app.core.coordinates import read_particles
from ais_app.core.errors import FileProblem
from ais_app.core.filaments.curves_file import read_filaments
from ais_app.core.probability import create_probabilities
from ais_app.core.provenance import read_provenance
from ais_app.core.tomogram import Tomogram
from ais_app.operations.replay import replay

SIZE = (10.0, 10.0, 10.0)


def body(start, stop, shape=(40, 60, 90), radius=4.0, lumen=0.0):
    """Probability of a straight tube; ends in voxels."""
    empty = np.ones(shape, dtype=bool)
    points = np.linspace(start, stop, 400)
    empty[tuple(np.rint(points).astype(int).T)] = False
    distance = distance_transform_edt(empty)
    return ((distance <= radius) & (distance >= lumen)).astype(np.float32)


def written(path, probability, size=SIZE):
    like = Tomogram(probability, voxel_size_zyx=size)
    with create_probabilities(path, probability.shape, like=like) as writer:
        writer.write(0, probability)
    return path


@pytest.fixture
def segmentation(tmp_path):
    probability = np.maximum(body((20, 10, 10), (22, 48, 80)), body((20, 50, 8), (18, 8, 78)))
    return written(tmp_path / "TS_01__actin.mrc", probability)


def test_samples_and_axes_are_written(segmentation, tmp_path):
    params = ais_app.FilamentParams(spacing=50.0)
    (result,) = ais_app.filaments([segmentation], tmp_path / "out", params, formats=["star", "tsv"])
    assert result.error is None
    assert result.message.startswith("2 filaments")
    assert [path.name for path in result.outputs] == [
        "TS_01__actin_coords.star", "TS_01__actin_coords.tsv", "TS_01__actin_filaments.json",
    ]  # fmt: skip
    particles = read_particles(tmp_path / "out" / "TS_01__actin_coords.star")
    assert set(particles.tomograms) == {"TS_01"}
    assert set(particles.table["rlnHelicalTubeID"]) == {1, 2}
    first = particles.table["rlnHelicalTubeID"].to_numpy() == 1
    steps = np.linalg.norm(np.diff(particles.positions_zyx[first], axis=0), axis=1)
    assert steps == pytest.approx(50, abs=0.1)
    ways = np.diff(particles.positions_zyx[first], axis=0)
    assert (np.sum(ways * particles.rotations[first][:-1, ::-1, 2], axis=1) > 49).all()
    curves = read_filaments(result.outputs[-1])
    assert curves.tomogram == "TS_01"
    assert [filament["ends"] for filament in curves.filaments] == [["free", "free"]] * 2
    assert np.linalg.norm(curves.polylines[0][-1] - curves.polylines[0][0]) > 750


def test_provenance_tells_how(segmentation, tmp_path):
    (result,) = ais_app.filaments([segmentation], tmp_path / "out")
    for output in result.outputs:
        provenance = read_provenance(output)
        assert provenance.operation == "filaments"
        assert provenance.arguments["params"]["spacing"] == 80.0
        assert list(provenance.inputs) == ["../TS_01__actin.mrc"]
        assert provenance.notes["filaments"] == 2


def test_every_output_can_be_made_again(segmentation, tmp_path):
    (result,) = ais_app.filaments([segmentation], tmp_path / "out", ais_app.FilamentParams(spacing=60.0))
    for output in result.outputs:
        assert replay(output).identical
    result.outputs[0].unlink()
    assert replay(result.outputs[0]).made == result.outputs[0]


def test_refinement_uses_the_tomogram_of_the_same_name(tmp_path):
    tube = body((20, 0, 33), (20, 59, 57), (44, 60, 90), radius=12.0, lumen=8.0)
    rng = np.random.default_rng(2)
    ais_app.write_volume(
        tmp_path / "tomograms" / "TS_01.mrc",
        (100 - 30 * tube + rng.normal(0, 20, tube.shape)).astype(np.float32),
        like=Tomogram(tube, voxel_size_zyx=SIZE),
    )
    # the segmentation lies four voxels too high
    marked = body((24, 0, 33), (24, 59, 57), (44, 60, 90), radius=12.0)
    written(tmp_path / "TS_01__tube.mrc", marked)
    (plain,) = ais_app.filaments([tmp_path / "TS_01__tube.mrc"], tmp_path / "plain")
    (refined,) = ais_app.filaments([tmp_path / "TS_01__tube.mrc"], tmp_path / "fit", refine=tmp_path / "tomograms")
    (before,), (after,) = (read_filaments(result.outputs[-1]).polylines for result in (plain, refined))
    assert np.median(before[:, 0]) == pytest.approx(240, abs=10)
    assert np.median(after[:, 0]) == pytest.approx(200, abs=5)
    assert read_filaments(refined.outputs[-1]).filaments[0]["symmetry"] > 0.2
    assert len(read_provenance(refined.outputs[0]).inputs) == 2


def test_command_line_writes_what_the_function_does(segmentation, tmp_path, capsys):
    code = run(["filaments", str(segmentation), "-o", str(tmp_path / "out"), "--threshold", "0.5", "--spacing", "50",
                "--format", "star,csv"])  # fmt: skip
    assert code == 0
    assert "TS_01__actin.mrc: 2 filaments" in capsys.readouterr().out
    ais_app.filaments([segmentation], tmp_path / "again", ais_app.FilamentParams(spacing=50.0))
    name = "TS_01__actin_coords.star"
    assert (tmp_path / "out" / name).read_text() == (tmp_path / "again" / name).read_text()
    assert (tmp_path / "out" / "TS_01__actin_coords.csv").exists()


def test_one_bad_file_does_not_stop_the_others(segmentation, tmp_path, capsys):
    (tmp_path / "TS_02__actin.mrc").write_bytes(b"no volume")
    code = run(["filaments", str(tmp_path), "-o", str(tmp_path / "out")])
    said = capsys.readouterr()
    assert code == 1
    assert "TS_01__actin.mrc: 2 filaments" in said.out
    assert "TS_02__actin.mrc" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "out" / "TS_02__actin_coords.star").exists()


def test_nothing_to_trace_says_why_and_writes_empty_files(tmp_path, capsys):
    written(tmp_path / "TS_03__actin.mrc", np.full((8, 8, 8), 0.25, dtype=np.float32))
    assert run(["filaments", str(tmp_path / "TS_03__actin.mrc"), "-o", str(tmp_path / "out")]) == 0
    assert "0 filaments: no voxel reaches the threshold 0.5; the highest is 0.2" in capsys.readouterr().out
    assert len(read_particles(tmp_path / "out" / "TS_03__actin_coords.star")) == 0
    assert read_filaments(tmp_path / "out" / "TS_03__actin_filaments.json").filaments == []


def test_existing_results_can_be_skipped(segmentation, tmp_path):
    (first,) = ais_app.filaments([segmentation], tmp_path / "out")
    (second,) = ais_app.filaments([segmentation], tmp_path / "out", skip_existing=True)
    assert not first.skipped
    assert second.skipped


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--refine", "nowhere.mrc"], "no such file"),
        (["--format", "words"], "words"),
        (["--spacing", "0"], "spacing"),
        (["--radius", "150"], "options of the refinement are given"),
    ],
)
def test_bad_options_are_named(options, expected, segmentation, tmp_path, capsys):
    assert run(["filaments", str(segmentation), "-o", str(tmp_path / "out"), *options]) in (1, 2)
    assert expected in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*_coords*"))


def test_segmentation_without_voxel_size_asks_for_it(tmp_path, capsys):
    written(tmp_path / "TS_04__actin.mrc", body((20, 10, 10), (22, 48, 80)), size=None)
    assert run(["filaments", str(tmp_path / "TS_04__actin.mrc"), "-o", str(tmp_path)]) == 1
    assert "voxel size is not known" in capsys.readouterr().err
    assert run(["filaments", str(tmp_path / "TS_04__actin.mrc"), "-o", str(tmp_path), "--voxel-size", "10"]) == 0


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"format": "other"}',
        '{"format": "ais-app filaments", "format_version": 1}',
        '{"format": "ais-app filaments", "format_version": "1"}',
        "{",
    ],
)
def test_damaged_filament_files_are_refused(content, tmp_path):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(FileProblem, match=r"x\.json"):
        read_filaments(tmp_path / "x.json")


def test_newer_filament_file_is_refused(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"format": "ais-app filaments", "format_version": 9}))
    with pytest.raises(FileProblem, match="newer"):
        read_filaments(tmp_path / "x.json")
