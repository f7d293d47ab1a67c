"""Models of Ais as packages: written, replayed, segmented with, fine-tuned."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

import ais_app
from ais_app.core.errors import FileProblem, ModelProblem, ParameterProblem
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.import_model import import_model
from ais_app.operations.models import check_model, describe_model
from ais_app.operations.replay import replay
from ais_app.operations.train import train
from ais_app.state.project import Project

DATA = Path(__file__).parent.parent / "data" / "ais_models"
MODEL = DATA / "mini_bn.scnm"


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    return import_model(MODEL, tmp_path_factory.mktemp("network") / "mt.aismodel").models[0]


@pytest.fixture
def group(tmp_path) -> Path:
    path = tmp_path / "both.scnmgroup"
    with tarfile.open(path, "w") as tar:
        tar.add(MODEL, "both_model_0.scnm")
        tar.add(MODEL, "both_model_1.scnm")
        (tmp_path / "rules").write_text("[]")
        tar.add(tmp_path / "rules", "both_interactions.json")
    return path


def test_a_package_that_works_everywhere(network):
    assert describe_model(network)["feature"] == "mini_bn"
    assert "11,697 numbers fit keras_graph and are finite" in check_model(network)
    # no program travels with it
    assert ais_app.load_model(network).source == ""
    assert ais_app.load_model(network).architecture.imported, "no choice for a new training"


def test_provenance_makes_it_again(network):
    done = replay(network)
    assert done.identical


def test_a_slice_comes_out_as_in_keras(network):
    """Through normalisation, mirrored border, windows and engine; away from the border, where Keras pads with zeros."""
    with np.load(DATA / "mini_bn_reference.npz") as reference:
        x, expected = reference["x_full"][0, ..., 0], reference["y_full"][0, ..., 0]
    x = (x - x.mean()) / x.std() * 7 + 30
    tomogram = Tomogram(np.stack([x] * 3).astype(np.float32), (15.68,) * 3)
    model = ais_app.load_model(network)
    for tile in (0, 48):
        params = PredictionParams(engine="torch", precision="float32", tta=1, tile=tile or None)
        found = predict_slab(model, tomogram, 1, params=params)
        inside = np.s_[8:-8, 8:-8]
        # the reference's own slice has a mean and a deviation that differ from 0 and 1 in the fourth digit
        assert np.abs(found[inside] - expected[inside]).max() < 2e-3


def test_openvino_computes_it(network):
    model = ais_app.load_model(network)
    engine = engine_for(model.network, "openvino", "float32")
    with np.load(DATA / "mini_bn_reference.npz") as reference:
        x, expected = reference["x64"].transpose(0, 3, 1, 2), reference["y64"][..., 0]
    assert np.abs(engine.infer(np.ascontiguousarray(x)) - expected).max() < 1e-4


def test_fine_tuning_goes_on_from_it(network, tmp_path):
    random = np.random.default_rng(0)
    labels = np.zeros((12, 64, 64), np.uint8)
    labels[:, 20:40, 20:40] = 1
    image = (random.normal(0, 0.5, labels.shape) - labels).astype(np.float32)
    ais_app.write_volume(tmp_path / "TS.mrc", image, like=Tomogram(image, (15.68,) * 3))
    with Project.create(tmp_path / "P.aisproj") as project:
        project.add_tomogram(tmp_path / "TS.mrc")
        project.import_labels("TS", "square", labels, slices=[2, 5, 8])
    params = TrainParams(epochs=2, draws=2, batch=4, boxes=8, box_size=16, device="cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        done = train(tmp_path / "P.aisproj", "square", tmp_path / "s.aismodel", params, parent=network)
    finally:
        torch.set_num_threads(threads)
    tuned, before = ais_app.load_model(done.model), ais_app.load_model(network)
    assert tuned.card.architecture == "keras_graph" and tuned.card.feature == "square"
    assert tuned.card.parameters == before.card.parameters
    assert tuned.card.training["parent"]["feature"] == "mini_bn"
    pairs = zip(tuned.network.parameters(), before.network.parameters(), strict=True)
    moved = [float((after - start).detach().abs().max()) for after, start in pairs]
    assert 0 < max(moved) < 0.1, "it starts from the imported weights"


def test_a_group_becomes_a_folder(group, tmp_path):
    done = import_model(group, tmp_path / "out")
    assert [path.name for path in done.models] == ["mini_bn.aismodel", "mini_bn 2.aismodel"]
    assert done.interactions is None
    assert done.models[0].read_bytes() != MODEL.read_bytes()
    again = replay(done.models[1])
    assert again.identical
    one = import_model(group, tmp_path / "one.aismodel", member=2)
    assert one.models[0].read_bytes() == done.models[1].read_bytes()
    with pytest.raises(ParameterProblem, match="3 of 2"):
        import_model(group, tmp_path / "one.aismodel", member=3)


def test_interactions_are_written_for_segment(tmp_path):
    from_ais = [{"parent_title": "b", "partner_title": "a", "type": 1, "radius": 10, "threshold": 0.5}]
    with tarfile.open(MODEL) as tar:
        contents = {info.name: tar.extractfile(info).read() for info in tar}
    path = tmp_path / "g.scnmgroup"
    with tarfile.open(path, "w") as outer:
        for title in "ab":
            with tarfile.open(tmp_path / "inner", "w") as inner:
                for name, content in contents.items():
                    if name.endswith(".json"):
                        content = json.dumps({**json.loads(content), "title": title}).encode()
                    (tmp_path / "member").write_bytes(content)
                    inner.add(tmp_path / "member", name)
            outer.add(tmp_path / "inner", f"g_model_{title}.scnm")
        (tmp_path / "rules").write_text(json.dumps(from_ais))
        outer.add(tmp_path / "rules", "g_interactions.json")
    done = import_model(path, tmp_path / "out")
    assert done.interactions == tmp_path / "out" / "g_interactions.json"
    (step,) = InteractionGraph.load(done.interactions).steps
    assert (step.kind, step.child, step.parent, step.radius) == ("avoid", "b", "a", 100.0)


def test_nobody_elses_network_is_overwritten(network, tmp_path):
    mine = tmp_path / "mini_bn.aismodel"
    model = ais_app.load_model(network)
    ais_app.save_model(ais_app.Model(model.network, type(model.card)("vggnet_s")), mine)
    before = mine.read_bytes()
    for _ in range(2):  # the same import again takes its old place
        assert import_model(MODEL, tmp_path).models == (tmp_path / "mini_bn 2.aismodel",)
    assert mine.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*.aismodel")) == ["mini_bn 2.aismodel", "mini_bn.aismodel"]


def test_what_cannot_be_imported(group, tmp_path):
    with pytest.raises(ParameterProblem, match="no model of Ais by its name"):
        import_model(tmp_path / "x.h5", tmp_path / "x.aismodel")
    with pytest.raises(ParameterProblem, match="no name of a model package"):
        import_model(MODEL, tmp_path / "x.onnx")
    with pytest.raises(ParameterProblem, match="a group becomes several"):
        import_model(group, tmp_path / "x.aismodel")
    with pytest.raises(FileProblem):
        import_model(tmp_path / "none.scnm", tmp_path / "x.aismodel")
    (tmp_path / "bad.scnm").write_bytes(MODEL.read_bytes()[:5000])
    with pytest.raises((FileProblem, ModelProblem)):
        import_model(tmp_path / "bad.scnm", tmp_path / "x.aismodel")
    assert not list(tmp_path.glob("*.aismodel"))


def test_a_file_of_ais_that_is_used_as_it_is_gets_a_hint():
    with pytest.raises(ModelProblem, match="ais-app models import"):
        ais_app.load_model(MODEL)


def test_on_the_command_line(ais, group, tmp_path):
    code, out, _ = ais("models", "import", MODEL, tmp_path / "mt.aismodel")
    assert code == 0 and out.strip() == str(tmp_path / "mt.aismodel")
    code, out, _ = ais("models", "info", tmp_path / "mt.aismodel")
    assert code == 0 and "14 layers" in out and "Ais" in out
    code, out, _ = ais("models", "import", group, tmp_path / "all")
    assert code == 0 and len(out.splitlines()) == 2
    code, _, err = ais("models", "import", tmp_path / "none.scnm", tmp_path / "x.aismodel")
    assert code == 1 and "none.scnm: No such file" in err
