"""The contract of networks that segment slices: every one, also one added later, passes all of this."""

import numpy as np
import pytest
import torch
from ais_app.models import Architecture
from torch import nn

from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architecture, architectures
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.engines.openvino_engine import is_installed

# all numbers of the published network, and those that each further slice adds to its first layer
COUNTS = {
    "eman2": (378_081, 225 * 40),
    "inceptionnet": (550_529, 4 * 64),
    "pix2pix": (29_249_409, 16 * 64),
    "resnet": (1_215_457, 9 * 32 + 32),
    "unet_l": (38_791_489, 9 * 64),
    "unet_s": (922_881, 9 * 64),
    "vggnet_l": (38_239_489, 9 * 128),
    "vggnet_m": (5_053_955, 9 * 128),
    "vggnet_s": (1_493_059, 9 * 64),
    "vggnet_x": (38_420_097, 9 * 64),
}
SEGMENT_SLICES = [name for name, known in architectures().items() if known.task == "segment" and known.dimension == 2]


@pytest.fixture(params=sorted(SEGMENT_SLICES), scope="module")
def record(request: pytest.FixtureRequest) -> Architecture:
    return architecture(request.param)


def network(record: Architecture, depth: int = 1):
    torch.manual_seed(0)
    return new_model(ModelCard(record.name, depth=depth)).network


@pytest.fixture(scope="module")
def sleeping(record: Architecture):
    """A network of depth 1 in evaluation mode, which its users leave as it is."""
    return network(record).eval()


def padded(x: torch.Tensor, stride: int) -> torch.Tensor:
    height, width = x.shape[-2:]
    return nn.functional.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")


def test_describes_itself(record: Architecture):
    assert record.name.isidentifier() and record.title and record.source
    assert record.name in architectures()


@pytest.mark.parametrize("depth", [1, 5])
def test_odd_sizes_forward_and_backward(record: Architecture, depth: int):
    x = padded(torch.randn(2, depth, 19, 35), record.stride).requires_grad_()
    body = network(record, depth).train()
    logits = body.logits(x)
    assert logits.shape == (2, 1, *x.shape[2:]) and logits.dtype == torch.float32
    logits.mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in body.parameters())
    assert x.grad.abs().sum() > 0, "the input reaches the output"


def test_gives_probabilities_of_its_logits(record: Architecture, sleeping):
    body = sleeping
    x = torch.randn(1, 1, 2 * record.stride, record.stride)
    with torch.inference_mode():
        assert torch.equal(body(x), torch.sigmoid(body.logits(x)))
        with torch.autocast("cpu", torch.bfloat16):
            assert body(x).dtype == torch.float32


def test_wrong_input_is_refused_with_the_right_one(record: Architecture):
    with torch.device("meta"):  # refused before anything is computed
        body = new_model(ModelCard(record.name, depth=3)).network
    with pytest.raises(ModelProblem, match=r"\(n, 3, h, w\)"):
        body(torch.zeros(1, 1, record.stride, record.stride))
    with pytest.raises(ModelProblem, match="has the shape"):
        body(torch.zeros(3, record.stride, record.stride))
    if record.stride > 1:
        with pytest.raises(ModelProblem, match=f"pad to {record.stride} x {2 * record.stride}"):
            body(torch.zeros(1, 3, record.stride, record.stride + 1))


def test_same_seed_same_weights_and_a_signal_that_survives(record: Architecture, sleeping):
    assert all(torch.equal(a, b) for a, b in zip(sleeping.parameters(), network(record).parameters(), strict=True))
    with torch.inference_mode():
        logits = sleeping.logits(torch.randn(2, 1, 64, 64))
    assert 0.01 < logits.std() < 100


def test_saved_by_name_and_parameters(record: Architecture, tmp_path):
    model = new_model(ModelCard(record.name, dict(record.parameters), depth=3))
    again = load_model(save_model(model, tmp_path / "n.aismodel"))
    assert again.card == model.card and again.architecture is record
    x = torch.randn(1, 3, record.stride, 2 * record.stride)
    with torch.inference_mode():
        assert torch.equal(again.network(x), model.network.eval()(x))


def test_unknown_parameter_is_named(record: Architecture):
    with pytest.raises(ModelProblem, match="does not take"):
        new_model(ModelCard(record.name, {"no_such": 1}))


def test_declared_stride_is_the_smallest(record: Architecture, sleeping):
    body = sleeping.body
    with torch.inference_mode():
        for size in (record.stride, 3 * record.stride):
            assert body(torch.zeros(1, 1, size, record.stride)).shape[-2:] == (size, record.stride)
    if record.stride > 1:
        half = record.stride // 2
        with torch.inference_mode():
            try:
                same = body(torch.zeros(1, 1, 3 * half, record.stride)).shape[-2] == 3 * half
            except RuntimeError:
                same = False
        assert not same, "a smaller stride would do"


def test_declared_receptive_field_is_what_the_gradient_reaches(record: Architecture):
    with torch.device("meta"):  # none of its weights is used
        body = record.build(1)
    body = thinned(body).eval().double()
    size = -(-(record.receptive_field + 4 * record.stride) // (2 * record.stride)) * 2 * record.stride
    touched: dict[int, tuple[int, int]] = {}

    def look(at: int) -> tuple[int, int]:
        if at not in touched:
            x = torch.full((1, 1, size, record.stride), 0.1, dtype=torch.float64, requires_grad=True)
            body(x)[0, 0, at, 0].backward()
            rows = x.grad[0, 0].abs().sum(1).nonzero()[:, 0]
            touched[at] = int(rows.min()), int(rows.max())
        return touched[at]

    def between(low: int, high: int) -> None:
        # what is touched moves in steps, never back: where both ends agree, so does all between
        if look(low) != look(high) and high - low > 1:
            between(low, (low + high) // 2)
            between((low + high) // 2, high)

    between(size // 2, size // 2 + record.stride - 1)
    reach = max(max(at - first, last - at) for at, (first, last) in touched.items())
    assert 2 * reach + 1 == record.receptive_field


class Mean(nn.Module):
    """A convolution that reaches as far as another, from the mean of all channels to one."""

    def __init__(self, like: nn.Conv2d | nn.ConvTranspose2d | nn.Conv3d) -> None:
        super().__init__()
        far = {name: getattr(like, name) for name in ("kernel_size", "stride", "padding", "dilation")}
        self.one = type(like)(1, 1, **far, bias=False)
        nn.init.constant_(self.one.weight, 1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.one(x.mean(1, keepdim=True))


def thinned(module: nn.Module) -> nn.Module:
    """Let the gradient reach all that could matter, at little cost: means instead of convolutions and maxima."""
    for name, child in module.named_children():
        if isinstance(child, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
        elif isinstance(child, nn.MaxPool3d):
            setattr(module, name, nn.AvgPool3d(child.kernel_size, child.stride, child.padding, child.ceil_mode))
        elif isinstance(child, (nn.Conv2d, nn.ConvTranspose2d, nn.Conv3d)):
            setattr(module, name, Mean(child))
        elif isinstance(child, (nn.BatchNorm2d, nn.BatchNorm3d)):
            setattr(module, name, nn.Identity())
        else:
            thinned(child)
    return module


def numbers(record: Architecture, depth: int = 1) -> int:
    """Count numbers as Keras does, with the statistics of batch normalisation, and without room for them."""
    with torch.device("meta"):
        weights = record.build(depth).state_dict().values()
    return sum(w.numel() for w in weights if w.is_floating_point())


@pytest.mark.parametrize("name", COUNTS)
def test_numbers_are_those_of_the_published_networks(name: str):
    count, per_slice = COUNTS[name]
    assert numbers(architecture(name)) == count
    assert numbers(architecture(name), depth=5) == count + 4 * per_slice


def test_compiled_the_residual_unet_gives_the_same():
    body = new_model(ModelCard("resunet", {"width": 8})).network.train()
    with torch.no_grad():
        body(torch.randn(4, 1, 16, 16))  # statistics of batches that are not 0 and 1
    x = torch.randn(1, 1, 16, 24)
    with torch.inference_mode():
        wanted = body.eval()(x)[:, 0].numpy()
    engine = engine_for(body, "auto", "float32")
    assert engine.name.startswith("OpenVINO") == is_installed()
    assert np.allclose(engine.infer(x.numpy()), wanted, atol=1e-4)


def test_unknown_architecture_lists_the_known():
    with pytest.raises(ModelProblem, match="known: .*unet_l.*unet_s.*vggnet_m"):
        architecture("vggnet_xxl")
