"""Losses and scores, with voxels that do not count."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from ais_app.core.training.losses import loss_function
from ais_app.core.training.metrics import scores
from ais_app.core.training.parameters import LOSSES


def batch(seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn((3, 1, 8, 8), generator=random)
    labels = torch.randint(0, 3, (3, 8, 8), generator=random).to(torch.uint8)
    return logits, labels


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_voxels_change_nothing(name):
    logits, labels = batch()
    loss = loss_function(name)
    moved = torch.where(labels[:, None] == 2, 50.0, logits).requires_grad_()
    value = loss(moved, labels)
    assert torch.isclose(value, loss(logits, labels))
    value.backward()
    assert (moved.grad[labels[:, None] == 2] == 0).all() and moved.grad.abs().sum() > 0


@pytest.mark.parametrize("name", LOSSES)
def test_everything_ignored_is_no_loss_and_no_gradient(name):
    logits = batch()[0].requires_grad_()
    value = loss_function(name)(logits, torch.full((3, 8, 8), 2, dtype=torch.uint8))
    value.backward()
    assert value.detach() == 0 and (logits.grad == 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_perfect_answer_costs_nothing_and_the_opposite_much(name):
    labels = batch()[1] % 2
    right = torch.where(labels == 1, 30.0, -30.0)[:, None]
    assert float(loss_function(name)(right, labels)) < 1e-4
    assert float(loss_function(name)(-right, labels)) > 0.9


def test_values_by_hand():
    logits, labels = torch.zeros(1, 1, 2, 2), torch.tensor([[[1, 0], [0, 2]]], dtype=torch.uint8)
    assert float(loss_function("bce")(logits, labels)) == pytest.approx(np.log(2))
    assert float(loss_function("focal")(logits, labels)) == pytest.approx(np.log(2) / 4)
    assert float(loss_function("dice")(logits, labels)) == pytest.approx(1 - (2 * 0.5 + 1) / (1.5 + 1 + 1))
    both = loss_function("bce+dice")(logits, labels)
    assert float(both) == pytest.approx((np.log(2) + 1 - 2 / 3.5) / 2)


def test_losses_of_half_precision_logits_are_float32():
    logits, labels = batch()
    for name in LOSSES:
        assert loss_function(name)(logits.bfloat16(), labels).dtype == torch.float32


def test_scores_by_hand():
    probability = np.array([0.9, 0.8, 0.3, 0.6, 0.1, 0.99], np.float32)
    labels = np.array([1, 1, 1, 0, 0, 2], np.uint8)
    found = scores(probability, labels)
    assert found.precision == pytest.approx(2 / 3) and found.recall == pytest.approx(2 / 3)
    assert found.dice == pytest.approx(2 / 3)
    assert found.average_precision == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert 0.6 < found.best_threshold <= 0.8 or found.best_threshold <= 0.3
    assert found.best_dice == pytest.approx(6 / 7)


def test_nothing_to_find():
    nothing = scores(np.zeros(5, np.float32), np.zeros(5, np.uint8))
    assert (nothing.dice, nothing.precision, nothing.recall) == (1, 1, 1)
    assert nothing.to_dict()["average_precision"] is None
    false = scores(np.ones(5, np.float32), np.zeros(5, np.uint8))
    assert (false.dice, false.precision, false.recall) == (0, 0, 1)


@given(st.integers(0, 10_000), st.integers(5, 300))
def test_average_precision_is_that_of_scikit_learn(seed, n):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n).astype(np.uint8)
    labels[0] = 1
    probability = (random.integers(0, 1000, n) / 1000 + 0.0005).astype(np.float32)
    assert scores(probability, labels).average_precision == pytest.approx(average_precision_score(labels, probability))
