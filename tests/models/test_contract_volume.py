"""The contract of networks that segment volumes: every one, also one added later, passes all of this."""

import pytest
import torch
from ais_app.models import Architecture
from torch import nn

from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architecture, architectures
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model

PUBLISHED = {"ssn3d_v1": 2_042_158, "ssn3d_v2": 2_042_342, "ssn3d_ed": 895_746, "edss3d": 111_715}
PUBLISHED_SLAB = {"encoder3d_decoder2d": 16_404_865}

VOLUMES = [name for name, known in architectures().items() if known.task == "segment" and known.dimension == 3]


@pytest.fixture(params=sorted(VOLUMES), scope="module")
def record(request: pytest.FixtureRequest) -> Architecture:
    return architecture(request.param)


def network(record: Architecture, depth: int = 1, **parameters):
    torch.manual_seed(0)
    return new_model(ModelCard(record.name, parameters, depth=depth)).network


def count(network: nn.Module) -> int:
    return sum(w.numel() for w in network.state_dict().values() if w.is_floating_point())


def padded(x: torch.Tensor, stride: int) -> torch.Tensor:
    after = [part for size in reversed(x.shape[1:]) for part in (0, -size % stride)]
    return nn.functional.pad(x[:, None], after, mode="reflect")[:, 0]


def test_there_are_some():
    assert {"unet3d", *PUBLISHED} <= set(VOLUMES)


def test_describes_itself(record: Architecture):
    assert record.name.isidentifier() and record.title and record.source


@pytest.mark.parametrize("size", [(9, 11, 21), (15, 17, 9)])
def test_odd_sizes_forward_and_backward(record: Architecture, size):
    x = padded(torch.randn(2, *size), record.stride).requires_grad_()
    body = network(record, depth=x.shape[1]).train()
    logits = body.logits(x)
    assert logits.shape == x.shape and logits.dtype == torch.float32
    logits.mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in body.parameters())
    assert x.grad.abs().sum() > 0, "the input reaches the output"


def test_gives_probabilities_of_its_logits(record: Architecture):
    body = network(record).eval()
    x = torch.randn(1, record.stride, 2 * record.stride, record.stride)
    with torch.inference_mode():
        assert torch.equal(body(x), torch.sigmoid(body.logits(x)))
        with torch.autocast("cpu", torch.bfloat16):
            assert body(x).dtype == torch.float32


def test_wrong_input_is_refused_with_the_right_one(record: Architecture):
    body, s = network(record), record.stride
    with pytest.raises(ModelProblem, match=r"has the shape .*give \(n, d, h, w\)"):
        body(torch.zeros(1, 1, s, s, s))
    with pytest.raises(ModelProblem, match="has the shape"):
        body(torch.zeros(s, s, s))
    for axis in (1, 2, 3):
        shape = [1, s, s, s]
        shape[axis] += 1
        wanted = [s, s, s]
        wanted[axis - 1] = 2 * s
        with pytest.raises(ModelProblem, match=f"pad to {' x '.join(map(str, wanted))}"):
            body(torch.zeros(shape))


def test_depth_is_that_of_the_input(record: Architecture):
    """The depth of its boxes is noted, even or odd; the network is the same and takes any multiple of its stride."""
    one, other = network(record, depth=record.stride).eval(), network(record, depth=3 * record.stride).eval()
    assert count(one) == count(other)
    with torch.inference_mode():
        for slices in (record.stride, 3 * record.stride):
            x = torch.randn(1, slices, record.stride, record.stride)
            assert torch.equal(one(x), other(x)) and one(x).shape == x.shape


def test_same_seed_same_weights_and_a_signal_that_survives(record: Architecture):
    one, two = network(record), network(record)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    with torch.inference_mode():
        logits = one.eval().logits(torch.randn(2, 16, 32, 32))
    assert 0.01 < logits.std() < 100


def test_saved_by_name_and_parameters(record: Architecture, tmp_path):
    model = new_model(ModelCard(record.name, dict(record.parameters), depth=2 * record.stride))
    again = load_model(save_model(model, tmp_path / "n.aismodel"))
    assert again.card == model.card and again.architecture is record
    x = torch.randn(1, 2 * record.stride, record.stride, 3 * record.stride)
    with torch.inference_mode():
        assert torch.equal(again.network(x), model.network.eval()(x))


def test_unknown_parameter_is_named(record: Architecture):
    with pytest.raises(ModelProblem, match="does not take"):
        new_model(ModelCard(record.name, {"no_such": 1}))


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_classes_of_voxels(record: Architecture, classes: int):
    if "classes" not in record.parameters:
        return
    whole = network(record, classes=classes).eval()
    x = torch.randn(1, record.stride, record.stride, 2 * record.stride)
    with torch.inference_mode():
        found = whole.body(x)
        probability = whole(x)
    assert found.shape == ((1, classes, *x.shape[1:]) if classes > 1 else x.shape)
    if classes > 1:  # of being anything but background
        torch.testing.assert_close(probability, 1 - torch.softmax(found, dim=1)[:, 0])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_declared_stride_is_the_smallest(record: Architecture, axis: int):
    body = network(record).body.eval()

    def same(size: int) -> bool:
        shape = [record.stride] * 3
        shape[axis] = size
        with torch.inference_mode():
            try:
                return body(torch.zeros(1, *shape)).shape[axis - 3] == size
            except RuntimeError:
                return False

    assert same(record.stride) and same(3 * record.stride)
    if record.stride > 1:
        assert not same(3 * record.stride // 2), "a smaller stride would do"


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_declared_receptive_field_is_what_the_gradient_reaches(record: Architecture, axis: int):
    body = network(record).body.eval()
    make_everything_count(body)
    shape, middle = [record.stride] * 3, [slice(0, 1)] * 3
    shape[axis] = -(-(record.receptive_field + 4 * record.stride) // (2 * record.stride)) * 2 * record.stride
    x = torch.full((record.stride, *shape), 0.1, requires_grad=True)
    outputs = body(x)
    chosen = torch.zeros_like(outputs)
    for phase in range(record.stride):  # a volume for each place within a stride
        at = shape[axis] // 2 + phase
        middle[axis] = slice(at, at + 1)
        chosen[(phase, ..., *middle)] = 1
    (outputs * chosen).sum().backward()
    others = [i + 1 for i in range(3) if i != axis]
    touched = x.grad.abs().sum(others)
    reach = 0
    for phase, line in enumerate(touched):
        at, seen = shape[axis] // 2 + phase, line.nonzero()[:, 0]
        reach = max(reach, at - int(seen.min()), int(seen.max()) - at)
    assert 2 * reach + 1 == record.receptive_field


def make_everything_count(module: nn.Module) -> None:
    """Let the gradient reach all that could matter: weights positive, means instead of maxima."""
    for name, child in module.named_children():
        if isinstance(child, nn.MaxPool3d):
            setattr(module, name, nn.AvgPool3d(child.kernel_size))
        elif isinstance(child, (nn.Conv3d, nn.ConvTranspose3d)):
            child.weight.data.abs_()
        make_everything_count(child)


@pytest.mark.parametrize(("name", "number"), PUBLISHED.items())
def test_numbers_are_those_of_the_published_networks(name: str, number: int):
    assert count(network(architecture(name))) == number
    assert count(network(architecture(name), depth=40, classes=1)) < number


@pytest.mark.parametrize(("name", "number"), PUBLISHED_SLAB.items())
def test_networks_that_read_slices_in_three_dimensions(name: str, number: int):
    """Of dimension 2: the contract of slice networks holds them to everything else."""
    record = architecture(name)
    assert record.dimension == 2
    body = network(record, depth=17)
    assert count(body) == number
    x = torch.zeros(1, 17, record.stride, record.stride)
    with torch.inference_mode():
        assert body.eval()(x).shape == (1, 1, record.stride, record.stride)
        differs = body(x) - body(x + torch.eye(17)[0].view(1, 17, 1, 1))
    assert differs.abs().max() > 0, "the first slice of many counts too"


def test_a_small_network_is_the_practical_one():
    assert 0.5e6 < count(network(architecture("unet3d"))) < 1.5e6


def test_networks_of_slices_need_a_middle():
    with pytest.raises(ModelProblem, match="depth = 4 is not possible"):
        ModelCard("unet_s", depth=4)
