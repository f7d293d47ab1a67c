"""Suggestions for a project, through the command line and the Python function."""

import json

import numpy as np
import pytest
import torch

import ais_app
from ais_app.core.errors import DataWarning, FileProblem, ProjectProblem
from ais_app.core.io import write_volume
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model, save_model
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.suggest import SuggestParams
from ais_app.operations.suggest import suggest, suggest_job
from ais_app.state.project import Project

EXACT = PredictionParams(engine="torch", precision="float32")
FAST = ("--engine", "torch", "--precision", "float32", "--trust-source")
SEEING = """
from torch import nn
from ais_app.models import Architecture

def build(depth=1):
    return nn.Conv2d(depth, 1, 1)

ARCHITECTURE = Architecture("seeing", "Seeing", dimension=2, stride=1, receptive_field=1, build=build)
"""


@pytest.fixture
def project(tmp_path):
    """Two tomograms that say what the network says: sure of a square in both, unsure of one slice of the second."""
    with Project.create(tmp_path / "P.aisproj") as made:
        for number in (1, 2):
            grey = np.full((20, 40, 48), -9, np.float32)
            grey[:, 10:20, 10:20] = 9
            if number == 2:
                grey[9:12, 22:38, 25:45] = np.random.default_rng(0).normal(0, 0.3, (3, 16, 20))
            path = write_volume(
                tmp_path / f"TS_0{number}.mrc", grey, like=Tomogram(grey, voxel_size_zyx=(10.0, 10.0, 10.0))
            )
            made.add_tomogram(path)
        made.add_feature("membrane")
        made.add_feature("carbon")
    return tmp_path / "P.aisproj"


@pytest.fixture
def model(tmp_path):
    made = new_model(ModelCard("seeing", feature="membrane", normalisation=Normalisation("none")), source=SEEING)
    with torch.no_grad():
        made.network.body.weight.fill_(1)
        made.network.body.bias.fill_(0)
    return save_model(made, tmp_path / "membrane.aismodel")


def wanted(project, models, **params):
    return suggest(project, models, SuggestParams(**{"slices": 20, **params}), EXACT, trust_source=True)


def test_command_line(ais, project, model):
    code, out, err = ais("suggest", project, "-m", model, "--count", 3, "--slices", 20, "--apart", 3, "--json", *FAST)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert len(found) == 3
    assert found[0]["tomogram"] == "TS_02" and found[0]["z"] in (9, 10, 11)
    assert set(found[0]) == {
        "tomogram", "z", "centre_yx", "size_yx", "score", "uncertainty", "feature", "novelty",
    }  # fmt: skip
    assert found[0]["centre_yx"] is None and found[0]["feature"] == "membrane"
    code, out, _ = ais("suggest", project, "-m", model, "--kind", "boxes", "--box-size", 16, "--slices", 20, *FAST)
    lines = out.splitlines()
    assert code == 0 and "uncertainty" in lines[0] and "TS_02" in lines[1] and "16 x 16" in lines[1]


def test_the_networks_of_the_project_are_used(project, model):
    with pytest.raises(ProjectProblem, match="has no networks"):
        wanted(project, [])
    with Project.open(project) as opened:
        opened.add_model(model)
    assert wanted(project, []) == wanted(project, [model])


def test_what_is_annotated_for_the_feature_is_left_out(ais, project, model):
    with Project.open(project) as opened:
        opened.labels("TS_02", "membrane").mark("z", 10)
        opened.labels("TS_01", "carbon").mark("z", 4)
    found = wanted(project, [model], apart=3, count=20)
    slices = {name: sorted(s.z for s in found if s.tomogram == name) for name in ("TS_01", "TS_02")}
    assert all(abs(z - 10) >= 3 for z in slices["TS_02"])
    assert any(abs(z - 4) < 3 for z in slices["TS_01"])  # carbon is none of the models' features
    with Project.open(project) as opened:
        for z in range(20):
            opened.labels("TS_01", "membrane").mark("z", z)
            opened.labels("TS_02", "membrane").mark("z", z)
    code, out, _ = ais("suggest", project, "-m", model, *FAST)
    assert code == 0 and out.startswith("nothing to suggest")


@pytest.mark.filterwarnings("always::ais_app.core.errors.DataWarning")
def test_a_missing_tomogram_does_not_stop_the_others(ais, project, model):
    (project.parent / "TS_01.mrc").unlink()
    with pytest.warns(DataWarning, match="TS_01 is left out"):
        assert {s.tomogram for s in wanted(project, [model])} == {"TS_02"}
    code, out, err = ais("suggest", project, "-m", model, "--json", *FAST)
    assert code == 0 and "TS_01 is left out" in err and {s["tomogram"] for s in json.loads(out)} == {"TS_02"}


def test_stopping_closes_the_project(project, model):
    job = suggest_job(project, [model], SuggestParams(slices=5), EXACT, trust_source=True)
    asked = iter([False] * 3 + [True])
    with pytest.raises(JobCancelled):
        run(job, stop=lambda: next(asked))
    with Project.open(project) as opened:
        assert not opened.read_only


def test_an_empty_project_and_missing_files_are_refused(tmp_path, model):
    Project.create(tmp_path / "empty.aisproj").close()
    with pytest.raises(ProjectProblem, match="has no tomograms"):
        wanted(tmp_path / "empty.aisproj", [model])
    with pytest.raises(FileProblem, match="no such project"):
        wanted(tmp_path / "none.aisproj", [model])
    with pytest.raises(FileProblem, match="No such file"):
        wanted(tmp_path / "empty.aisproj", [tmp_path / "none.aismodel"])


def test_public_names():
    assert ais_app.suggest is suggest
    assert ais_app.SuggestParams is SuggestParams
