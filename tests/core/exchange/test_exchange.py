"""Networks handed on and taken back: ONNX, and packages that the BioImage Model Zoo's own programs find in order."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import pytest
import torch

import ais_app
from ais_app.core.errors import FileProblem, ModelProblem, ParameterProblem
from ais_app.core.exchange.bioimage import About, read_bioimage
from ais_app.core.exchange.onnx_model import model_from_onnx, onnx_bytes
from ais_app.core.exchange.runners import difference
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, load_source, new_model, save_model
from ais_app.core.model.source import run_architecture
from ais_app.core.prediction.normalise import Normalisation

OWN = """
from ais_app.models import Architecture
from torch import nn
ARCHITECTURE = Architecture("own", "Own", 2, 1, 3, lambda depth=1: nn.Conv2d(depth, 1, 3, padding=1))
"""


pytestmark = pytest.mark.usefixtures("one_thread")


def made(card, path):
    torch.manual_seed(0)
    return save_model(new_model(card), path)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    card = ModelCard("unet_s", depth=3, feature="membrane", voxel_size=10.0, threshold=0.4)
    return made(card, tmp_path_factory.mktemp("m") / "membrane.aismodel")


@pytest.fixture(scope="module")
def exported(package):
    return ais_app.export_model(package, package.with_name("membrane.onnx"))


@pytest.fixture(scope="module")
def bioimage(package):
    return ais_app.export_model(package, package.with_name("membrane.zip"), About("A. Person", "CC0-1.0")).path


def same(one, two):
    assert one.card == two.card
    pairs = zip(one.network.state_dict().items(), two.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for (name, a), b in pairs if "num_batches" not in name)


@pytest.mark.parametrize("program", ["onnxruntime", "openvino"])
def test_other_programs_compute_the_same(package, exported, program):
    name, worst = difference(load_model(package).network, exported.path.read_bytes(), program)
    assert program in name.lower().replace(" ", "") and worst < 1e-5


def test_onnx_and_back(package, exported, tmp_path):
    assert exported.difference < 1e-5 and exported.checked_with.startswith("ONNX Runtime")
    again = load_model(ais_app.import_exchanged(exported.path, tmp_path))
    assert same(again, load_model(package)) and not again.network.training


NORMALISED = OWN.replace("nn.Conv2d(depth, 1, 3, padding=1)", "nn.Sequential(nn.Conv2d(depth, 4, 3, padding=1, "
                         "bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))")  # fmt: skip


@pytest.mark.parametrize(("name", "source"), [("own", NORMALISED), ("edss3d", "")])
def test_running_means_and_volumes_come_along(name, source):
    torch.manual_seed(0)
    model = new_model(ModelCard(name), source=source)
    model.network.train()
    with torch.no_grad():
        model.network(torch.randn(2, model.architecture.stride if name == "edss3d" else 1, 32, 32))
    model.network.eval()
    content = onnx_bytes(model)
    assert difference(model.network, content)[1] < 1e-4
    assert same(model_from_onnx("x", content, trust_source=True), model)


def test_what_computes_something_else_is_not_written(package, exported, tmp_path, monkeypatch):
    one = exported.path.read_bytes()
    other = new_model(ModelCard("unet_s", depth=3))
    other.network.eval()
    with pytest.raises(ModelProblem, match="differs from PyTorch"):
        difference(other.network, one)
    monkeypatch.setattr("ais_app.core.exchange.onnx_model.onnx_bytes", lambda model: b"not ONNX")
    with pytest.raises(ModelProblem, match="cannot read the network"):
        ais_app.export_model(package, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_nothing_to_check_with_is_said(package, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for wanted in ("onnxruntime", "auto"):
        with pytest.raises(ModelProblem, match=r"nothing can check it.*ais-app\[exchange\]"):
            difference(load_model(package).network, b"", wanted)


def test_files_from_elsewhere_are_refused_by_name(exported, tmp_path):
    proto = onnx.load(exported.path)
    del proto.metadata_props[:]
    proto.producer_name = "keras2onnx"
    with pytest.raises(ModelProblem, match="was written by keras2onnx: it holds a graph and no model card"):
        model_from_onnx("x", proto.SerializeToString())
    for content in (b"", b"abc" * 100, exported.path.read_bytes()[:-1000]):
        with pytest.raises(ModelProblem):
            model_from_onnx("x", content)
    for name in ("x.h5", "x"):
        with pytest.raises(ParameterProblem, match="is not known"):
            ais_app.import_exchanged(tmp_path / name, tmp_path)
    for name in ("x.onnx", "x.zip"):
        with pytest.raises(FileProblem, match="check the name"):
            ais_app.import_exchanged(tmp_path / name, tmp_path)


def test_weights_that_do_not_fit(exported):
    proto = onnx.load(exported.path)
    first = next(entry for entry in proto.graph.initializer if entry.name.endswith("head.weight"))
    first.CopyFrom(onnx.numpy_helper.from_array(np.zeros((2, 2), np.float32), first.name))
    with pytest.raises(ModelProblem, match="do not fit unet_s"):
        model_from_onnx("x", proto.SerializeToString())
    first.name = "other"
    with pytest.raises(ModelProblem, match="has no weights body.head.weight"):
        model_from_onnx("x", proto.SerializeToString())


def test_a_program_goes_along_and_waits_for_a_yes(tmp_path):
    torch.manual_seed(0)
    package = save_model(new_model(ModelCard("own"), source=OWN), tmp_path / "own.aismodel")
    run_architecture.cache_clear()
    with pytest.raises(ModelProblem, match="was not run"):
        ais_app.export_model(package, tmp_path / "own.onnx")
    for suffix in (".onnx", ".zip"):
        path = ais_app.export_model(package, tmp_path / f"own{suffix}", trust_source=True).path
        with pytest.raises(ModelProblem, match="was not run"):
            ais_app.import_exchanged(path, tmp_path / "again.aismodel")
        assert load_source(ais_app.import_exchanged(path, tmp_path / "again.aismodel", trust_source=True)) == OWN


JUDGE = """
import json, sys
import bioimageio.core
for path in sys.argv[1:]:
    found = bioimageio.core.test_model(path, format_version="latest")
    print(json.dumps(["verdict", found.status, [str(detail.errors) for detail in found.details if detail.errors]]))
"""


def test_the_zoos_own_program_finds_it_in_order(bioimage, tmp_path):
    """In a program of its own: what it imports warns about itself."""
    paths = [bioimage]
    card = ModelCard("own", feature="Y-complex", normalisation=Normalisation("slice"))
    other = save_model(new_model(card, source=OWN), tmp_path / "m.aismodel")
    paths.append(ais_app.export_model(other, tmp_path / "slice.zip", trust_source=True).path)
    done = subprocess.run([sys.executable, "-c", JUDGE, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["verdict')] == [
        ["verdict", "passed", []]
    ] * 2


def test_bioimage_and_back(package, bioimage, tmp_path):
    assert same(load_model(ais_app.import_exchanged(bioimage, tmp_path)), load_model(package))
    with zipfile.ZipFile(bioimage) as file:
        rdf = json.loads(file.read("rdf.yaml"))
        assert np.load(io.BytesIO(file.read("test_input.npy"))).shape[1] == 3
    assert rdf["authors"] == [{"name": "A. Person"}] and rdf["license"] == "CC0-1.0"
    assert rdf["inputs"][0]["axes"][3]["size"] == {"min": 28, "step": 4}


def rewritten(bioimage, path, change, **members):
    with zipfile.ZipFile(bioimage) as old, zipfile.ZipFile(path, "w") as new:
        rdf = json.loads(old.read("rdf.yaml"))
        new.writestr("rdf.yaml", json.dumps(change(rdf) or rdf))
        for name, content in members.items():
            new.writestr(name, content)
    return path


def state_dict(**architecture):
    def change(rdf):
        rdf["weights"] = {"pytorch_state_dict": {"source": "weights", "architecture": architecture}}

    return change


def test_a_state_dict_of_a_known_architecture(package, bioimage, tmp_path):
    model = load_model(package)
    stream = io.BytesIO()
    torch.save(model.network.body.state_dict(), stream)
    change = state_dict(import_from="ais_app.models.unet_s", callable="build", kwargs={"depth": 3})
    path = rewritten(bioimage, tmp_path / "x.zip", change, weights=stream.getvalue())
    assert same(read_bioimage(path), model)

    def without_card(rdf):
        change(rdf)
        rdf["config"] = {}

    again = read_bioimage(rewritten(bioimage, path, without_card, weights=stream.getvalue()))
    assert (again.card.architecture, again.card.depth) == ("unet_s", 3)
    assert again.card.feature == "membrane in cryo-electron tomograms"


class Evil:
    def __reduce__(self):
        return exec, ("open('ran', 'w')",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (state_dict(import_from="their_library", callable="UNet"), "needs 'UNet' from a Python program of its own"),
        (state_dict(source="unet.py", callable="UNet"), "which is not run"),
        (state_dict(import_from="ais_app.models.none", callable="build"), "its weights 'none'"),
        (state_dict(import_from="ais_app.models.unet_s", callable="build", kwargs={"depth": "3"}), "depth|not fit"),
        (state_dict(import_from="ais_app.models.unet_s", callable="build"), "do not fit"),
        (lambda rdf: rdf.update(weights={"torchscript": {"source": "x"}}), "holds torchscript, which cannot be opened"),
        (lambda rdf: rdf.update(weights=None), "holds no weights"),
        (lambda rdf: rdf.update(type="dataset"), "describes no model"),
        (lambda rdf: rdf["weights"]["onnx"].update(source="https://example.org/w.onnx"), "weights are elsewhere"),
        (lambda rdf: rdf["weights"]["onnx"].update(source="../w.onnx"), "weights are elsewhere"),
        (lambda rdf: rdf["weights"]["onnx"].update(source="none.onnx"), "has no none.onnx"),
    ],
)
def test_other_packages_are_refused_by_name_and_run_nothing(bioimage, tmp_path, monkeypatch, change, words):
    import pickle

    monkeypatch.chdir(tmp_path)
    path = rewritten(bioimage, tmp_path / "x.zip", change, weights=pickle.dumps(Evil()))
    with pytest.raises(ModelProblem, match=words):
        read_bioimage(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", [b"\xff\xfe", b"a: [", b"- 1", b"a: &a [1]\nb: *a", b"!!python/object:os.system x"])
def test_descriptions_that_are_none(text, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("rdf.yaml", text)
    with pytest.raises(ModelProblem):
        read_bioimage(tmp_path / "x.zip")
    (tmp_path / "y.zip").write_bytes(text)
    with pytest.raises(ModelProblem, match="no zip file"):
        read_bioimage(tmp_path / "y.zip")


def test_command_line(ais, tmp_path):
    package = made(ModelCard("eman2"), tmp_path / "m.aismodel")
    code, out, err = ais("models", "export", package, tmp_path / "m.onnx", "--check-with", "openvino")
    assert code == 0 and "OpenVINO" in out, err
    code, out, err = ais("models", "import", tmp_path / "m.onnx", tmp_path / "again.aismodel")
    assert code == 0 and out.strip() == str(tmp_path / "again.aismodel"), err
    code, _, err = ais("models", "export", package, tmp_path / "m.pt")
    assert code == 1 and "give .onnx" in err
    with pytest.raises(ModelProblem, match="works on volumes"):
        ais_app.export_model(made(ModelCard("edss3d"), tmp_path / "v.aismodel"), tmp_path / "v.zip")
