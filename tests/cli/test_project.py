"""``ais-app project`` from the command line."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from ais_app import open_tomogram
from ais_app.cli.app import run

SHAPE = (12, 40, 50)
SESSION = Path(__file__).resolve().parent.parent / "data" / "ais_session.scns"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two tomograms, labels of the first, and a project that holds both."""
    monkeypatch.chdir(tmp_path)
    labels = np.zeros(SHAPE, dtype=np.int8)
    labels[2:10, 5:20, 10:30] = 1
    labels[2:10, 20:22, 10:30] = 2
    write("labels.mrc", labels)
    for seed, name in enumerate(("T1.mrc", "T2.mrc")):
        write(name, np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32))
    assert run(["project", "create", "P.aisproj"]) == 0
    assert run(["project", "add", "P.aisproj", "T1.mrc", "T2.mrc"]) == 0
    return tmp_path


def write(path: str | Path, data: np.ndarray, voxel_size: float = 8.0) -> None:
    with mrcfile.new(path) as file:
        file.set_data(data)
        file.voxel_size = voxel_size
        file.header.origin.x = 5.0


def shown(capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert run(["project", "info", "P.aisproj", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def labels_command(*more: str) -> list[str]:
    return ["project", "import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "membrane", "labels.mrc", *more]


def test_labels_there_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(labels_command("--slices", "2,4:6,11")) == 0
    assert "membrane on T1: 4 annotated slices" in capsys.readouterr().out
    export = ["project", "export-labels", "P.aisproj", "--tomogram", "T1", "--feature", "membrane", "out.mrc"]
    assert run(export) == 0
    given, written = open_tomogram("labels.mrc"), open_tomogram("out.mrc")
    expected = given.read().copy()
    expected[[0, 1, 3, 6, 7, 8, 9, 10]] = 0
    np.testing.assert_array_equal(written.read(), expected)
    assert written.voxel_size_zyx == pytest.approx((8, 8, 8))
    assert written.origin_zyx == (0, 0, 5)
    record = json.loads(Path("out.mrc.json").read_text())
    assert record["operation"] == "export_labels"
    assert set(record["inputs"]) == {"P.aisproj"}
    info = shown(capsys)
    assert info["tomograms"][0]["annotations"] == [
        {"feature": "membrane", "annotated_slices": [2, 4, 5, 11], "boxes": 0}
    ]
    assert info["tomograms"][1]["annotations"] == []


def test_without_slices_all_are_annotated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(labels_command()) == 0
    assert shown(capsys)["tomograms"][0]["annotations"][0]["annotated_slices"] == list(range(12))


def test_undo_and_redo(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(labels_command()) == 0
    assert run(["project", "undo", "P.aisproj"]) == 0
    assert "undone: Import membrane on T1" in capsys.readouterr().out
    assert shown(capsys)["features"] == []
    assert run(["project", "redo", "P.aisproj"]) == 0
    assert [f["name"] for f in shown(capsys)["features"]] == ["membrane"]
    assert run(["project", "redo", "P.aisproj"]) == 0
    assert "nothing to redo" in capsys.readouterr().out


def test_numbers_that_mean_nothing_are_asked_about(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = np.zeros(SHAPE, dtype=np.int16)
    classes[3], classes[4] = 7, 9
    write("classes.mrc", classes)
    command = ["project", "import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "x", "classes.mrc"]
    assert run(command) == 1
    assert "neither labels (0, 1, 2) nor a mask; give --value N" in capsys.readouterr().err
    assert run([*command, "--value", "9"]) == 0
    assert run(["project", "export-labels", "P.aisproj", "--tomogram", "T1", "--feature", "x", "out.mrc"]) == 0
    np.testing.assert_array_equal(open_tomogram("out.mrc").read(), classes == 9)
    assert run([*command, "--value", "9", "--threshold", "3"]) == 1


@pytest.mark.parametrize("high", [127, -1])
def test_masks_and_probabilities(folder: Path, high: int) -> None:
    mask = np.zeros(SHAPE, dtype=np.int8)
    mask[3] = high
    write("mask.mrc", mask)
    command = ["project", "import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "x", "mask.mrc"]
    assert run(command) == 0
    assert run(["project", "export-labels", "P.aisproj", "--tomogram", "T1", "--feature", "x", "out.mrc"]) == 0
    np.testing.assert_array_equal(open_tomogram("out.mrc").read(), mask != 0)
    write("p.mrc", np.linspace(0, 1, 12, dtype=np.float32)[:, None, None] * np.ones(SHAPE, dtype=np.float32))
    command = ["project", "import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "y", "p.mrc"]
    assert run(command) == 1
    assert run([*command, "--threshold", "0.5"]) == 0


def test_boxes_there_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("picks.star").write_text(
        "data_particles\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnCoordinateZ #3\n_rlnMicrographName #4\n"
        "10 20 3 T1.mrc\n11.5 21 4 T1.mrc\n1 2 3 T2.mrc\n"
    )
    where = ["--tomogram", "T1", "--feature", "ribosome"]
    assert run(["project", "import-boxes", "P.aisproj", "picks.star", *where]) == 0
    assert "2 boxes placed" in capsys.readouterr().out
    assert run(["project", "export-boxes", "P.aisproj", "out.star", "--feature", "ribosome"]) == 0
    from ais_app.core.coordinates import read_particles

    particles = read_particles("out.star", voxel_size=8.0)
    np.testing.assert_allclose(particles.positions_zyx / 8.0, [[3, 20, 10], [4, 21, 11.5]])
    assert list(particles.tomograms) == ["T1", "T1"]
    assert run(["project", "import-boxes", "P.aisproj", "picks.star", "--tomogram", "T3", "--feature", "x"]) == 1
    assert "there are: T1, T2" in capsys.readouterr().err


def test_sessions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("sessions_T1.mrc", np.zeros((6, 20, 30), dtype=np.float32))
    Path("s").mkdir()
    Path("sessions_T1.mrc").rename("s/T1.mrc")
    shutil.copy(SESSION, "s/T1.scns")
    assert run(["project", "create", "Q.aisproj"]) == 0
    Path("bad.scns").write_bytes(b"cos\nsystem\n(Vtouch attacked\ntR.")
    assert run(["project", "import-ais", "Q.aisproj", "bad.scns", "s/T1.scns"]) == 1
    shown = capsys.readouterr()
    assert "T1: Membrane: 2 annotated slices, 3 boxes" in shown.out  # the other one is done
    assert "bad.scns: names os.system" in shown.err
    assert not Path("attacked").exists()
    assert run(["project", "import-ais", "Q.aisproj", "s/T1.scns"]) == 0


def test_relink(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(labels_command()) == 0
    assert run(["project", "relink", "P.aisproj", "."]) == 0
    assert "where they should be" in capsys.readouterr().out
    away = folder.parent / f"{folder.name}_away"
    away.mkdir()
    Path("T1.mrc").rename(away / "renamed.mrc")
    Path("T2.mrc").rename(away / "T2.mrc")
    assert run(["project", "check", "P.aisproj"]) == 1
    assert "T1: not found at" in capsys.readouterr().out
    assert run(["project", "relink", "P.aisproj", str(away)]) == 0
    assert "renamed.mrc" in capsys.readouterr().out
    assert run(["project", "check", "P.aisproj"]) == 0
    assert "no problems" in capsys.readouterr().out
    (away / "T2.mrc").unlink()
    assert run(["project", "relink", "P.aisproj", str(away)]) == 1
    assert "T2: not found" in capsys.readouterr().out


BAD = [
    (["create", "P.aisproj"], "exists already"),
    (["add", "P.aisproj", "none.mrc"], "none.mrc"),
    (["add", "none.aisproj", "T1.mrc"], "no such project"),
    (["add", "T1.mrc", "T1.mrc"], "T1.mrc: is damaged or no project"),
    (["import-labels", "P.aisproj", "--tomogram", "T3", "--feature", "m", "labels.mrc"], "there are: T1, T2"),
    (
        ["import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "m", "labels.mrc", "--slices", "99"],
        "no slice 99",
    ),
    (
        ["import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "m", "labels.mrc", "--slices", "a"],
        "no slice numbers",
    ),
    (["import-labels", "P.aisproj", "--tomogram", "T1", "--feature", "m", "small.mrc"], "(3, 4, 5) voxels"),
    (["export-labels", "P.aisproj", "--tomogram", "T1", "--feature", "m", "out.mrc"], "feature m"),
    (["relink", "P.aisproj", "nowhere"], "no such folder"),
    (["export-boxes", "P.aisproj", "out.star", "--feature", "m"], "feature m"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_changes_nothing(folder, capsys, arguments, message) -> None:
    write("small.mrc", np.zeros((3, 4, 5), dtype=np.int8))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(["project", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_info_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(labels_command("--slices", "3")) == 0
    write("T3.mrc", np.zeros(SHAPE, dtype=np.float32), voxel_size=0.0)
    assert run(["project", "add", "P.aisproj", "T3.mrc"]) == 0
    assert "T3: 12 x 40 x 50 voxels, voxel size not known" in capsys.readouterr().out
    assert run(["project", "add", "P.aisproj", "T3.mrc", "--voxel-size", "7.5"]) == 0
    capsys.readouterr()
    assert run(["project", "info", "P.aisproj"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["T1: 12 x 40 x 50 voxels, 8 Å", "  T1.mrc", "  membrane: 1 annotated slices, 0 boxes"]
    assert "T3: 12 x 40 x 50 voxels, 7.5 Å" in lines
    assert "features: membrane (#E69F00)" in lines


def test_a_project_that_is_open_elsewhere_is_read_but_not_changed(folder: Path, capsys) -> None:
    from ais_app.state.project import Project

    with Project.open("P.aisproj"), warnings.catch_warnings():
        warnings.simplefilter("always")  # a warning is no error outside of tests
        assert run(["project", "undo", "P.aisproj"]) == 1
        error = capsys.readouterr().err
        assert "warning: P.aisproj: opened read-only, because it is open elsewhere" in error
        assert "P.aisproj: is open read-only; close it elsewhere" in error
        assert run(["project", "info", "P.aisproj"]) == 0


def test_a_bad_volume_does_not_stop_the_others_from_being_added(tmp_path, ais):
    from ais_app.core.io import write_volume

    (tmp_path / "text.mrc").write_text("no volume")
    write_volume(tmp_path / "TS_09.mrc", np.zeros((4, 8, 8), np.float32))
    project = tmp_path / "P.aisproj"
    assert ais("project", "create", project)[0] == 0
    code, out, error = ais("project", "add", project, tmp_path / "text.mrc", tmp_path / "TS_09.mrc")
    assert (code, "TS_09" in out, "text.mrc" in error) == (1, True, True)
    assert "TS_09" in ais("project", "info", project)[1]
