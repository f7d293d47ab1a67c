import contextlib
import dataclasses

import numpy as np
import pytest
import torch
from phantoms import labelled

from ais_app.core.errors import ModelProblem, ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.cubes import standardised
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.particles.classify import class_names, classify, decode, encode, features, logits
from ais_app.core.training.augment_cubes import augment_cubes
from ais_app.core.training.boxes import cut_boxes
from ais_app.core.training.classify import accuracies, cross_entropy
from ais_app.core.training.cubes import cube_data
from ais_app.core.training.encode import EncodeObjective
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.trainer import train_job

EDGE = 12
CLASSES = ("ball", "rod", "ring")
STILL = {"symmetries": False, "brightness": 0, "contrast": 0, "gamma": 0, "noise": 0, "shift": 0}


def shapes(count: int, seed: int = 0, noise: float = 0.5, edge: int = EDGE):
    """Return `count` cubes with a ball, a rod or a ring, turned and shifted at random, and which it is."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(CLASSES), count)
    cubes = random.normal(0, noise, (count, edge, edge, edge)).astype(np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(edge) - edge // 2] * 3, indexing="ij"))
    for cube, label in zip(cubes, labels, strict=True):
        axis = random.normal(size=3)
        axis /= np.linalg.norm(axis)
        at = grid - random.uniform(-1, 1, (3, 1, 1, 1))
        along = np.tensordot(axis, at, 1)
        across = np.sqrt(np.maximum(0, (at**2).sum(0) - along**2))
        cube += [
            along**2 + across**2 < 3**2,
            (np.abs(along) < 5) & (across < 1.6),
            along**2 + (across - 4) ** 2 < 1.5**2,
        ][label]
    return cubes, labels


def params(**options) -> TrainParams:
    defaults = {"architecture": "classifier3d", "box_size": EDGE, "epochs": 2, "draws": 1, "batch": 12}
    return TrainParams(**{**defaults, "learning_rate": 3e-3, **options})


def card(settings: TrainParams, **parameters) -> ModelCard:
    return ModelCard(settings.architecture, parameters, feature="shape")


@pytest.fixture(scope="module")
def trained():
    settings = params(epochs=9, draws=2, averaging=0.9)
    data = cube_data(*shapes(96), settings, classes=CLASSES, voxel_size=18.4)
    return run(train_job(data, settings, card(settings, classes=3)))


def test_learns_shapes_it_has_not_seen(trained, tmp_path):
    assert trained.finished and trained.history[-1]["accuracy"] is not None
    model = load_model(save_model(trained.model, tmp_path / "shapes.aismodel"))
    cubes, labels = shapes(60, seed=1)
    probability = classify(model, 7 - 3 * -cubes)  # level and scale do not matter
    assert probability.shape == (60, 3) and np.allclose(probability.sum(1), 1, atol=1e-5)
    assert (probability.argmax(1) == labels).mean() > 0.85
    assert class_names(model) == list(CLASSES)
    assert model.card.voxel_size == 18.4 and model.card.training["metrics"]["balanced_accuracy"] > 0.5
    assert model.card.training["data"]["cubes"] == {"training": 77, "held out": 19, "edge": EDGE}
    assert np.allclose(logits(model, cubes).argmax(1), probability.argmax(1))


def test_cubes_of_a_class_are_neighbours_in_feature_space(trained):
    cubes, labels = shapes(60, seed=2)
    found = features(trained.model, cubes)
    assert found.shape == (60, 128)
    apart = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (labels[apart.argmin(1)] == labels).mean() > 0.8


def test_encodes_and_decodes():
    settings = params(architecture="autoencoder3d", epochs=8, draws=3, **STILL)
    cubes, labels = shapes(120, noise=0.05)
    cubes = cubes[labels == 0]
    data = cube_data(cubes, None, settings)
    result = run(train_job(data, settings, card(settings, size=EDGE, code=16)))
    first, last = result.history[0], result.history[-1]
    assert last["loss"] < first["loss"] and last["explained"] > 0.3
    codes = encode(result.model, cubes)
    assert codes.shape == (len(cubes), 16) and codes.min() >= 0
    decoded = decode(result.model, codes)
    pairs = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(decoded, standardised(cubes), strict=True)]
    assert np.median(pairs) > 0.5
    with pytest.raises(ModelProblem, match="without a classifier"):
        classify(result.model, cubes)


def test_loss_of_an_encoder_falls_by_a_fifth_in_three_epochs_of_64_cubes():
    """T18, with the settings of the paper: batches of 8, Adam with a constant step of 0.001, no averaging."""
    still = {**STILL, "averaging": 0, "validation": "none"}
    settings = params(
        architecture="autoencoder3d",
        epochs=3,
        batch=8,
        optimiser="adam",
        schedule="constant",
        learning_rate=1e-3,
        **still,
    )
    cubes, _ = shapes(64, noise=0.05)
    data = cube_data(cubes, None, settings)
    result = run(train_job(data, settings, card(settings, size=EDGE, code=32)))
    losses = [entry["training_loss"] for entry in result.history]
    assert len(losses) == 3 and losses[0] > losses[1] > losses[2]
    torch.manual_seed(0)
    untrained = new_model(card(settings, size=EDGE, code=32))
    before, after = (_error(one, data.training.images) for one in (untrained, result.model))
    assert after <= 0.8 * before


def _error(model, cubes: np.ndarray) -> float:
    return float(np.square(decode(model, encode(model, cubes)) - cubes).mean())


def test_loss_of_an_encoder_counts_its_code():
    settings = params(architecture="autoencoder3d")
    cubes, _ = shapes(6)
    images, labels = torch.from_numpy(standardised(cubes)), torch.full((6,), -1)
    torch.manual_seed(0)
    network = new_model(card(settings, size=EDGE, code=16)).network.eval()
    with torch.no_grad():
        decoded, code = network.parts(images)[0], network.encode(images)
    assert code.abs().sum() > 0
    loss = EncodeObjective(network, settings).step(images, labels, 1e-3, contextlib.nullcontext)
    beside = loss - float(torch.square(decoded - images).mean())
    assert beside == pytest.approx(1e-4 * float(code.abs().sum(1).mean()), rel=0.02)


def test_classifier_beside_the_decoder_learns_from_the_cubes_that_have_a_label():
    settings = params(architecture="autoencoder3d", epochs=10, draws=2, **STILL | {"symmetries": True})
    cubes, labels = shapes(60, noise=0.1)
    partly = np.where(np.arange(60) % 2, labels, -1)
    data = cube_data(cubes, partly, settings, held_out=np.arange(60) >= 50)
    result = run(train_job(data, settings, card(settings, size=EDGE, code=16, classes=3)))
    assert {"loss", "explained", "accuracy"} <= set(result.history[-1])
    assert (classify(result.model, cubes[:50:2]).argmax(1) == labels[:50:2]).mean() > 0.5, "a third by chance"


def test_resumes_to_the_same_weights(tmp_path):
    settings = params(architecture="dsrf3d_v2", epochs=2)
    data = cube_data(*shapes(24), settings)
    small = card(settings, size=EDGE, classes=3)
    whole = run(train_job(data, settings, small))
    job = train_job(data, settings, small, checkpoint=tmp_path / "c")
    for _ in range(3):
        next(job)
    stopped = _cancelled(job)
    assert not stopped.finished
    resumed = run(train_job(data, settings, small, checkpoint=tmp_path / "c", resume=True))
    pairs = zip(whole.model.network.parameters(), resumed.model.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def _cancelled(job):
    from ais_app.core.jobs import JobCancelled

    try:
        job.throw(JobCancelled())
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the job went on")


def test_augmented_cubes_keep_their_missing_wedge():
    random = torch.Generator().manual_seed(0)
    kz, ky, kx = torch.meshgrid(*[torch.fft.fftfreq(16)] * 3, indexing="ij")
    missing = (kz.abs() > 2 * kx.abs()) & (kz.abs() < 0.45)
    cubes = torch.fft.ifftn(torch.fft.fftn(torch.randn(20, 16, 16, 16), dim=(1, 2, 3)) * ~missing, dim=(1, 2, 3)).real
    turned = _altered(cubes, TrainParams(box_size=16, **STILL | {"symmetries": True}), random)
    power = torch.fft.fftn(turned, dim=(1, 2, 3)).abs()
    assert power[:, missing].max() < 1e-3 * power[:, ~missing].mean()
    poses = [cubes, *(cubes.flip(axes) for axes in ((1, 2), (1, 3), (2, 3)))]
    which = [[torch.equal(a, b) for b in pose] for a, *pose in zip(turned, *poses, strict=True)]
    assert all(sum(row) == 1 for row in which), "each is one of four poses"
    assert all(any(column) for column in zip(*which, strict=True)), "and all four come"


def test_shifts_stay_within_the_cube():
    cubes = torch.arange(20.0).expand(30, 20, 20, 20)
    moved = _altered(cubes, params(**STILL | {"shift": 0.25}), _seeded())
    first = moved[:, 0, 0, 0]
    assert moved.shape[1:] == (EDGE,) * 3 and set(first.tolist()) == set(range(1, 8))
    assert torch.equal(moved[:, 0, 0] - first[:, None], torch.arange(float(EDGE)).expand(30, EDGE))


def _altered(cubes: torch.Tensor, settings: TrainParams, random: torch.Generator) -> torch.Tensor:
    labels = torch.zeros(len(cubes), dtype=torch.int64)
    altered, same = augment_cubes(cubes, labels, settings, random)
    assert same is labels
    return altered


def test_labels_of_voxels_move_with_them():
    cubes = torch.randn(20, 16, 18, 18)
    labels = (cubes > 1).to(torch.uint8)
    altered, moved = augment_cubes(cubes, labels, params(**STILL | {"symmetries": True, "shift": 0.2}), _seeded())
    assert altered.shape == moved.shape == (20, EDGE, EDGE, EDGE) and moved.dtype == torch.uint8
    assert torch.equal(moved, (altered > 1).to(torch.uint8))
    thin, _ = augment_cubes(cubes[:, :5], labels[:, :5], params(), _seeded())
    assert thin.shape == (20, 5, EDGE, EDGE)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_divides_each_class():
    cubes, labels = shapes(50)
    settings = params(validation_share=0.3)
    data = cube_data(cubes, labels, settings, classes=CLASSES)
    for label in range(3):
        share = (data.held_out.labels == label).sum() / (labels == label).sum()
        assert 0.2 < share < 0.4
    assert len(data.training) + len(data.held_out) == 50
    assert data.record["classes"] == list(CLASSES)
    assert np.allclose(data.training.images.mean((1, 2, 3)), 0, atol=1e-5)
    assert np.allclose(data.training.images.std((1, 2, 3)), 1, atol=1e-4)
    assert cube_data(cubes, labels, params(validation="none")).held_out is None
    larger = cube_data(np.pad(cubes, ((0, 0), (2, 2), (2, 2), (2, 2))), labels, settings)
    assert larger.margin == 2 and larger.held_out.images.shape[1:] == (EDGE,) * 3


def test_what_does_not_fit_is_named():
    cubes, labels = shapes(9)
    wrong = [
        ((cubes, labels[:4]), {}, "do not fit 9 cubes"),
        ((cubes, labels * 0.5), {}, "give one whole number"),
        ((cubes, labels), {"classes": CLASSES[:1]}, "go from 0 to 2"),
        ((cubes[..., :10], labels), {}, "edges of at least the box size, 12"),
        ((cubes, labels), {"held_out": np.ones(9, bool)}, "no cube to train on"),
        ((cubes, labels), {"held_out": labels == 1, "classes": CLASSES}, "of the class rod"),
        ((cubes, labels), {"held_out": labels}, "give 9 times true or false"),
    ]
    for arguments, options, message in wrong:
        with pytest.raises(ParameterProblem, match=message):
            cube_data(*arguments, params(), **options)
    with pytest.raises(ParameterProblem, match="enter whole"):
        cube_data(cubes, labels, params(depth=3))
    cubes[3, 2, 2, 2] = np.nan
    with pytest.raises(ModelProblem, match="number 3 holds NaN"):
        cube_data(cubes, labels, params())


def test_cubes_and_boxes_of_tomograms_are_not_mixed_up():
    settings = params(architecture="vggnet_s", box_size=16)
    with pytest.raises(ParameterProblem, match="does not learn from classes of cubes"):
        run(train_job(cube_data(*shapes(9), params()), settings, card(settings)))
    boxes = cut_boxes([labelled()], settings, 8)
    settings = params(box_size=16)
    with pytest.raises(ParameterProblem, match="does not learn from boxes of a labelled tomogram"):
        run(train_job(boxes, settings, card(settings)))


def test_accuracies():
    chosen, labels = np.array([0, 0, 0, 1, 0]), np.array([0, 0, 0, 1, 1])
    assert accuracies(chosen, labels) == {"accuracy": 0.8, "balanced_accuracy": 0.75}
    assert accuracies(chosen, np.where(labels == 1, -1, labels)) == {"accuracy": 1.0, "balanced_accuracy": 1.0}
    assert accuracies(chosen, np.full(5, -1)) == {"accuracy": None, "balanced_accuracy": None}


def test_cross_entropy_leaves_out_what_has_no_class():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    expected = -torch.log_softmax(logits, 1)[0, 0]
    assert torch.isclose(cross_entropy(logits, torch.tensor([0, -1])), expected)
    assert cross_entropy(logits, torch.tensor([-1, -1])) == 0


def test_a_network_that_segments_is_refused():
    with pytest.raises(ModelProblem, match="segments tomograms"):
        classify(new_model(dataclasses.replace(ModelCard("unet_s"))), shapes(1)[0])
