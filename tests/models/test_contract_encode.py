"""The contract of architectures that encode cubes: every one, also one added later, passes all of this."""

import importlib

import pytest
import torch
from ais_app.models import Architecture

from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architecture, architectures
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.operations.models import check_model

EDGE, CODE = 16, 6


@pytest.fixture(params=sorted(n for n, r in architectures().items() if r.task == "encode"), scope="module")
def record(request: pytest.FixtureRequest) -> Architecture:
    return architecture(request.param)


def card(record: Architecture, **more: int) -> ModelCard:
    return ModelCard(record.name, {**record.parameters, "size": EDGE, "code": CODE, **more})


@pytest.fixture(scope="module")
def network(record: Architecture):
    torch.manual_seed(0)
    return new_model(card(record)).network


def test_describes_itself(record: Architecture):
    assert record.name.isidentifier() and record.title and record.source
    assert record.dimension == 3


def test_forward_and_backward(network):
    x = torch.randn(2, EDGE, EDGE, EDGE).requires_grad_()
    decoded = network.train()(x)
    assert decoded.shape == x.shape and decoded.dtype == torch.float32
    decoded.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert x.grad.abs().sum() > 0, "the input reaches the output"


def test_is_its_encoder_and_its_decoder(network):
    x = torch.randn(3, EDGE, EDGE, EDGE)
    with torch.inference_mode():
        code = network.eval().encode(x)
        assert code.shape == (3, CODE) and code.min() >= 0 and code.std(0).max() > 0
        assert torch.equal(network.decode(code), network(x))
        assert torch.equal(network.features(x), code)
        assert 0.001 < network(x).std() < 100


def test_wrong_input_is_refused_with_the_right_one(network):
    for shape in [(EDGE,) * 3, (1, EDGE, EDGE, EDGE + 4)]:
        with pytest.raises(ModelProblem, match=rf"\(n, {EDGE}, {EDGE}, {EDGE}\)"):
            network(torch.zeros(shape))


def test_sizes(record: Architecture):
    for size in (record.stride, 20):
        with torch.device("meta"):
            body = record.build(size=size)
            assert body(torch.empty(1, size, size, size)).shape == (1, size, size, size)
    with pytest.raises(ModelProblem, match=f"multiple of {record.stride}"):
        new_model(card(record, size=EDGE + 1))


def test_saved_by_name_and_parameters(record: Architecture, tmp_path):
    model = new_model(card(record))
    path = save_model(model, tmp_path / "n.aismodel")
    assert "cubes of the same size" in check_model(path)[-1]
    again = load_model(path)
    assert again.card == model.card and again.architecture is record
    x = torch.randn(1, EDGE, EDGE, EDGE)
    with torch.inference_mode():
        assert torch.equal(again.network(x), model.network.eval()(x))


def test_what_does_not_suit_is_named(record: Architecture, network):
    with pytest.raises(ModelProblem, match="does not take"):
        new_model(ModelCard(record.name, {"no_such": 1}))
    with pytest.raises(ModelProblem, match="depth = 3 does not suit"):
        new_model(ModelCard(record.name, dict(record.parameters), depth=3))
    with pytest.raises(ModelProblem, match="an encoder without a classifier"):
        network.logits(torch.zeros(1, EDGE, EDGE, EDGE))


def test_parameters_are_those_of_the_paper_and_of_its_own_description(record: Architecture):
    with torch.device("meta"):
        body = record.build()
    count = sum(w.numel() for w in body.state_dict().values() if w.is_floating_point())
    assert count == {"autoencoder3d": 1_149_793}.get(record.name, count)
    assert f"{count:,}" in (importlib.import_module(record.build.__module__).__doc__ or "")


def test_classifier_beside_the_decoder():
    with torch.device("meta"):
        body = architecture("autoencoder3d").build(code=128, classes=2)
    assert sum(w.numel() for w in body.state_dict().values() if w.is_floating_point()) == 6_475_203
    network = new_model(ModelCard("autoencoder3d", {"size": 8, "code": 4, "classes": 3})).network
    x = torch.randn(4, 8, 8, 8)
    network.logits(x).square().sum().backward()
    assert network.logits(x).shape == (4, 3) and network(x).shape == x.shape
    assert network.body.to_code[0].weight.grad is None, "the classifier does not see the code"
    assert network.body.trunk[0][0][0].weight.grad.abs().sum() > 0, "but the convolutions learn from both"
