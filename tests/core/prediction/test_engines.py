"""Engines agree with torch in float32, or torch computes instead and says so."""

import logging

import numpy as np
import pytest
import torch
from torch import nn

from ais_app.core.errors import ModelProblem
from ais_app.core.model.network import Network
from ais_app.core.prediction import engines
from ais_app.core.prediction.engines import engine_for, footprint, probe
from ais_app.core.prediction.engines.openvino_engine import OpenVinoEngine
from ais_app.core.prediction.engines.torch_engine import TorchEngine


def small(depth=1):
    torch.manual_seed(3)
    body = nn.Sequential(
        nn.Conv2d(depth, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1),
        nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 1, 2, stride=2),
    )  # fmt: skip
    return Network(body, depth, 2).eval()


def expected(network, x):
    with torch.inference_mode():
        return network(torch.from_numpy(x)).numpy()[:, 0]


@pytest.mark.parametrize("depth", [1, 3])
def test_openvino_gives_what_torch_gives_at_any_size(depth):
    network = small(depth)
    exact, fast = OpenVinoEngine(network, "float32"), OpenVinoEngine(network)
    assert exact.name.endswith("on CPU, float32")
    for shape in [(1, 64, 96), (2, 34, 22)]:
        x = np.random.default_rng(1).normal(size=(shape[0], depth, *shape[1:])).astype(np.float32)
        np.testing.assert_allclose(exact.infer(x), expected(network, x), atol=1e-5)
        np.testing.assert_allclose(fast.infer(x), expected(network, x), atol=0.02)


def test_torch_precisions():
    network, x = small(), probe(1, 2)
    np.testing.assert_allclose(TorchEngine(network, "float32").infer(x), expected(network, x), atol=1e-6)
    answer = TorchEngine(network).infer(x)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, expected(network, x), atol=0.02)


def test_a_wrong_engine_is_replaced_by_torch_and_named(monkeypatch, caplog):
    right = OpenVinoEngine.infer
    monkeypatch.setattr(OpenVinoEngine, "infer", lambda self, x: right(self, x) * 0.9)
    network = small()
    assert engine_for(network).name.startswith("torch")
    assert "differs from torch by 0.0" in caplog.text
    assert "torch computes it instead" in caplog.text
    with pytest.raises(ModelProblem, match="differs from torch"):
        engine_for(network, "openvino")


def test_answers_that_are_no_numbers_are_wrong(monkeypatch):
    monkeypatch.setattr(OpenVinoEngine, "infer", lambda self, x: np.full(x[:, 0].shape, np.nan, np.float32))
    assert engine_for(small()).name.startswith("torch")


class DataDependent(nn.Module):
    """Cannot be exported: what it computes depends on the values."""

    def forward(self, x):
        return x if x.sum().item() > 0 else -x


def test_a_network_that_cannot_be_exported_is_computed_by_torch(caplog):
    network = Network(nn.Sequential(nn.Conv2d(1, 1, 1), DataDependent()), 1, 1).eval()
    assert engine_for(network).name.startswith("torch")
    assert "cannot be exported" in caplog.text
    with pytest.raises(ModelProblem, match="cannot be exported"):
        engine_for(network, "openvino")


def test_without_openvino_torch_computes(monkeypatch, caplog):
    monkeypatch.setattr("ais_app.core.prediction.engines.openvino_engine.is_installed", lambda: False)
    network = small()
    assert engine_for(network).name.startswith("torch")
    assert not caplog.records
    with pytest.raises(ModelProblem, match="not installed"):
        engine_for(network, "openvino")


def test_engines_are_kept_until_weights_change():
    network, x = small(), probe(1, 2)
    first = engine_for(network, precision="float32")
    assert engine_for(network, precision="float32") is first
    with torch.no_grad():
        network.body[0].weight *= 3
    second = engine_for(network, precision="float32")
    assert second is not first
    np.testing.assert_allclose(second.infer(x), expected(network, x), atol=1e-5)


def test_weights_in_training_are_previewed_by_torch_as_they_are():
    network, x = small().train(), probe(1, 2)
    average = network.body[4].running_mean.clone()
    before = engine_for(network).infer(x)
    footprint(network)
    assert network.training
    assert network.body[4].training
    assert torch.equal(network.body[4].running_mean, average)
    with torch.no_grad():
        network.body[0].weight += 1
    assert abs(engine_for(network).infer(x) - before).max() > 0.05


@pytest.mark.parametrize(("engine", "precision"), [("onnx", "auto"), ("auto", "float64")])
def test_unknown_names_are_refused(engine, precision):
    with pytest.raises(ModelProblem, match="not known"):
        engine_for(small(), engine, precision)


def test_exporting_is_silent(capfd, caplog):
    with caplog.at_level(logging.INFO):
        OpenVinoEngine(small())
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_footprint_is_that_of_the_widest_layers():
    # 8 maps in, 8 out at half size; 1 in, 8 out at full size; ReLU 8 and 8
    assert footprint(small()).values_per_pixel == pytest.approx(1.5 * 16)
    assert engines.TOLERANCE == 0.01
