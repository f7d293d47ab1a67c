"""One path: whatever is cut, batched or combined, the probabilities stay the same."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_networks import EXACT, TINY

import ais_app
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction import field
from ais_app.core.prediction.engines.torch_engine import TorchEngine
from ais_app.core.prediction.interactions import Competition, InteractionGraph, Rule
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab, predict_volume
from ais_app.core.tomogram import Tomogram

ARCHITECTURES = ["vggnet_s", "unet_s"]


def make_model(architecture="tiny", seed=1, **card):
    torch.manual_seed(seed)
    model = new_model(ModelCard(architecture, **card), source=TINY if architecture == "tiny" else "")
    model.network.eval()
    return model


def make_tomogram(shape, seed=0, **geometry):
    grey = np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)
    return Tomogram(grey, **geometry)


def exact(**changes):
    return PredictionParams(engine="torch", precision="float32", **changes)


def volume(models, tomogram, name="feature", **options):
    options.setdefault("params", EXACT)
    return np.stack([s.planes[name] for s in predict_volume(models, tomogram, **options)])


@pytest.mark.parametrize(("architecture", "depth"), [("vggnet_s", 1), ("unet_s", 1), ("unet_s", 3)])
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_crops_and_tiles_of_real_networks_change_nothing(architecture, depth, data):
    check_crops_and_tiles(make_model(architecture, depth=depth), data, largest=130, tiles=[0, 96, 104])


@pytest.mark.parametrize("depth", [1, 3])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_crops_and_tiles_change_nothing(depth, data):
    check_crops_and_tiles(make_model(depth=depth), data, largest=120, tiles=[0, 30, 37, 64])


def check_crops_and_tiles(model, data, largest, tiles):
    shape = (3, data.draw(st.integers(1, largest)), data.draw(st.integers(1, largest)))
    kind = data.draw(st.sampled_from(["tomogram", "slice"]))
    model = replace(model, card=replace(model.card, normalisation=Normalisation(kind)))
    tomogram = make_tomogram(shape)
    z = data.draw(st.integers(0, 2))
    whole = predict_slab(model, tomogram, z, params=EXACT)
    assert whole.shape == shape[1:]
    assert whole.dtype == np.float32
    part = []
    for size in shape[1:]:
        start = data.draw(st.integers(0, size - 1))
        part.append(slice(start, data.draw(st.integers(start + 1, size))))
    tile = data.draw(st.sampled_from(tiles))
    cut = predict_slab(model, tomogram, z, region=tuple(part), params=exact(tile=tile))
    np.testing.assert_allclose(cut, whole[tuple(part)], atol=1e-4)


@pytest.mark.parametrize("architecture", ["tiny", *ARCHITECTURES])
def test_halo_covers_all_that_a_pixel_sees(architecture):
    """The gradient says exactly which pixels matter."""
    model = make_model(architecture)
    record = model.architecture
    lens = field.Lens(record.stride, record.receptive_field)
    halo, size = lens.halo, 2 * lens.halo + 2 * record.stride
    for at in (size // 2, size // 2 + record.stride - 1):
        slab = torch.randn(1, model.card.depth, size, size, requires_grad=True)
        model.network.logits(slab)[0, 0, at, at].backward()
        rows, columns = np.nonzero(slab.grad.abs().sum((0, 1)).numpy())
        assert max(at - rows.min(), rows.max() - at, at - columns.min(), columns.max() - at) <= halo


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_batches_change_nothing(monkeypatch, batch):
    model, tomogram = make_model(), make_tomogram((2, 70, 45))
    one = predict_slab(model, tomogram, 0, params=exact(tta=8))
    monkeypatch.setattr(TorchEngine, "infer", counting := Counting(TorchEngine.infer, batch))
    field.engine_for(model.network, "torch", "float32").batch = batch
    many = predict_slab(model, tomogram, 0, params=exact(tta=8))
    np.testing.assert_allclose(many, one, atol=1e-4)
    assert max(counting.sizes) == min(batch, 4)  # four of the eight have the shape of a quarter turn


class Counting:
    def __init__(self, infer, batch):
        self.infer, self.sizes = infer, []

    def __get__(self, engine, owner):
        def infer(x):
            self.sizes.append(len(x))
            return self.infer(engine, x)

        return infer


@pytest.mark.parametrize(("depth", "tta"), [(1, 1), (1, 3), (1, 8), (3, 16)])
def test_symmetries_are_averaged(depth, tta):
    model, tomogram = make_model(depth=depth), make_tomogram((3, 40, 56))
    expected = []
    for k in range(tta):
        turned = np.rot90(tomogram.data, k % 4, axes=(1, 2))
        turned = turned[:, :, ::-1] if k // 4 % 2 else turned
        turned = turned[::-1] if k >= 8 else turned
        plane = predict_slab(model, Tomogram(np.ascontiguousarray(turned)), 1, params=EXACT)
        plane = plane[:, ::-1] if k // 4 % 2 else plane
        expected.append(np.rot90(plane, -(k % 4)))
    (found,) = predict_volume([model], tomogram, region=np.s_[1:2, :, :], uncertainty=tta > 1, params=exact(tta=tta))
    np.testing.assert_allclose(found.planes["feature"], np.mean(expected, axis=0), atol=1e-4)
    if tta > 1:
        np.testing.assert_allclose(found.uncertainty["feature"], np.var(expected, axis=0), atol=1e-5)
        assert found.uncertainty["feature"].max() > 1e-5


def test_sixteen_symmetries_of_one_slice_are_eight(caplog):
    model, tomogram = make_model(), make_tomogram((1, 32, 32))
    sixteen = predict_slab(model, tomogram, 0, params=exact(tta=16))
    assert "8 symmetries are all" in caplog.text
    np.testing.assert_array_equal(sixteen, predict_slab(model, tomogram, 0, params=exact(tta=8)))


def test_models_of_one_feature_are_averaged():
    models, tomogram = [make_model(seed=s) for s in (1, 2, 3)], make_tomogram((2, 40, 40))
    each = [volume([model], tomogram) for model in models]
    found = list(predict_volume(models, tomogram, uncertainty=True, params=EXACT))
    np.testing.assert_allclose([s.planes["feature"] for s in found], np.mean(each, axis=0), atol=1e-5)
    np.testing.assert_allclose([s.uncertainty["feature"] for s in found], np.var(each, axis=0), atol=1e-5)


def test_volume_is_made_of_slabs():
    model, tomogram = make_model(depth=3), make_tomogram((5, 50, 41))
    slabs = [predict_slab(model, tomogram, z, params=EXACT) for z in range(5)]
    np.testing.assert_array_equal(volume([model], tomogram), slabs)


def test_a_brighter_and_stretched_tomogram_gives_the_same():
    model, tomogram = make_model(), make_tomogram((3, 48, 48))
    other = Tomogram(tomogram.data * 7 - 3000)
    np.testing.assert_allclose(volume([model], other), volume([model], tomogram), atol=1e-3)


def chained(high):
    """A graph in which each step depends on the one before; `high` says what counts as probable."""
    return InteractionGraph(
        (
            Competition(("a", "b"), ("c",)),
            Rule("avoid", "a", "b", high["b"], 31.0, "ball"),
            Rule("colocalise", "c", "a", 0.05, 15.0, "ball"),
            Rule("avoid", "b", "c", high["c"], 15.0, "disk"),
        )
    )


@pytest.mark.parametrize("rescale", [False, True])
def test_a_preview_is_that_part_of_the_volume(rescale):
    models = [make_model(seed=s, feature=f, voxel_size=13.0 if rescale else 10.0) for s, f in enumerate("abc")]
    tomogram = make_tomogram((14, 60, 52), voxel_size_zyx=(10.0, 10.0, 10.0))
    raw = list(predict_volume(models, tomogram, interactions=InteractionGraph(), params=EXACT))
    graph = chained({name: float(np.quantile([s.planes[name] for s in raw], 0.99)) for name in "abc"})
    whole = list(predict_volume(models, tomogram, interactions=graph, attribution=True, params=EXACT))
    part = (slice(5, 7), slice(11, 39), slice(20, 52))
    options = {"region": part, "interactions": graph, "attribution": True, "params": EXACT}
    for current in predict_volume(models, tomogram, **options):
        for name in "abc":
            np.testing.assert_allclose(current.planes[name], whole[current.z].planes[name][part[1:]], atol=1e-4)
            np.testing.assert_array_equal(current.removed_by[name], whole[current.z].removed_by[name][part[1:]])
    removed = {name: set(np.unique([s.removed_by[name] for s in whole])) for name in "abc"}
    assert removed == {"a": {0, 2}, "b": {0, 4}, "c": {0, 1, 3}}


def test_only_what_a_feature_depends_on_is_computed(monkeypatch):
    models = [make_model(seed=s, feature=f) for s, f in enumerate("abc")]
    tomogram = make_tomogram((3, 32, 32), voxel_size_zyx=(10.0, 10.0, 10.0))
    graph = InteractionGraph((Rule("avoid", "a", "b", radius=10.0), Rule("avoid", "c", "a", radius=10.0)))
    laid = []
    monkeypatch.setattr(
        "ais_app.core.prediction.predict.field_of", lambda m, *rest: laid.append(m) or field.field_of(m, *rest)
    )
    only = list(predict_volume(models, tomogram, interactions=graph, features=["a"], params=EXACT))
    assert [m.card.feature for m in laid] == ["a", "b"]
    both = volume(models, tomogram, "a", interactions=graph)
    np.testing.assert_array_equal([s.planes["a"] for s in only], both)
    assert set(only[0].planes) == {"a"}


def test_cards_ask_for_competition():
    models = [
        make_model(seed=1, feature="carbon", emit=True),
        make_model(seed=2, feature="membrane", absorb=True),
    ]
    tomogram = make_tomogram((1, 40, 40))
    (raw,) = predict_volume(models, tomogram, interactions=InteractionGraph(), params=EXACT)
    (found,) = predict_volume(models, tomogram, params=EXACT)
    lower = raw.planes["membrane"] < raw.planes["carbon"]
    assert 0 < lower.sum() < lower.size
    np.testing.assert_array_equal(found.planes["membrane"], np.where(lower, 0, raw.planes["membrane"]))


@pytest.mark.parametrize("size", [(10.0, 10.0, 10.0), (10.4, 9.6, 10.0)])
def test_close_voxel_sizes_are_not_rescaled(size):
    model, grey = make_model(voxel_size=10.0), make_tomogram((2, 30, 30)).data
    found = volume([model], Tomogram(grey, voxel_size_zyx=size))
    np.testing.assert_array_equal(found, volume([make_model(voxel_size=None)], Tomogram(grey)))


class Passing:
    """An engine that answers with the sigmoid of the middle slice, so that only the geometry is seen."""

    name, batch, budget, bytes_per_value = "passing", 1, 2**30, 4

    def infer(self, x):
        return 1 / (1 + np.exp(-x[:, x.shape[1] // 2]))


@pytest.mark.parametrize("size", [(5.0, 5.0, 5.0), (20.0, 20.0, 20.0), (17.0, 8.0, 11.0)])
@pytest.mark.parametrize("depth", [1, 3])
def test_rescaling_goes_along_all_axes_and_comes_back_in_place(monkeypatch, size, depth):
    monkeypatch.setattr(field, "engine_for", lambda *_: Passing())
    centre, sigma = np.array([130.0, 170.0, 210.0]), 45.0
    shape = tuple(int(n / s) for n, s in zip((300, 400, 380), size, strict=True))
    grids = np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, size, strict=True)], indexing="ij")
    blob = np.exp(-sum((g - c) ** 2 for g, c in zip(grids, centre, strict=True)) / (2 * sigma**2))
    tomogram = Tomogram(blob.astype(np.float32), voxel_size_zyx=size)
    model = make_model(voxel_size=10.0, depth=depth)
    found = volume([model], tomogram, params=PredictionParams())
    assert found.shape == shape
    expected = 1 / (1 + np.exp(-(blob - tomogram.statistics.mean) / tomogram.statistics.deviation))
    weights = np.maximum(found - 0.6, 0)
    measured = [float((g * weights).sum() / weights.sum()) for g in grids]
    np.testing.assert_allclose(measured, centre, atol=1.0)
    assert abs(found - expected).max() < 0.05
    part = np.s_[3:5, 4:20, 7:9]
    cut = volume([model], tomogram, params=PredictionParams(), region=part)
    np.testing.assert_allclose(cut, found[part], atol=1e-6)


def test_the_network_sees_the_models_voxel_size(monkeypatch):
    """A tomogram at half the voxel size has, once rescaled, the same depth of sample in three slices."""
    seen = []
    engine = Passing()
    engine.infer = lambda x: seen.append(x.copy()) or Passing().infer(x)
    monkeypatch.setattr(field, "engine_for", lambda *_: engine)
    ramp = np.repeat(np.arange(40, dtype=np.float32), 24 * 24).reshape(40, 24, 24)
    model = make_model(voxel_size=10.0, depth=3, normalisation=Normalisation("none"))
    predict_slab(model, Tomogram(ramp, voxel_size_zyx=(5.0, 5.0, 5.0)), 20, params=PredictionParams())
    assert len(seen) == 2  # the two slices of the model's grid about slice 20
    np.testing.assert_allclose(np.diff(seen[0][0, :, 14, 14]), 2.0, atol=1e-4)
    size = 12 + 2 * field.Lens(2, 10).border
    assert seen[0].shape == (1, 3, size, size)


def test_an_unknown_voxel_size_is_said():
    model = make_model(voxel_size=10.0)
    with pytest.warns(DataWarning, match="taken to be the 10 Å"):
        predict_slab(model, make_tomogram((1, 20, 20)), 0, params=EXACT)


def test_closing_early_ends_every_thread():
    before = set(threading.enumerate())
    slices = predict_volume([make_model()], make_tomogram((50, 40, 40)), params=EXACT)
    assert next(slices).z == 0
    slices.close()
    assert set(threading.enumerate()) <= before


def test_an_unreadable_slice_is_raised_where_it_comes():
    class Torn(np.ndarray):
        def __getitem__(self, key):
            if isinstance(key, tuple) and isinstance(key[0], slice) and key[0].start == 3:
                raise OSError("torn off")
            return super().__getitem__(key)

    tomogram = Tomogram(make_tomogram((6, 20, 20)).data.view(Torn))
    model = make_model(normalisation=Normalisation("slice"))
    got = []
    with pytest.raises(OSError, match="torn off"):
        for current in predict_volume([model], tomogram, params=EXACT):
            got.append(current.z)
    assert got == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": ["membrane"]}, "no model predicts"),
        ({"region": np.s_[0:9, :, :]}, "0:9 along z is no part of 0:2"),
        ({"region": np.s_[:, 5:5, :]}, "no part"),
        ({"region": np.s_[:, ::2, :]}, "without steps"),
        ({"interactions": InteractionGraph((Rule("avoid", "feature", "carbon"),))}, "carbon"),
        ({"uncertainty": True}, "only one prediction"),
        ({"params": exact(tile=12)}, "too few"),
    ],
)
def test_wrong_wishes_are_refused(options, words):
    with pytest.raises(ParameterProblem, match=words):
        volume([make_model()], make_tomogram((2, 90, 90)), **options)


@pytest.mark.parametrize("kind", ["tomogram", "slice", "none"])
@pytest.mark.parametrize("voxel_size", [None, 13.0])
@pytest.mark.parametrize("value", [3.7, np.nan])
def test_a_blank_tomogram_is_refused(kind, voxel_size, value):
    model = make_model(voxel_size=voxel_size, normalisation=Normalisation(kind))
    blank = Tomogram(np.full((3, 20, 20), value, np.float32), voxel_size_zyx=(10.0, 10.0, 10.0))
    with pytest.raises(ParameterProblem, match="nothing to predict"):
        volume([model], blank)


def test_padded_slices_are_predicted():
    grey = make_tomogram((4, 20, 20)).data
    grey[:2] = 100.0
    assert np.isfinite(volume([make_model(normalisation=Normalisation("slice"))], Tomogram(grey))).all()


def test_no_models_and_missing_slices_are_refused():
    with pytest.raises(ParameterProblem, match="there are none"):
        volume([], make_tomogram((2, 9, 9)))
    with pytest.raises(ParameterProblem, match="5:6 along z"):
        predict_slab(make_model(), make_tomogram((2, 9, 9)), 5)


def test_public_names():
    assert ais_app.predict_slab is predict_slab
    assert ais_app.predict_volume is predict_volume
    assert ais_app.InteractionGraph is InteractionGraph
