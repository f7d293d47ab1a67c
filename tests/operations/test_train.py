"""Training from a project and from a training set, to files."""

import csv
import io
import json
import tarfile

import mrcfile
import numpy as np
import pytest
import tifffile
import torch

import ais_app
from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import DataWarning, FileProblem, ModelProblem, ParameterProblem, ProjectProblem
from ais_app.core.provenance import read_provenance
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.labelled import labelled_tomograms
from ais_app.operations.models import check_model, describe_model, list_architectures
from ais_app.operations.train import train
from ais_app.state.project import Project

PARAMS = TrainParams(architecture="vggnet_s", epochs=2, draws=2, batch=8, boxes=12, box_size=16)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def project(tmp_path):
    """Return a project with one tomogram of balls, annotated on four slices."""
    random = np.random.default_rng(0)
    z, y, x = np.ogrid[:24, :64, :64]
    labels = np.zeros((24, 64, 64), np.uint8)
    for centre in random.uniform(0, labels.shape, (12, 3)):
        labels[(z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < 25] = 1
    image = (random.normal(0, 0.5, labels.shape) - labels).astype(np.float32)
    ais_app.write_volume(tmp_path / "TS_01.mrc", image, like=Tomogram(image, (10.0, 10.0, 10.0)))
    path = tmp_path / "P.aisproj"
    with Project.create(path) as made:
        made.add_tomogram(tmp_path / "TS_01.mrc")
        made.import_labels("TS_01", "ball", labels, slices=[4, 9, 14, 19])
    return path


def test_a_model_its_history_and_its_provenance(project, tmp_path):
    result = train(project, "ball", tmp_path / "ball.aismodel", PARAMS)
    assert result.finished and result.held_out.startswith("held out by slab") and 0 <= result.metrics["dice"] <= 1
    card = ais_app.load_model(result.model).card
    with Project.open(project, read_only=True) as opened:
        assert (card.feature, card.colour, card.voxel_size) == ("ball", opened.feature("ball").colour, 10.0)
    source = card.training["data"]["tomograms"][0]
    assert source["file"] == "TS_01.mrc" and len(source["fingerprint"]) == 32
    rows = list(csv.DictReader(result.history[0].read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[1]["average_precision"]) >= 0
    assert json.loads(result.history[1].read_text())[1]["dice"] == float(rows[1]["dice"])
    record = read_provenance(result.model)
    assert record.operation == "train" and set(record.inputs) == {"P.aisproj", "TS_01.mrc"}
    assert record.arguments["params"]["box_size"] == 16 and record.notes["hardware"]["precision"] in ("bf16", "fp32")
    assert not list(tmp_path.glob("*.checkpoint")) and not list(tmp_path.glob(".*part*"))
    assert any("probabilities" in line for line in check_model(result.model))


def test_the_same_again_is_the_same_file(project, tmp_path):
    one = train(project, "ball", tmp_path / "1.aismodel", PARAMS)
    two = train(project, "ball", tmp_path / "2.aismodel", PARAMS)
    assert one.model.read_bytes() == two.model.read_bytes()


def test_boxes_of_a_person_are_used(project, tmp_path):
    with Project.open(project) as opened:
        opened.add_boxes("TS_01", "ball", [Box((9, y, x)) for y in (16, 48) for x in (16, 32, 48)])
    params = TrainParams(architecture="vggnet_s", epochs=1, batch=4, box_size=16, validation="none")
    card = ais_app.load_model(train(project, "ball", tmp_path / "b.aismodel", params).model).card
    assert card.training["data"]["boxes"]["placed by a person"] == 6
    assert card.training["data"]["boxes"]["placed on labels"] == 0


def test_planes_painted_in_xz_are_said_not_to_be_learnt_from(project):
    with Project.open(project) as opened:
        entry, feature = opened.tomograms[0], opened.features[0]
        opened.labels(entry, feature).mark("y", 12)
        with pytest.warns(DataWarning, match="1 planes of .* were annotated in XZ or YZ; networks learn from XY"):
            labelled_tomograms(opened, feature.name)


def test_going_on_from_a_parent(project, tmp_path):
    parent = train(project, "ball", tmp_path / "a.aismodel", PARAMS).model
    child = train(project, "ball", tmp_path / "b.aismodel", PARAMS, parent=parent).model
    record = ais_app.load_model(child).card.training
    assert record["parent"]["fingerprint"] == describe_model(parent)["fingerprint"]
    assert "a.aismodel" in read_provenance(child).inputs
    before = parent.read_bytes()
    with pytest.raises(ParameterProblem, match=r"a\.aismodel: is an input; it would be overwritten"):
        train(project, "ball", parent, PARAMS, parent=parent)
    assert parent.read_bytes() == before


def test_what_is_missing_is_named(project, tmp_path):
    out = tmp_path / "x.aismodel"
    with pytest.raises(ParameterProblem, match="either a project or a training set"):
        train(None, None, out, PARAMS)
    with pytest.raises(ParameterProblem, match="name of a feature"):
        train(project, None, out, PARAMS)
    with pytest.raises(ProjectProblem, match="ball"):
        train(project, "membrane", out, PARAMS)
    with pytest.raises(FileProblem):
        train(tmp_path / "none.aisproj", "ball", out, PARAMS)
    with pytest.raises(ModelProblem, match="known: .*unet_l"):
        train(project, "ball", out, TrainParams(architecture="resnet_900"))
    with Project.open(project) as opened:
        opened.add_feature("empty")
    with pytest.raises(ProjectProblem, match="neither annotated slices nor boxes"):
        train(project, "empty", out, PARAMS)
    with pytest.raises(FileProblem, match="train from the start"):
        train(project, "ball", out, PARAMS, resume=True)
    assert not out.exists()


def tar_set(path, tomograms=("a", "a", "b"), size=16, depth=1, empty=False):
    """Write a training set as Ais 1.2 does."""
    random = np.random.default_rng(0)
    members = {"metadata.json": {"format_version": 1, "apix": 12.5, "box_size": size, "features": ["ball"]}}
    sources = {}
    for i in range(0 if empty else 12):
        name = f"{i:016x}"
        label = np.zeros((size, size), np.float32)
        label[4:12, 4:12] = i % 2
        label[:2] = 2
        box = random.normal(50, 3, (depth, size, size)).astype(np.float32) - 9 * (label == 1)
        sources[name] = {"aisTomogramName": tomograms[i % len(tomograms)], "aisNegative": False}
        members[f"x_main/{name}.mrc"], members[f"y/{name}.mrc"] = box.astype(np.float32), label
    members["sources.json"] = sources
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            if isinstance(content, dict):
                data = json.dumps(content).encode()
            else:
                with mrcfile.new(path.with_suffix(".mrc"), content, overwrite=True):
                    pass
                data = path.with_suffix(".mrc").read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def test_training_sets_of_ais(tmp_path):
    params = TrainParams(architecture="vggnet_s", epochs=1, batch=4, box_size=16, depth=3)
    result = train(None, None, tmp_path / "s.aismodel", params, training_set=tar_set(tmp_path / "s.scnt", depth=3))
    card = ais_app.load_model(result.model).card
    assert (card.feature, card.voxel_size, card.contrast, card.depth) == ("ball", 12.5, -1, 3)
    assert result.held_out == "held out by tomogram: b" and "dice" in result.metrics


def test_older_training_sets_of_ais(tmp_path):
    random = np.random.default_rng(0)
    stack = random.normal(0, 1, (8, 2, 16, 16)).astype(np.float32)
    stack[:, 1] = stack[:, 0] > 1
    tifffile.imwrite(tmp_path / "old.scnt", stack, description="apix=9.5")
    params = TrainParams(architecture="vggnet_s", epochs=1, batch=4, box_size=16)
    result = train(None, "spot", tmp_path / "o.aismodel", params, training_set=tmp_path / "old.scnt")
    card = ais_app.load_model(result.model).card
    assert (card.feature, card.voxel_size, card.contrast) == ("spot", 9.5, 1)
    assert result.held_out.startswith("nothing is held out")


def test_training_sets_that_cannot_be_used(tmp_path):
    def message(file, **options):
        params = TrainParams(**{"architecture": "vggnet_s", "epochs": 1, "box_size": 16, **options})
        with pytest.raises((FileProblem, ParameterProblem)) as caught:
            train(None, None, tmp_path / "x.aismodel", params, training_set=file)
        return str(caught.value)

    good = tar_set(tmp_path / "good.scnt")
    assert "box size of 16 and a depth of 1" in message(good, box_size=32)
    assert "empty.scnt" in message(tar_set(tmp_path / "empty.scnt", empty=True))
    assert "cannot be held out" in message(tar_set(tmp_path / "one.scnt", ("a",)), validation="slab")
    (tmp_path / "cut.scnt").write_bytes(good.read_bytes()[:3000])
    (tmp_path / "junk.scnt").write_bytes(b"junk" * 500)
    (tmp_path / "void.scnt").write_bytes(b"")
    for name in ("cut", "junk", "void"):
        assert "training set of Ais" in message(tmp_path / f"{name}.scnt")
    assert "No such file" in message(tmp_path / "none.scnt")


def test_architectures_and_their_cost():
    found = {item.name: item for item in list_architectures()}
    assert found["vggnet_m"].parameters == 5_053_955 and found["unet_l"].parameters == 38_791_489
    # thousand multiply-adds per pixel as published: 616, 171, 259, 1137
    cost = {name: round(item.operations_per_pixel / 1000) for name, item in found.items()}
    published = {"vggnet_m": 616, "vggnet_s": 171, "unet_s": 259, "unet_l": 1137}
    assert {name: cost[name] for name in published} == published
    deeper = {item.name: item for item in list_architectures(depth=5)}
    assert deeper["vggnet_m"].parameters == 5_058_563


def test_a_model_with_broken_weights_is_found_out(tmp_path):
    from ais_app.core.model.card import ModelCard
    from ais_app.core.model.package import new_model, save_model

    model = new_model(ModelCard("unet_s"))
    with torch.no_grad():
        model.network.body.head.weight[0, 0] = float("nan")
    with pytest.raises(ModelProblem, match="not finite"):
        check_model(save_model(model, tmp_path / "nan.aismodel"))
