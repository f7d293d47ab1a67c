"""``ais-app coordinates``: convert particle lists, show what is in them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ais_app.cli.app import run
from ais_app.core.coordinates import Particles, coordinate_formats, read_particles, write_particles
from ais_app.core.errors import DataWarning
from ais_app.core.formats.star import read_star
from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram

DATA = Path(__file__).parents[1] / "data" / "coordinates"
SHAPE = (30, 60, 50)


@pytest.fixture
def picks(tmp_path) -> Path:
    random = np.random.default_rng(1)
    names = np.array(["TS_01"] * 6 + ["TS_02"] * 4, dtype=object)
    where = random.uniform(0, 1, (10, 3)) * SHAPE * 10.0
    path = tmp_path / "picks.star"
    write_particles(path, Particles(where, tomograms=names, voxel_size=10.0, table=pd.DataFrame({"extra": range(10)})))
    return path


def test_summary(picks, capsys):
    assert run(["coordinates", str(picks)]) == 0
    shown = capsys.readouterr()
    assert "10 particles in 2 tomograms, voxel size 10 Å" in shown.out
    assert "TS_01: 6; x " in shown.out and "TS_02: 4; x " in shown.out
    assert "extra" in shown.out
    assert shown.err == ""


def test_formats_are_listed_with_their_options(capsys):
    assert run(["coordinates", "--formats"]) == 0
    shown = capsys.readouterr().out
    for known in coordinate_formats().values():
        assert f"{known.name} ({known.suffix}): {known.title}" in shown
    assert "pixel_size [Å]: " in shown and "relion-picker, half, half-integer" in shown


def test_to_relion5_and_back_with_the_tomogram(picks, tmp_path, capsys):
    for name in ("rec_TS_01", "TS_02_10.00Apx"):
        empty = np.zeros(SHAPE, dtype=np.int8)
        write_volume(tmp_path / f"{name}.mrc", empty, like=Tomogram(empty, voxel_size_zyx=(10.0, 10.0, 10.0)))
    volumes = ["--tomogram", str(tmp_path / "rec_TS_01.mrc"), "--tomogram", str(tmp_path / "TS_02_10.00Apx.mrc")]
    out = tmp_path / "r5.star"
    command = ["coordinates", str(picks), "-o", str(out), "--to", "relion5", "--centre", "half", *volumes]
    assert run([*command, "--set", "pixel_size=2.5"]) == 0
    assert "10 particles in 2 tomograms" in capsys.readouterr().out
    assert '"centre": "half", "pixel_size": 2.5' in out.read_text()
    assert run(["coordinates", str(out), "-o", str(tmp_path / "back.csv"), "--to", "csv"]) == 0
    before, after = read_particles(picks), read_particles(tmp_path / "back.csv")
    assert np.allclose(before.positions_zyx, after.positions_zyx, atol=1e-4)
    assert (tmp_path / "back.csv.json").exists()


def test_one_by_one_joined_split_filtered_renamed(picks, tmp_path, capsys):
    second = tmp_path / "more.star"
    write_particles(second, read_particles(picks)[:2], "star")
    assert run(["coordinates", str(picks), str(second), "-o", str(tmp_path / "each"), "--to", "tsv"]) == 0
    assert {p.name for p in (tmp_path / "each").glob("*.tsv")} == {"picks.tsv", "more.tsv"}
    assert run(["coordinates", str(picks), str(second), "-o", str(tmp_path / "all.star")]) == 0
    assert len(read_particles(tmp_path / "all.star")) == 12
    assert run(["coordinates", str(picks), "-o", str(tmp_path / "split"), "--to", "imod", "--split"]) == 0
    assert {p.name for p in (tmp_path / "split").glob("*.mod")} == {"TS_01.mod", "TS_02.mod"}
    chosen = ["--only", "lamella1_*", "--rename", "TS_01:lamella1_01"]
    assert run(["coordinates", str(picks), "-o", str(tmp_path / "one.star"), *chosen]) == 0
    assert read_particles(tmp_path / "one.star").names == ["lamella1_01"]
    assert set(read_star(tmp_path / "one.star").blocks["particles"]["rlnMicrographName"]) == {"lamella1_01"}


def test_replay(picks, tmp_path, capsys):
    assert run(["coordinates", str(picks), "-o", str(tmp_path / "split"), "--to", "dynamo", "--split"]) == 0
    assert run(["replay", str(tmp_path / "split" / "TS_02.tbl")]) == 0
    assert "identical" in capsys.readouterr().out


def test_optics_groups_of_several_files_are_renumbered(tmp_path):
    for number, pixel in enumerate((1.5, 1.5, 2.0)):
        part = Particles(np.ones((2, 3)) * 30, tomograms=np.array([f"TS_{number}"] * 2), voxel_size=pixel)
        write_particles(tmp_path / f"{number}.star", part, "relion4")
    files = [str(tmp_path / f"{number}.star") for number in range(3)]
    assert run(["coordinates", *files, "-o", str(tmp_path / "all.star"), "--to", "relion4"]) == 0
    blocks = read_star(tmp_path / "all.star").blocks
    assert blocks["optics"]["rlnTomoTiltSeriesPixelSize"].tolist() == [1.5, 2.0]
    assert blocks["particles"]["rlnOpticsGroup"].tolist() == [1, 1, 1, 1, 2, 2]
    assert np.allclose(read_particles(tmp_path / "all.star").positions_zyx, 30)


def test_angstroms_taken_for_voxels_are_noticed(picks, tmp_path, capsys):
    found = read_particles(picks)
    text = "\n".join(f"{x:.1f},{y:.1f},{z:.1f}" for z, y, x in found.positions_zyx)
    (tmp_path / "plain.csv").write_text(text)
    command = ["coordinates", str(tmp_path / "plain.csv"), "--voxel-size", "10", "--shape", "30,60,50"]
    assert run(command) == 0
    assert "coordinates look like Å, not voxels" in capsys.readouterr().err
    assert run([*command, "--set-from", "unit=angstrom"]) == 0
    assert capsys.readouterr().err == ""


def test_the_other_files_are_done_when_one_fails(picks, tmp_path, capsys):
    bad = tmp_path / "bad.star"
    bad.write_text("data_\n")
    assert run(["coordinates", str(bad), str(picks), "-o", str(tmp_path / "out"), "--to", "csv"]) == 1
    shown = capsys.readouterr()
    assert f"ais-app: {bad}: " in shown.err and shown.err.count("\n") == 2
    assert (tmp_path / "out" / "picks.csv").exists()
    assert run(["coordinates", str(bad), str(picks), "-o", str(tmp_path / "all.csv"), "--to", "csv"]) == 1
    assert not (tmp_path / "all.csv").exists()  # a joined list that lacks a part would look whole


def test_an_input_is_not_overwritten(picks, capsys):
    before = picks.read_bytes()
    assert run(["coordinates", str(picks), "-o", str(picks), "--to", "csv"]) == 1
    assert "is an input; it would be overwritten" in capsys.readouterr().err
    assert picks.read_bytes() == before


def test_unbinned_lists_on_a_binned_tomogram(tmp_path, capsys):
    """Pixels of 2.5 Å in the list, voxels of 10 Å in the tomogram: the shape belongs to the latter."""
    given = Particles(np.array([[150.0, 300.0, 250.0]]), tomograms=np.array(["TS_01"]), voxel_size=2.5)
    empty = np.zeros(SHAPE, dtype=np.int8)
    write_volume(tmp_path / "TS_01.mrc", empty, like=Tomogram(empty, voxel_size_zyx=(10.0, 10.0, 10.0)))
    write_particles(tmp_path / "r4.star", given, "relion4")
    command = ["coordinates", str(tmp_path / "r4.star"), "--tomogram", str(tmp_path / "TS_01.mrc")]
    assert run([*command, "-o", str(tmp_path / "r5.star"), "--to", "relion5"]) == 0
    assert capsys.readouterr().err == ""
    row = read_star(tmp_path / "r5.star").blocks["particles"]
    assert row["rlnCenteredCoordinateXAngst"][0] == 2.5  # 250 - (200 / 2 - 1) * 2.5
    assert np.allclose(read_particles(tmp_path / "r5.star").positions_zyx, given.positions_zyx)
    write_particles(tmp_path / "plain.star", given, "star")
    with warnings.catch_warnings():
        warnings.simplefilter("default", DataWarning)
        assert run(["coordinates", str(tmp_path / "plain.star"), *command[2:]]) == 0
    assert "the list says voxels of 2.5 Å, the tomogram 10 Å" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, problem",
    [
        (["-o", "x.star", "--to", "relion6"], "'relion6' is not known; known: copick"),
        (["-o", "x.star", "--set", "centre=half"], "StarParams has no such parameter"),
        (["-o", "x.star", "--to", "relion5", "--set", "center=half"], "did you mean centre"),
        (["-o", "x.star", "--to", "relion5", "--centre", "middle"], "'middle' is not one of auto, relion-picker"),
        (["-o", "x.star", "--set", "voxel_size=ten"], "'ten' is no float"),
        (["-o", "x.star", "--set", "voxel_size"], "is not name=value"),
        (["--shape", "1,2"], "is not z,y,x"),
        (["-o", "x.mod", "--to", "imod"], "holds one tomogram, here are 2; write one file for each (--split)"),
        (["-o", "x.star", "--rename", "abc"], "is not old:new"),
        (["-o", "x.star", "--only", "nothing"], "has no particles of nothing; its tomograms: TS_01, TS_02"),
    ],
)
def test_wrong_options_are_one_line(picks, tmp_path, capsys, monkeypatch, options, problem):
    monkeypatch.chdir(tmp_path)
    assert run(["coordinates", str(picks), *options]) == 1
    shown = capsys.readouterr().err
    assert problem in shown
    assert shown.count("\n") == 1
    assert not list(tmp_path.glob("x.*"))
