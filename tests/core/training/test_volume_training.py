"""Networks of volumes: boxes with the labels of all annotated slices, and the same trainer."""

import numpy as np
import pytest
import torch

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, save_model
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_volume
from ais_app.core.scoring import dice
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.augment import augment
from ais_app.core.training.boxes import cut_boxes, without_margin
from ais_app.core.training.data import LabelledTomogram
from ais_app.core.training.parameters import TrainParams, suited
from ais_app.core.training.preview import contact_sheet
from ais_app.core.training.trainer import train_job

PLAIN = {name: 0.0 for name in ("brightness", "contrast", "gamma", "noise", "blur", "scale", "wedge", "spectrum")}


def params(**options):
    values = {"architecture": "unet3d", "box_size": 16, "depth": 8, "validation": "none", "boxes": 12, "device": "cpu"}
    return TrainParams(**{**values, **options})


def numbered(shape=(24, 40, 48), slices=None, boxes=()):
    """Each voxel's grey value is its index; a tube along z is the feature."""
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    labels = np.zeros(shape, np.uint8)
    labels[:, 16:24, 20:28] = 1
    return LabelledTomogram.from_arrays(image, labels, 10.0, slices, boxes)


def z_of(data, item, box, row):
    """Say which slice stands at each place along z of a box: the image holds the index of each voxel."""
    statistics = item.tomogram.statistics
    index = np.rint(data.images[box][:, row, row] * statistics.deviation + statistics.mean)
    return index // (40 * 48)


def test_every_annotated_slice_of_a_box_has_its_labels():
    item = numbered(slices=(3, 4, 9, 20))
    data = cut_boxes([item], params(shift=0.0, scale=0.0), 4, 3)
    assert data.training.images.shape == data.training.labels.shape == (12, 8, 16, 16)
    for box in range(12):
        known = (data.training.labels[box] != 2).any((1, 2))
        zs = z_of(data.training, item, box, 0)
        assert list(known) == [z in (3, 4, 9, 20) for z in zs] and known.any()
        assert (np.diff(zs) == 1).all(), "the box lies inside the tomogram"


def test_boxes_of_a_person_hold_in_their_square_only():
    item = numbered(slices=(), boxes=[Box((10.0, 20.0, 24.0), 8), Box((12.0, 20.0, 24.0), 4)])
    data = cut_boxes([item], params(boxes=None, shift=0.0, scale=0.0), 4, 3)
    first = data.training.labels[0]  # about slice 10, of slices 6 to 13
    assert [(plane != 2).sum() for plane in first] == [0, 0, 0, 0, 64, 0, 16, 0]
    assert (first[4, 4:12, 4:12] == 1).all()


def test_a_box_deeper_than_the_tomogram_is_ignored_beyond_it():
    item = numbered(shape=(5, 40, 48))
    data = cut_boxes([item], params(shift=0.0, scale=0.0), 4, 3)
    assert ((data.training.labels != 2).any((2, 3)).sum(1) == 5).all()


def test_nothing_is_learned_from_slices_that_are_held_out():
    item = numbered(shape=(60, 40, 48))
    data = cut_boxes([item], params(validation="slab", shift=0.125), 4, 3)
    held = set()
    for box in range(len(data.held_out)):
        known = (data.held_out.labels[box] != 2).any((1, 2))
        held |= set(z_of(data.held_out, item, box, 0)[known])
    assert held and min(held) > 40
    inner = without_margin(data.training, data.margin, data.z_margin)
    assert inner.images.shape[1:] == (8, 16, 16)
    for box in range(len(inner)):
        known = (data.training.labels[box] != 2).any((1, 2))
        zs = z_of(data.training, item, box, data.margin + 1)
        assert not held & set(zs[known])


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_augmented_labels_stay_on_their_voxels(scale):
    """Labels that follow from the image still do after it was turned, shifted and scaled."""
    random = torch.Generator().manual_seed(0)
    blobs = torch.nn.functional.avg_pool3d(torch.randn((16, 14, 26, 26), generator=random)[:, None], 5, 1, 2)[:, 0]
    images = blobs / blobs.std()
    labels = (images > 0.5).to(torch.uint8)
    options = PLAIN | {"scale": scale, "shift": 0.2}
    new, found = augment(images, labels, params(box_size=16, **options), torch.Generator().manual_seed(1))
    assert new.shape == found.shape == (16, 8, 16, 16) and found.dtype == torch.uint8
    counted = found != 2
    agreement = ((new > 0.5) == (found == 1))[counted].float().mean()
    assert agreement == 1 if scale == 0 else agreement > 0.93
    assert not torch.equal(new[:, 0], images[:, 3, 5:21, 5:21])


def test_up_and_down_come_equally_often():
    ramp = torch.arange(4.0)[None, :, None, None].expand(200, 4, 8, 8).contiguous()
    options = PLAIN | {"shift": 0.0}
    new, found = augment(
        ramp, ramp.to(torch.uint8).clamp(max=1), params(box_size=8, depth=4, **options), torch.Generator()
    )
    up = new[:, 0, 0, 0] < new[:, -1, 0, 0]
    assert 70 < int(up.sum()) < 130
    assert torch.equal(found, new.clamp(max=1).to(torch.uint8))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": 31}, "31 is not a multiple of 4, the network's stride; give 32"),
        ({"box_size": 18}, "box size: 18 is not a multiple of 4"),
    ],
)
def test_what_does_not_suit_is_refused(options, words):
    with pytest.raises(ParameterProblem, match=words):
        cut_boxes([numbered()], params(**options), 4, 3)


def test_depth_1_means_a_cube():
    assert suited(params(depth=1, box_size=24), 4, 3).depth == 24
    assert suited(params(depth=12), 4, 3).depth == 12
    assert suited(TrainParams(depth=3), 8, 2).depth == 3


def balls(seed, shape=(24, 64, 64), count=26, radius=4.0):
    random = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    truth = np.zeros(shape, bool)
    for at in random.uniform(0, shape, (count, 3)):
        truth |= (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < radius**2
    image = random.normal(0, 1, shape).astype(np.float32) - 1.2 * truth
    return image, truth.astype(np.uint8)


def test_learns_a_phantom_and_segments_it_in_tiles_as_at_once(tmp_path):
    image, truth = balls(1)
    annotated = LabelledTomogram.from_arrays(image, truth, 10.0, range(2, 22, 3))
    options = {"box_size": 24, "depth": 16, "boxes": 10, "epochs": 4, "draws": 4, "batch": 4, "learning_rate": 5e-3}
    chosen = params(**options, averaging=0.9)
    data = cut_boxes([annotated], chosen, 4, 3)
    card = ModelCard("unet3d", {"width": 8}, feature="ball")
    result = run(train_job(data, chosen, card, checkpoint=tmp_path / "c"))
    assert result.finished and result.history[-1]["training_loss"] < result.history[0]["training_loss"]
    model = load_model(save_model(result.model, tmp_path / "ball.aismodel"))
    assert (model.card.depth, model.card.box_size, model.card.contrast) == (16, 24, -1)
    assert contact_sheet(model, data).shape[1:] == (3 * 26, 3)

    seen, expected = balls(2, shape=(20, 50, 44), count=12)
    tomogram = Tomogram(seen, (10.0, 10.0, 10.0))

    def segmented(tile):
        exact = PredictionParams(engine="torch", precision="float32", tile=tile)
        return np.stack([part.planes["ball"] for part in predict_volume([model], tomogram, params=exact)])

    whole = segmented(0)
    assert dice(whole > 0.5, expected > 0) > 0.7
    np.testing.assert_allclose(segmented(72), whole, atol=1e-4)


def test_resumed_it_ends_with_the_same_weights(tmp_path):
    image, truth = balls(1, shape=(12, 32, 32), count=6)
    chosen = params(box_size=8, depth=8, boxes=4, epochs=2, draws=2, batch=4, validation="none")
    data = cut_boxes([LabelledTomogram.from_arrays(image, truth, 10.0)], chosen, 4, 3)
    card = ModelCard("unet3d", {"width": 4})
    whole = run(train_job(data, chosen, card))
    stopped = train_job(data, chosen, card, checkpoint=tmp_path / "c")
    next(stopped), next(stopped)
    with pytest.raises(StopIteration):
        stopped.throw(JobCancelled())
    again = run(train_job(data, chosen, card, checkpoint=tmp_path / "c", resume=True))
    pairs = zip(whole.model.network.parameters(), again.model.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_goes_on_from_a_parent_with_boxes_of_another_depth():
    image, truth = balls(1, shape=(12, 32, 32), count=6)
    item = LabelledTomogram.from_arrays(image, truth, 10.0)
    card = ModelCard("unet3d", {"width": 4})
    first, second = (params(box_size=8, depth=depth, boxes=4, epochs=1, draws=1, batch=4) for depth in (8, 12))
    parent = run(train_job(cut_boxes([item], first, 4, 3), first, card)).model
    child = run(train_job(cut_boxes([item], second, 4, 3), second, card, start=parent)).model
    assert (parent.card.depth, child.card.depth) == (8, 12)


@pytest.mark.parametrize("architecture", ["ssn3d_v1", "ssn3d_ed", "edss3d"])
def test_published_networks_learn_with_their_classes(architecture):
    """Of several classes of voxels, all but the first are the feature."""
    image, truth = balls(1, shape=(12, 32, 32), count=6)
    chosen = params(architecture=architecture, box_size=8, depth=8, boxes=4, epochs=2, draws=1, batch=4)
    data = cut_boxes([LabelledTomogram.from_arrays(image, truth, 10.0)], chosen, 8, 3)
    result = run(train_job(data, chosen, ModelCard(architecture)))
    assert all(np.isfinite(entry["training_loss"]) for entry in result.history)
    with torch.inference_mode():
        found = result.model.network(torch.zeros(1, 8, 8, 16))
    assert found.shape == (1, 8, 8, 16) and 0 <= found.min() <= found.max() <= 1
