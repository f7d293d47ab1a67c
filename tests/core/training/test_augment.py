"""Random changes of boxes: image and labels stay together, and chance is in the right places."""

import numpy as np
import pytest
import torch

from ais_app.core.training.augment import augment
from ais_app.core.training.parameters import TrainParams

CHANGES = ("brightness", "contrast", "gamma", "noise", "blur", "scale", "wedge", "spectrum")


def params(**options) -> TrainParams:
    off: dict = {name: 0.0 for name in CHANGES}
    return TrainParams(**{**off, "symmetries": False, "shift": 0.0, "box_size": 16, **options})


def batch(n: int = 64, depth: int = 1, margin: int = 4):
    size = 16 + 2 * margin
    random = torch.Generator().manual_seed(1)
    images = torch.randn((n, depth, size, size), generator=random)
    labels = torch.randint(0, 3, (n, size, size), generator=random).to(torch.uint8)
    return images, labels


def run(images, labels, chosen, seed=0):
    return augment(images, labels, chosen, torch.Generator().manual_seed(seed))


def test_without_any_change_the_middle_is_cut_out():
    images, labels = batch(depth=3)
    cut, cut_labels = run(images, labels, params())
    assert torch.equal(cut, images[:, :, 4:-4, 4:-4]) and torch.equal(cut_labels, labels[:, 4:-4, 4:-4])


def test_input_is_left_alone():
    images, labels = batch()
    before = images.clone(), labels.clone()
    run(images, labels, TrainParams(**{name: 1.0 for name in CHANGES}, box_size=16))
    assert torch.equal(images, before[0]) and torch.equal(labels, before[1])


def test_same_seed_same_result():
    images, labels = batch()
    chosen = TrainParams(**{name: 0.5 for name in CHANGES}, box_size=16)
    one, two, other = run(images, labels, chosen), run(images, labels, chosen), run(images, labels, chosen, seed=1)
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1]) and not torch.equal(one[0], other[0])


@pytest.mark.parametrize(("depth", "variants"), [(1, 8), (3, 16)])
def test_all_symmetries_come_equally_often(depth, variants):
    images, labels = batch(1, depth, margin=0)
    images, labels = images.expand(1600, -1, -1, -1), labels.expand(1600, -1, -1)
    turned, turned_labels = run(images, labels, params(symmetries=True))
    shapes, counts = np.unique(turned.flatten(1).numpy(), axis=0, return_counts=True)
    assert len(shapes) == variants
    assert counts.min() > 0.6 * 1600 / variants
    assert len(np.unique(turned_labels.flatten(1).numpy(), axis=0)) == 8


def test_labels_move_with_the_image():
    labels = batch(200)[1]
    images = labels[:, None].float()
    turned, turned_labels = run(images, labels, params(symmetries=True, shift=0.25))
    assert torch.equal(turned[:, 0], turned_labels.float())


def test_shifts_reach_as_far_as_they_may():
    column = torch.arange(24.0).expand(200, 1, 24, 24)
    shifted = run(column, torch.zeros(200, 24, 24, dtype=torch.uint8), params(shift=0.25))[0][:, 0, 0, 0]
    assert sorted(set(shifted.int().tolist())) == list(range(9))


def test_scaled_labels_stay_labels_and_outside_is_ignored():
    yy, xx = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    disk = ((yy - 31.5) ** 2 + (xx - 31.5) ** 2 < 400).to(torch.uint8).expand(100, 64, 64)
    image, labels = run(disk[:, None].float(), disk, params(scale=1.0, box_size=64))
    assert set(labels.unique().tolist()) == {0, 1, 2}
    area = (labels == 1).sum((1, 2)).float() / disk[0].sum()
    assert 0.8 < area.min() < 0.87 and 1.15 < area.max() < 1.25, "a tenth larger is a fifth less of it"
    agree = ((image[:, 0] > 0.5) == (labels == 1))[labels != 2]
    assert agree.float().mean() > 0.99
    assert not (labels == 2)[:, 4:-4, 4:-4].any(), "only the rim lies outside"


@pytest.mark.parametrize("name", CHANGES)
def test_probability_is_the_share_of_boxes_that_change(name):
    images, labels = batch(1000, margin=2)
    size = images.shape[-1]
    for probability in (0.0, 0.3, 1.0):
        changed = run(images, labels, params(**{name: probability}, box_size=size))[0]
        share = ((changed - images).abs().amax((1, 2, 3)) > 1e-4).float().mean()
        assert abs(float(share) - probability) < 0.06


@pytest.mark.parametrize("name", CHANGES)
def test_changes_stay_within_reason(name):
    images, labels = batch(200)
    changed = run(images, labels, params(**{name: 1.0}))[0]
    assert torch.isfinite(changed).all()
    assert 0.3 < float(changed.std()) < 2
    if name != "brightness":
        assert abs(float(changed.mean() - images[:, :, 4:-4, 4:-4].mean())) < 0.05


def test_blur_takes_fine_detail_away_and_keeps_coarse():
    y = torch.arange(24.0)
    fine, coarse = torch.cos(2 * np.pi * y * 10 / 24), torch.cos(2 * np.pi * y / 24)
    images = (fine + coarse).view(1, 1, 24, 1).expand(50, 1, 24, 24).contiguous()
    labels = torch.zeros(50, 24, 24, dtype=torch.uint8)
    spectrum = torch.fft.rfft(run(images, labels, params(blur=1.0, box_size=24))[0][:, 0, :, 0]).abs() / 12
    assert spectrum[:, 10].mean() < 0.6 and spectrum[:, 1].min() > 0.9


def test_a_wedge_of_directions_is_weakened():
    images, labels = batch(40, margin=8)
    changed = run(images, labels, params(wedge=1.0, box_size=32))[0]
    gain = (torch.fft.fft2(changed) / torch.fft.fft2(images)).abs()[:, 0]
    weakened = (gain < 0.6).float().mean((1, 2))
    assert weakened.max() < 0.45 and weakened.mean() > 0.05
    assert ((gain - 1).abs() < 1e-2).float().mean() > 0.5
