import json

import numpy as np
import pandas as pd
import pytest

from ais_app.cli.app import run
from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram
from ais_app.operations.measure import measure
from ais_app.operations.replay import replay

SIZE = 10.0


def write(path, data):
    return write_volume(path, data, like=Tomogram(data, voxel_size_zyx=(SIZE,) * 3))


@pytest.fixture
def folder(tmp_path):
    """Two tomograms: a sheet and two cubes; only a sheet."""
    sheet = np.zeros((30, 40, 40), dtype=np.int8)
    sheet[4:8] = 1
    cubes = np.zeros_like(sheet)
    cubes[12:18, 10:16, 10:16] = 1
    cubes[20:26, 25:31, 25:31] = 1
    write(tmp_path / "TS_01__membrane.mrc", sheet)
    write(tmp_path / "TS_01__granule.mrc", cubes)
    write(tmp_path / "TS_02__membrane.mrc", sheet)
    write(tmp_path / "TS_02__granule.mrc", np.zeros_like(sheet))
    return tmp_path


def test_command_line_writes_csv(folder, capsys):
    out = folder / "out" / "table.csv"
    words = ["--distances", "membrane", "--thickness", "--threshold", "0.5"]
    assert run(["measure", str(folder / "*granule.mrc"), "-o", str(out), *words]) == 0
    assert "2 components, 432 nm³" in capsys.readouterr().out
    table = pd.read_csv(out)
    assert table["segmentation"].tolist() == ["TS_01__granule.mrc"] * 2
    assert table["tomogram"].tolist() == ["TS_01"] * 2
    assert table["feature"].tolist() == ["granule"] * 2
    np.testing.assert_allclose(table["volume_nm3"], 216)
    np.testing.assert_allclose(table["distance_min_A"], [40, 120], atol=0.5)
    assert (table["thickness_median_A"] > 55).all()
    summary = pd.read_csv(out.with_name("table_summary.csv"))
    assert summary["components"].tolist() == [2, 0]
    assert summary["distance_min_A"][0] == pytest.approx(40, abs=0.5)
    assert summary["volume_fraction"][0] == pytest.approx(432 / 48000)
    bins = pd.read_csv(out.with_name("table_distributions.csv"))
    assert set(bins["quantity"]) == {"thickness", "distance"}
    record = json.loads((out.parent / "table.csv.json").read_text())
    assert record["operation"] == "measure"
    assert len(record["inputs"]) == 4
    assert record["notes"]["tables"] == ["table.csv", "table_summary.csv", "table_distributions.csv"]
    assert replay(out).identical


def test_json_holds_all_tables(folder):
    out = folder / "table.json"
    results = measure([folder / "TS_01__membrane.mrc", folder / "TS_02__granule.mrc"], out, distances="granule")
    assert [r.error for r in results] == [None, None]
    content = json.loads(out.read_text())
    assert [row["feature"] for row in content["summary"]] == ["membrane", "granule"]
    assert content["components"][0]["distance_min_A"] == pytest.approx(40, abs=0.5)
    assert content["components"][0]["volume_nm3"] == 4 * 40 * 40
    assert content["summary"][1]["mean_component_nm3"] is None


def test_failures_leave_the_others_in_the_table(folder, capsys):
    (folder / "TS_00__granule.mrc").write_bytes(b"")
    out = folder / "t.csv"
    assert run(["measure", str(folder / "*granule.mrc"), "-o", str(out)]) == 1
    assert "TS_00__granule.mrc" in capsys.readouterr().err
    assert len(pd.read_csv(out)) == 2
    assert run(["measure", str(folder / "TS_00__granule.mrc"), "-o", str(folder / "no.csv")]) == 1
    assert not (folder / "no.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "t.txt"], "neither .csv nor .json"),
        (["-o", "t.csv", "--distances", "nucleus"], "no segmentation 'nucleus'"),
    ],
)
def test_what_is_wrong_is_said(folder, capsys, words, said, monkeypatch):
    monkeypatch.chdir(folder)
    assert run(["measure", "TS_01__granule.mrc", *words]) == 1
    assert said in capsys.readouterr().err
