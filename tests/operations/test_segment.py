"""Segmenting files, through the command line and the Python function."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import ais_app
from ais_app.core.errors import DataWarning
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.parameters import OutputParams, PredictionParams
from ais_app.core.prediction.predict import predict_volume
from ais_app.core.provenance import read_provenance
from ais_app.core.tomogram import Tomogram
from ais_app.operations.segment import segment, segment_job

TINY = """
from torch import nn
from ais_app.models import Architecture

def build(depth=1):
    return nn.Sequential(nn.Conv2d(depth, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 1, 3, padding=1))

ARCHITECTURE = Architecture("tiny", "Tiny", dimension=2, stride=1, receptive_field=5, build=build)
"""
SIZE = (10.0, 10.0, 12.0)
FAST = ("--engine", "torch", "--precision", "float32", "--trust-source")
EXACT = PredictionParams(engine="torch", precision="float32")


def write_model(path, feature, seed=0, **card):
    torch.manual_seed(seed)
    return save_model(new_model(ModelCard("tiny", feature=feature, **card), source=TINY), path)


def write_tomogram(path, shape=(5, 24, 30), seed=0):
    path.parent.mkdir(exist_ok=True)
    grey = np.random.default_rng(seed).normal(50, 9, shape).astype(np.float32)
    geometry = Tomogram(grey, voxel_size_zyx=SIZE, origin_zyx=(-30.0, 20.0, 10.0), nstart_zyx=(1, 2, 3))
    return write_volume(path, grey, like=geometry)


@pytest.fixture
def tomogram(tmp_path):
    return write_tomogram(tmp_path / "TS_01.mrc")


@pytest.fixture
def models(tmp_path):
    return [write_model(tmp_path / f"{name}.aismodel", name, seed) for seed, name in enumerate(("membrane", "carbon"))]


def with_models(models):
    return [word for model in models for word in ("-m", model)]


def predicted(tomogram, models, **options):
    loaded = [load_model(path, trust_source=True) for path in models]
    return list(predict_volume(loaded, open_tomogram(tomogram), params=EXACT, **options))


def test_one_map_per_feature_on_the_grid_of_the_tomogram(ais, tmp_path, tomogram, models):
    code, out, err = ais("segment", tomogram, *with_models(models), "-o", tmp_path / "out", *FAST)
    assert (code, err) == (0, "")
    assert "TS_01.mrc: membrane, carbon" in out
    expected = predicted(tomogram, models)
    source = open_tomogram(tomogram)
    for name in ("membrane", "carbon"):
        path = tmp_path / "out" / f"TS_01__{name}.mrc"
        found = open_tomogram(path)
        assert found.data.dtype == np.int8
        assert found.shape == source.shape
        np.testing.assert_allclose(found.voxel_size_zyx, source.voxel_size_zyx)
        assert (found.origin_zyx, found.nstart_zyx) == (source.origin_zyx, source.nstart_zyx)
        assert any("segment" in line for line in found.labels)
        planes = np.stack([s.planes[name] for s in expected])
        np.testing.assert_array_equal(found.read(), np.rint(planes * 127))
        made = read_provenance(path)
        assert made.operation == "segment"
        assert made.notes["engines"][0].startswith("torch")
        assert set(made.inputs) == {"../TS_01.mrc", "../membrane.aismodel", "../carbon.aismodel"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        f"TS_01__{name}.mrc{tail}" for name in ("membrane", "carbon") for tail in ("", ".json")
    }


def test_one_option_may_name_several_models(ais, tmp_path, tomogram, models):
    code, _, err = ais("segment", tomogram, "-m", *models, "-o", tmp_path / "out", *FAST)
    assert code == 0, err
    assert len(list((tmp_path / "out").glob("*.mrc"))) == 2


def test_interactions_uncertainty_attribution_and_only(ais, tmp_path, tomogram, models):
    graph = InteractionGraph((Rule("avoid", "membrane", "carbon", 0.55, 15.0, "ball"),))
    file = graph.save(tmp_path / "graph.json")
    options = ("--interactions", file, "--only", "membrane", "--attribution", "--uncertainty", "--tta", 4)
    out_dir = tmp_path / "out"
    code, _, err = ais("segment", tomogram, *with_models(models), "-o", out_dir, *FAST, *options)
    assert (code, err) == (0, "")
    names = {p.name for p in out_dir.glob("*.mrc")}
    assert names == {"TS_01__membrane.mrc", "TS_01__membrane_removed.mrc", "TS_01__membrane_uncertainty.mrc"}
    loaded = [load_model(path, trust_source=True) for path in models]
    params = PredictionParams(tta=4, engine="torch", precision="float32")
    wishes = {"interactions": graph, "uncertainty": True, "attribution": True, "params": params}
    expected = list(predict_volume(loaded, open_tomogram(tomogram), **wishes))
    for tail, part in (("_removed", "removed_by"), ("_uncertainty", "uncertainty")):
        found = open_tomogram(out_dir / f"TS_01__membrane{tail}.mrc").read()
        np.testing.assert_allclose(found, [getattr(s, part)["membrane"] for s in expected], atol=1e-7)
    removed = open_tomogram(out_dir / "TS_01__membrane_removed.mrc").read()
    kept = open_tomogram(out_dir / "TS_01__membrane.mrc").read()
    assert set(np.unique(removed)) == {0, 1}
    assert not kept[removed == 1].any()
    assert read_provenance(out_dir / "TS_01__membrane.mrc").notes["applied_interactions"][0]["radius"] == 15.0


def test_a_region_lies_in_its_place_with_zeros_around(ais, tmp_path, tomogram, models):
    where = np.s_[1:4, 3:20, 10:30]
    options = ("--region", "1:4,3:20,10:", "--encoding", "float32")
    assert ais("segment", tomogram, "-m", models[0], "-o", tmp_path / "out", *FAST, *options)[0] == 0
    found = open_tomogram(tmp_path / "out" / "TS_01__membrane.mrc").read().copy()
    whole = np.stack([s.planes["membrane"] for s in predicted(tomogram, models[:1])])
    np.testing.assert_allclose(found[where], whole[where], atol=1e-5)
    found[where] = 0
    assert found.shape == whole.shape
    assert not found.any()


def test_what_is_there_is_kept_unless_told_otherwise(ais, tmp_path, tomogram, models):
    call = ("segment", tomogram, "-m", models[0], "-o", tmp_path / "out", *FAST)
    assert ais(*call)[0] == 0
    output = tmp_path / "out" / "TS_01__membrane.mrc"
    first = output.read_bytes()
    output.write_bytes(first + b"!")
    code, _, err = ais(*call)
    assert code == 1
    assert "is there already; choose --skip-existing or --overwrite" in err
    code, out, _ = ais(*call, "--skip-existing")
    assert code == 0
    assert "was there already" in out
    assert output.read_bytes() == first + b"!"
    assert ais(*call, "--overwrite")[0] == 0
    assert output.read_bytes() == first


def test_one_bad_file_does_not_stop_the_others(ais, tmp_path, models):
    folder = tmp_path / "in"
    for number in (1, 2, 3):
        write_tomogram(folder / f"TS_0{number}.mrc", seed=number)
    (folder / "TS_02.mrc").write_bytes((folder / "TS_02.mrc").read_bytes()[:700])
    code, out, err = ais("segment", folder, "-m", models[0], "-o", tmp_path / "out", *FAST)
    assert code == 1
    assert "TS_01.mrc: membrane" in out
    assert "TS_03.mrc: membrane" in out
    assert "TS_02.mrc" in err
    assert "1 of 3 files failed" in err
    assert "Traceback" not in err
    assert {p.name for p in (tmp_path / "out").glob("*.mrc")} == {"TS_01__membrane.mrc", "TS_03__membrane.mrc"}
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]


def test_holes_in_a_tomogram_are_said_and_stay_local(tmp_path, models):
    grey = open_tomogram(write_tomogram(tmp_path / "whole.mrc")).read().copy()
    grey[2, 5, 5] = np.nan
    path = write_volume(tmp_path / "holed.mrc", grey, like=Tomogram(grey, voxel_size_zyx=SIZE))
    with pytest.warns(DataWarning, match="holed.mrc: holds voxels that are no finite number"):
        (result,) = segment([path], models[:1], tmp_path / "out", EXACT, trust_source=True)
    assert result.error is None
    whole = segment([tmp_path / "whole.mrc"], models[:1], tmp_path / "out", EXACT, trust_source=True)
    holed, full = (open_tomogram(done.outputs[0]).read().astype(int) for done in (result, whole[0]))
    # one voxel less in mean and deviation moves others by at most one step of 127
    assert abs(holed - full)[[0, 1, 3, 4]].max() <= 1


def test_segmentations_in_the_same_folder_are_not_segmented(ais, tmp_path, models):
    folder = tmp_path / "in"
    write_tomogram(folder / "TS_01.mrc")
    call = ("segment", folder, "-m", models[0], "-o", folder, *FAST)
    assert ais(*call)[0] == 0
    assert ais(*call, "--overwrite")[0] == 0
    assert {p.name for p in folder.glob("*.mrc")} == {"TS_01.mrc", "TS_01__membrane.mrc"}


def test_equal_names_in_two_folders_are_refused_before_anything_is_done(ais, tmp_path, models):
    paths = [write_tomogram(tmp_path / folder / "TS_01.mrc") for folder in "ab"]
    code, _, err = ais("segment", *paths, "-m", models[0], "-o", tmp_path / "out", *FAST)
    assert code == 1
    assert "would both write it" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "ribosome"), "ribosome: no model predicts this feature; features: membrane"),
        (("--region", "9:10,:,:"), "holds nothing along z"),
        (("--region", "all"), "write z0:z1,y0:y1,x0:x1"),
        (("--interactions", "graph.json"), "graph.json: no such file"),
        (("--interactions", "wrong.json"), "carbn: an interaction names this feature, but no model predicts it"),
        (("-m", "missing.aismodel"), "missing.aismodel"),
        (("--uncertainty",), "only one prediction of membrane"),
        (("-o", "TS_01.mrc"), "TS_01.mrc"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(ais, tmp_path, monkeypatch, tomogram, models, options, words):
    monkeypatch.chdir(tmp_path)
    InteractionGraph((Rule("avoid", "membrane", "carbn"),)).save("wrong.json")
    before = {p.name for p in tmp_path.iterdir()}
    code, _, err = ais("segment", tomogram, "-m", models[0], "-o", "out", *FAST, *options)
    assert code == 1
    assert words in err
    assert err.count("\n") == 1
    left = {p.name for p in tmp_path.rglob("*")} - before - {"out"}
    assert not left


def test_an_architecture_of_a_stranger_is_not_run_unasked(ais, tmp_path, tomogram, models):
    code, _, err = ais("segment", tomogram, "-m", models[0], "-o", tmp_path / "out")
    assert code == 1
    assert "--trust-source" in err


def test_stopping_leaves_no_partial_file(tmp_path, models):
    path = write_tomogram(tmp_path / "TS_01.mrc", (40, 60, 60))
    seen = []
    job = segment_job([path], models, tmp_path / "out", EXACT, trust_source=True)
    with pytest.raises(JobCancelled):
        run(job, seen.append, lambda: len(seen) == 8)
    assert "slice" in seen[-1].message
    assert not list((tmp_path / "out").iterdir())


def test_provenance_makes_it_again(tmp_path, monkeypatch, tomogram, models):
    graph = InteractionGraph((Rule("avoid", "membrane", "carbon", 0.5, 15.0),))
    output = OutputParams(encoding="float32", only=("membrane",))
    options = {"interactions": graph, "trust_source": True}
    (result,) = segment([tomogram], models, tmp_path / "out", EXACT, output, **options)
    monkeypatch.chdir(tmp_path / "out")
    arguments = json.loads(json.dumps(read_provenance(result.outputs[0]).arguments))
    (again,) = segment(**{**arguments, "out_dir": tmp_path / "again"})
    assert again.outputs[0].read_bytes() == result.outputs[0].read_bytes()


def test_public_name():
    assert ais_app.segment is segment


MEASURE = """
import sys, threading, time
from pathlib import Path
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.operations.segment import segment

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

def peak(tomogram, model, out):
    highest, done = [0], threading.Event()
    def watch():
        while not done.wait(0.002):
            highest[0] = max(highest[0], anonymous())
    watcher = threading.Thread(target=watch)
    watcher.start()
    (result,) = segment([tomogram], [model], out, PredictionParams(engine="torch"), trust_source=True)
    done.set()
    watcher.join()
    assert result.error is None, result.error
    return highest[0]

folder, model = Path(sys.argv[1]), sys.argv[2]
for name in ("thin", "thin", "thick"):  # the first run also loads libraries
    print(peak(folder / f"{name}.mrc", model, folder / f"out_{time.monotonic_ns()}"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is told by /proc")
def test_memory_does_not_grow_with_the_number_of_slices(tmp_path):
    model = write_model(tmp_path / "m.aismodel", "membrane")
    write_tomogram(tmp_path / "thin.mrc", (10, 300, 300))
    write_tomogram(tmp_path / "thick.mrc", (210, 300, 300))
    call = [sys.executable, "-c", MEASURE, str(tmp_path), str(model)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    _, thin, thick = map(int, done.stdout.split())
    volume = 200 * 300 * 300 * 4 // 1024
    assert thick - thin < volume / 5, f"{thin} kB for 10 slices, {thick} kB for 210"
