"""The contract of architectures that classify cubes: every one, also one added later, passes all of this."""

import importlib

import pytest
import torch
from ais_app.models import Architecture
from torch import nn

from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architecture, architectures
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.prediction.engines import engine_for
from ais_app.operations.models import check_model

# weights and batch statistics for cubes of 40 voxels and 23 classes
COUNTS = {
    "dsrf3d": 33_237_559,
    "dsrf3d_v2": 18_316_599,
    "inception3d": 18_206_983,
    "rb3d": 263_334_103,
    "rb3d_pooled": 121_815,
    "cb3d": 61_309_335,
    "classifier3d": 862_711,
    "sphereface3d": 49_138_880,
    "openset3d": 879_712,
}
EDGE, CLASSES = 16, 3


@pytest.fixture(params=sorted(n for n, r in architectures().items() if r.task == "classify"), scope="module")
def record(request: pytest.FixtureRequest) -> Architecture:
    return architecture(request.param)


def card(record: Architecture) -> ModelCard:
    size = {"size": EDGE} if "size" in record.parameters else {}
    return ModelCard(record.name, {**record.parameters, **size, "classes": CLASSES})


@pytest.fixture(scope="module")
def model(record: Architecture):
    torch.manual_seed(0)
    return new_model(card(record))


@pytest.fixture(scope="module")
def network(model):
    return model.network


def test_describes_itself(record: Architecture):
    assert record.name.isidentifier() and record.title and record.source
    assert record.dimension == 3 and record.parameters["classes"] == 23


def test_forward_and_backward(network):
    x = torch.randn(2, EDGE, EDGE, EDGE).requires_grad_()
    network.train()
    logits = network.logits(x)
    assert logits.shape == (2, CLASSES) and logits.dtype == torch.float32
    logits.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert x.grad.abs().sum() > 0, "the input reaches the output"
    network.zero_grad(set_to_none=True)


def test_probabilities_and_features(network):
    x = torch.randn(3, EDGE, EDGE, EDGE)
    with torch.inference_mode():
        logits = network.eval().logits(x)
        assert torch.equal(network(x), torch.softmax(logits, dim=1))
        found = network.features(x)
        with torch.autocast("cpu", torch.bfloat16):
            assert network(x).dtype == torch.float32
    assert found.shape[0] == 3 and found.ndim == 2 and found.std(0).max() > 0, "cubes differ in their features"
    assert 0.001 < logits.std() < 100


def test_wrong_input_is_refused_with_the_right_one(network):
    wanted = r"\(n, d, h, w\)" if network.size is None else rf"\(n, {EDGE}, {EDGE}, {EDGE}\)"
    with pytest.raises(ModelProblem, match=wanted):
        network(torch.zeros(EDGE, EDGE, EDGE))
    if network.size is None:
        with pytest.raises(ModelProblem, match=f"at least {network.smallest} voxels"):
            network(torch.zeros(1, network.smallest - 1, EDGE, EDGE))
    else:
        with pytest.raises(ModelProblem, match=wanted):
            network(torch.zeros(1, EDGE, EDGE, EDGE + 1))


def test_takes_the_sizes_it_says(record: Architecture, network):
    with torch.inference_mode():
        if network.size is None:
            for shape in [(network.smallest,) * 3, (17, 19, 18)]:
                assert network.eval().logits(torch.zeros(1, *shape)).shape == (1, CLASSES)
            return
    for size in (network.smallest, 19):
        with torch.device("meta"):
            body = record.build(size=size, classes=CLASSES).eval()
            assert body(torch.empty(1, size, size, size)).shape == (1, CLASSES)
    too_small = dict(card(record).parameters) | {"size": network.smallest - 1}
    with pytest.raises(ModelProblem, match=f"the smallest is {network.smallest}"):
        new_model(ModelCard(record.name, too_small))


def test_same_seed_same_weights(record: Architecture, network):
    torch.manual_seed(0)
    again = new_model(card(record)).network
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def test_saved_by_name_and_parameters(record: Architecture, model, tmp_path):
    path = save_model(model, tmp_path / "n.aismodel")
    assert "probabilities of 3 classes" in check_model(path)[-1]
    again = load_model(path)
    assert again.card == model.card and again.architecture is record
    x = torch.randn(1, EDGE, EDGE, EDGE)
    with torch.inference_mode():
        assert torch.equal(again.network(x), model.network.eval()(x))


def test_what_does_not_suit_is_named(record: Architecture):
    with pytest.raises(ModelProblem, match="does not take"):
        new_model(ModelCard(record.name, {"no_such": 1}))
    with torch.device("meta"), pytest.raises(ModelProblem, match="depth = 3 does not suit"):
        new_model(ModelCard(record.name, card(record).parameters, depth=3))
    with pytest.raises(ModelProblem, match="0 classes are too few"):
        new_model(ModelCard(record.name, dict(card(record).parameters) | {"classes": 0}))


def test_does_neither_encode_nor_segment(network):
    with pytest.raises(ModelProblem, match="there to classify cubes, not to segment"):
        engine_for(network)
    with pytest.raises(ModelProblem, match="does not encode"):
        network.encode(torch.zeros(1, EDGE, EDGE, EDGE))


def test_parameters_are_those_of_the_paper_and_of_its_own_description(record: Architecture):
    with torch.device("meta"):
        body = record.build()
    count = sum(w.numel() for w in body.state_dict().values() if w.is_floating_point())
    assert count == COUNTS.get(record.name, count)
    words = importlib.import_module(record.build.__module__).__doc__ or ""
    assert f"{count:,}" in words


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("dsrf3d", [(32, 20, 20, 20), (64, 10, 10, 10)]),
        ("dsrf3d_v2", [(32, 20, 20, 20), (64, 10, 10, 10), (128, 5, 5, 5)]),
        ("inception3d", [(32, 36, 36, 36), (32, 18, 18, 18), (160, 18, 18, 18), (160, 17, 17, 17)]),
        ("rb3d", [(32, 20, 20, 20)] * 5),
        (
            "cb3d",
            [(64, 40, 20, 20), (128, 20, 10, 10), (256, 10, 5, 5), (512, 5, 2, 2), (512, 5, 4, 4), (512, 2, 2, 2)],
        ),
    ],
)
def test_layers_have_the_shapes_of_the_paper(name: str, shapes: list[tuple[int, ...]]):
    with torch.device("meta"):
        body = architecture(name).build().eval()
        x, seen = torch.empty(1, 1, 40, 40, 40), []
        for layer in body.trunk:
            x = layer(x)
            seen.append(tuple(x.shape[1:]))
    wanted = iter(seen)
    assert all(shape in wanted for shape in shapes), f"{shapes} do not come one after the other in {seen}"


def test_dropout_can_be_set():
    body = new_model(ModelCard("dsrf3d_v2", {"size": 8, "classes": 2, "drop": 0.25})).network.body
    assert {m.p for m in body.modules() if isinstance(m, nn.Dropout)} == {0.25}
