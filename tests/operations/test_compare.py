"""Architectures compared on a project: tables that agree with the networks, a picture, and no work done twice."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import ais_app
from ais_app.core.errors import ModelProblem, ParameterProblem
from ais_app.core.model.package import load_card
from ais_app.state.project import Project

QUICK = ais_app.TrainParams(epochs=1, draws=1, boxes=8, box_size=16, batch=8, validation="slab", validation_share=0.34)
TORCH = ais_app.PredictionParams(engine="torch")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A dark square and a bright one, in noise."""
    folder = tmp_path_factory.mktemp("p")
    volume = np.random.default_rng(0).normal(size=(16, 48, 64)).astype(np.float32)
    masks = {name: np.zeros(volume.shape, np.uint8) for name in ("dark", "bright")}
    masks["dark"][:, 8:24, 8:24] = 1
    masks["bright"][:, 24:40, 40:56] = 1
    volume += 3.0 * masks["bright"] - 3.0 * masks["dark"]
    like = ais_app.Tomogram(volume, (10.0, 10.0, 10.0))
    ais_app.write_volume(folder / "t.mrc", volume, like=like)
    with Project.create(folder / "p.aisproj") as made:
        entry = made.add_tomogram(folder / "t.mrc")
        for name, mask in masks.items():
            ais_app.write_volume(folder / f"{name}.mrc", mask, like=like)
            made.import_labels(entry, name, folder / f"{name}.mrc", slices=[2, 5, 8, 11, 13])
        made.add_feature("empty")
    return folder / "p.aisproj"


@pytest.fixture(scope="module")
def compared(project):
    out = project.parent / "out"
    return ais_app.compare_models(project, out, ["eman2", "unet_s"], (), QUICK, TORCH)


def test_all_pairs_in_order_with_scores_of_the_networks(compared):
    pairs = [(row.feature, row.architecture) for row in compared.rows]
    assert pairs == [(feature, name) for feature in ("dark", "bright") for name in ("eman2", "unet_s")]
    for row in compared.rows:
        card = load_card(compared.table.parent / row.model)
        assert (card.feature, card.architecture) == (row.feature, row.architecture)
        assert row.dice == card.training["metrics"]["dice"] and not row.error
        assert row.training_seconds > 0 and row.seconds_per_slice > 0 and row.held_out
    assert compared.rows[1].parameters == 922_881


def test_files_agree(compared):
    text = compared.table.read_text()
    assert text.count("| UNet S |") == 2 and "**" in text and "Failed" not in text
    with compared.csv.open() as stream:
        assert [float(row["dice"]) for row in csv.DictReader(stream)] == [row.dice for row in compared.rows]
    values = json.loads(compared.json.read_text())
    assert values["params"]["epochs"] == 1 and len(values["rows"]) == 4
    assert compared.picture.read_bytes().startswith(b"\x89PNG")


def test_networks_that_are_there_are_not_trained_again(compared, project, monkeypatch):
    monkeypatch.setattr("ais_app.operations.compare.train_job", None)
    again = ais_app.compare_models(project, compared.table.parent, ["eman2", "unet_s"], ["bright"], QUICK, TORCH)
    assert [row.dice for row in again.rows] == [row.dice for row in compared.rows[2:]]
    assert [row.training_seconds for row in again.rows] == [row.training_seconds for row in compared.rows[2:]]


def test_one_that_fails_is_in_the_table(project, tmp_path):
    params = ais_app.TrainParams.from_dict(QUICK.to_dict() | {"box_size": 20})
    done = ais_app.compare_models(project, tmp_path, ["vggnet_s", "eman2"], ["dark"], params, TORCH)
    assert "multiple of 8" in done.rows[0].error and not done.rows[1].error
    assert "Failed" in done.table.read_text()


def test_what_cannot_be(project, tmp_path):
    with pytest.raises(ParameterProblem, match="none is given"):
        ais_app.compare_models(project, tmp_path, [])
    with pytest.raises(ModelProblem, match="not known"):
        ais_app.compare_models(project, tmp_path, ["none"])
    with pytest.raises(ParameterProblem, match="do not segment"):
        ais_app.compare_models(project, tmp_path, ["cb3d"])


def test_command_line(ais, project, compared):
    changed = ("epochs", "draws", "boxes", "box_size", "batch", "validation", "validation_share")
    options = [word for name in changed for word in (f"--{name.replace('_', '-')}", getattr(QUICK, name))]
    out = compared.table.parent
    code, text, err = ais("models", "compare", "--project", project, "--out", out, "--architectures", "eman2",
                          "--features", "dark", *options)  # fmt: skip
    assert code == 0, err
    assert "EMAN2" in text and str(out / "comparison.png") in text
