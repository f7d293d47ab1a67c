"""Networks of volumes on the one path: windows with a halo along z too, and nothing else is different."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction import field
from ais_app.core.prediction.engines import engine_for, footprint
from ais_app.core.prediction.engines.openvino_engine import OpenVinoEngine
from ais_app.core.prediction.live import LiveModel, LivePrediction, SliceInView
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab, predict_volume
from ais_app.core.prediction.slabs import VolumeSlabs, block_thickness
from ais_app.core.prediction.tiles import Lens, mirrored
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.blocks import BlockArray

TINY = """
from torch import nn
from ais_app.models import Architecture

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(4, 8, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv3d(8, 1, 3, padding=1),
        )

    def forward(self, x):
        return self.layers(x[:, None])[:, 0]

def build(depth=1):
    return Tiny()

ARCHITECTURE = Architecture("tiny3d", "Tiny", dimension=3, stride=2, receptive_field=10, build=build)
"""


pytestmark = pytest.mark.usefixtures("one_thread")


def make_model(architecture="tiny3d", **card):
    torch.manual_seed(1)
    model = new_model(ModelCard(architecture, **card), source=TINY if architecture == "tiny3d" else "")
    with torch.no_grad():  # far from 0.5, so that differences show
        list(model.network.parameters())[-2].mul_(3)
    model.network.eval()
    return model


def make_tomogram(shape, **geometry):
    return Tomogram(np.random.default_rng(0).normal(100, 20, shape).astype(np.float32), **geometry)


def exact(**changes):
    return PredictionParams(engine="torch", precision="float32", **changes)


def volume(model, tomogram, params=None, **options):
    slices = predict_volume([model], tomogram, params=params or exact(), **options)
    return np.stack([current.planes[model.card.feature] for current in slices])


def at_once(model, tomogram):
    """What the network says of the whole volume in one window, mirrored at its faces."""
    statistics = tomogram.statistics
    grey = (np.asarray(tomogram.data) - statistics.mean) / statistics.deviation
    stride = model.architecture.stride
    border = Lens(stride, model.architecture.receptive_field).border
    pads = [(border, -(-(n + border) // stride) * stride - n) for n in grey.shape]
    padded = grey
    for axis, (before, after) in enumerate(pads):  # one axis after the other, as often as it takes
        places = mirrored(slice(-before, grey.shape[axis] + after), grey.shape[axis])
        padded = padded.take(places, axis)
    with torch.inference_mode():
        found = model.network(torch.from_numpy(padded[None].astype(np.float32)))[0].numpy()
    return found[tuple(slice(before, before + n) for (before, _), n in zip(pads, grey.shape, strict=True))]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_regions_and_tiles_change_nothing(data):
    model = make_model()
    shape = tuple(data.draw(st.integers(2, most)) for most in (40, 60, 60))
    tomogram = make_tomogram(shape)
    part = []
    for size in shape:
        start = data.draw(st.integers(0, size - 1))
        part.append(slice(start, data.draw(st.integers(start + 1, size))))
    tile = data.draw(st.sampled_from([0, 20, 26, 37]))
    expected = at_once(model, tomogram)[tuple(part)]
    found = volume(model, tomogram, exact(tile=tile), region=tuple(part))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_tiles_of_real_networks_change_nothing():
    model, tomogram = make_model("edss3d"), make_tomogram((9, 34, 21))
    expected = at_once(model, tomogram)
    assert expected.std() > 0.01
    np.testing.assert_allclose(volume(model, tomogram, exact(tile=52)), expected, atol=1e-4)
    np.testing.assert_allclose(predict_slab(model, tomogram, 7, params=exact()), expected[7], atol=1e-4)


def test_a_tile_that_is_too_small_is_refused():
    with pytest.raises(ParameterProblem, match="too few for this network"):
        volume(make_model("edss3d"), make_tomogram((4, 90, 90)), exact(tile=40))


@pytest.mark.parametrize("tta", [3, 8, 16])
def test_symmetries_are_averaged(tta, monkeypatch):
    """The engine answers with a volume that knows up from down and left from right."""
    seen = []

    class Ramp(Passing):
        def infer(self, x):
            seen.append(x[0])
            ramp = np.linspace(0, 1, x.shape[1])[:, None, None] + np.linspace(0, 2, x.shape[2])[:, None]
            return np.broadcast_to((ramp + np.linspace(0, 4, x.shape[3])) / 7, x.shape).astype(np.float32)

    monkeypatch.setattr(field, "engine_for", lambda *_: Ramp())
    model, tomogram = make_model(), make_tomogram((10, 20, 20))
    (first, *_, last) = predict_volume([model], tomogram, params=PredictionParams(tta=tta), uncertainty=True)
    assert len(seen) == tta and len({part.tobytes() for part in seen}) == tta
    for part in seen:
        laid = [
            np.rot90(seen[0], k, axes=(1, 2))[::up, :, ::side] for k in range(4) for side in (1, -1) for up in (1, -1)
        ]
        assert any(np.array_equal(part, other) for other in laid)
    if tta >= 8:  # up and down, left and right cancel
        np.testing.assert_allclose(first.planes["feature"].mean() + last.planes["feature"].mean(), 1.0, atol=0.2)
    if tta == 16:
        np.testing.assert_allclose(first.planes["feature"], 0.5, atol=1e-5)
    assert first.uncertainty["feature"].max() > 0


@pytest.mark.parametrize("tta", [1, 16])
def test_a_volume_upside_down_is_the_volume_upside_down(tta):
    model, tomogram = make_model(), make_tomogram((8, 12, 12))
    slabs = volume(model, tomogram, exact(tta=tta))
    upside_down = volume(model, Tomogram(np.ascontiguousarray(tomogram.data[::-1])), exact(tta=tta))
    assert (abs(slabs - upside_down[::-1]).max() < 1e-5) == (tta == 16)


class Passing:
    """An engine that answers with the sigmoid of what it sees, so that only the geometry is seen."""

    name, batch, budget, bytes_per_value = "passing", 1, 2**30, 4

    def infer(self, x):
        return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("size", [(5.0, 5.0, 5.0), (20.0, 20.0, 20.0), (17.0, 8.0, 11.0)])
def test_rescaling_goes_along_all_axes_and_comes_back_in_place(monkeypatch, size):
    monkeypatch.setattr(field, "engine_for", lambda *_: Passing())
    shape = tuple(int(n / s) for n, s in zip((300, 400, 380), size, strict=True))
    grids = np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, size, strict=True)], indexing="ij")
    blob = np.exp(-sum((g - c) ** 2 for g, c in zip(grids, (130.0, 170.0, 210.0), strict=True)) / (2 * 45.0**2))
    tomogram = Tomogram(blob.astype(np.float32), voxel_size_zyx=size)
    model = make_model(voxel_size=10.0)
    found = volume(model, tomogram, PredictionParams(tile=40))
    expected = 1 / (1 + np.exp(-(blob - tomogram.statistics.mean) / tomogram.statistics.deviation))
    assert found.shape == shape and abs(found - expected).max() < 0.05
    part = np.s_[3:5, 4:20, 7:9]
    cut = volume(model, tomogram, PredictionParams(), region=part)
    np.testing.assert_allclose(cut, found[part], atol=1e-6)


class Counted(BlockArray):
    """A volume of noise that is made when it is read; counts how often each slice was."""

    def __init__(self, shape):
        super().__init__(shape, np.float32)
        self.reads = np.zeros(shape[0], int)

    def read(self, z, y, x):
        self.reads[z] += 1
        planes = [np.random.default_rng(at).normal(size=self.shape[1:])[y, x] for at in range(z.start, z.stop)]
        return np.stack(planes).astype(np.float32)


def test_memory_does_not_grow_with_the_slices():
    model = make_model()
    peaks = []
    for slices in (150, 450):
        data = Counted((slices, 48, 48))
        tomogram = Tomogram(data)
        _ = tomogram.statistics
        data.reads[:] = 0
        tracemalloc.start()
        for current in predict_volume([model], tomogram, params=exact(tile=64)):
            if current.z == 0:
                assert data.reads[120:].sum() <= 3, "what is far ahead is not read yet, but for that look"
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert data.reads.sum() <= slices + 3, "each slice is read once, but for a look at whether it is blank"
    assert peaks[1] < 1.1 * peaks[0]


def test_blocks_are_as_thick_as_pays():
    lens = Lens(4, 47)
    assert block_thickness((300, 900, 900), lens, 160**3, run=1) == 4
    whole = block_thickness((300, 900, 900), lens, 160**3, run=300)
    assert whole % 4 == 0 and 80 <= whole <= 160 - 2 * lens.halo + 4
    assert block_thickness((300, 40, 40), lens, 160**3, run=300) == 300
    assert block_thickness((300, 8000, 8000), lens, 160**3, run=300) == 4, "large slices do not fill the memory"
    slabs = VolumeSlabs(30, lens, 8)
    assert [slabs.about(z).kept for z in (0, 7, 29)] == [slice(0, 8), slice(0, 8), slice(24, 30)]
    assert all((s.seen.stop - s.seen.start) % 4 == 0 and s.seen.start % 4 == 0 for s in map(slabs.about, range(30)))


@pytest.mark.parametrize("tta", [1, 16])
def test_the_preview_is_the_slice_of_the_volume(tta, monkeypatch):
    model, tomogram = make_model(), make_tomogram((20, 40, 36), voxel_size_zyx=(10.0, 10.0, 10.0))
    calls = []
    plain = type(engine_for(model.network, "torch", "float32")).infer
    monkeypatch.setattr(
        "ais_app.core.prediction.engines.torch_engine.TorchEngine.infer",
        lambda engine, x: calls.append(x.shape) or plain(engine, x),
    )
    preview = LivePrediction(exact(tta=tta))
    shown = LiveModel(model, name="m")
    at = preview.raw(shown, SliceInView(tomogram, "t", 6))
    (expected,) = predict_volume([model], tomogram, region=np.s_[6:7, :, :], params=exact(tta=tta))
    np.testing.assert_array_equal(at, expected.planes["feature"])
    np.testing.assert_allclose(at, volume(model, tomogram, exact(tta=tta))[6], atol=1e-5)
    calls.clear()
    preview.raw(shown, SliceInView(tomogram, "t", 7))
    assert not calls, "the next slice of the block is there already"
    preview.raw(shown, SliceInView(tomogram, "t", 8))
    assert calls


def test_a_network_in_training_is_previewed_as_it_is():
    model = make_model()
    model.network.train()
    tomogram = make_tomogram((9, 30, 30))
    before = predict_slab(model, tomogram, 4)
    with torch.no_grad():
        list(model.network.parameters())[-1].add_(2)
    after = predict_slab(model, tomogram, 4)
    assert (after > before).all() and model.network.training


def test_openvino_gives_what_torch_gives_at_any_size():
    network = make_model().network
    exact_engine = OpenVinoEngine(network, "float32")
    for shape in ((2, 4, 12, 20), (1, 10, 8, 6)):
        x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
        expected = engine_for(network, "torch", "float32").infer(x)
        assert expected.shape == shape
        np.testing.assert_allclose(exact_engine.infer(x), expected, atol=1e-5)


def test_memory_of_a_window_is_measured_for_each_voxel():
    assert footprint(make_model().network).values_per_pixel == pytest.approx(1.5 * 9, rel=0.01)
