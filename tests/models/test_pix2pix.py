"""Pix2pix: two networks that train against each other, from the trainer's side and from the inside."""

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from ais_app.models import pix2pix

from ais_app.core.jobs import run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.training.objective import LossObjective
from ais_app.core.training.trainer import train_job

sys.path.insert(0, str(Path(__file__).parents[1] / "core/training"))
from phantoms import balls, labelled, small_params

from ais_app.core.training.boxes import cut_boxes
from ais_app.core.training.metrics import scores

CARD = ModelCard("pix2pix", {"width": 16})  # a sixteenth of the work


def params(**options):
    return small_params(
        **{"architecture": "pix2pix", "box_size": 64, "boxes": 6, "batch": 3, "draws": 1, "shift": 0.0, **options}
    )


def data(settings):
    return cut_boxes([labelled(shape=(24, 96, 96), count=25)], settings, 64)


def weights(result) -> bytes:
    return b"".join(value.contiguous().numpy().tobytes() for value in result.model.network.state_dict().values())


def test_discriminator_has_the_published_number_of_parameters():
    weights = pix2pix.Discriminator(1, 64).state_dict().values()
    assert sum(w.numel() for w in weights if w.is_floating_point()) == 2_767_297


def test_learns_to_find_balls_it_has_not_seen(tmp_path):
    settings = params(epochs=8, draws=6)
    result = run(train_job(data(settings), settings, CARD))
    image, labels = balls(99, shape=(24, 64, 64))
    normal = torch.from_numpy((image - image.mean()) / image.std())
    again = load_model(save_model(result.model, tmp_path / "p.aismodel"))
    with torch.inference_mode():
        probability = again.network(normal[4:20, None])[:, 0].numpy()
    assert scores(probability, labels[4:20]).dice > 0.6
    assert result.history[-1]["loss"] < 0.8 * result.history[0]["loss"]


@pytest.mark.parametrize("reports", [1, 3])
def test_resumed_training_ends_with_the_same_weights(tmp_path, reports):
    settings, file = params(epochs=2), tmp_path / "x.checkpoint"
    boxes, left = data(settings), iter(range(reports))
    whole = run(train_job(boxes, settings, CARD))
    part = run(train_job(boxes, settings, CARD, checkpoint=file), stop=lambda: next(left, None) is None)
    assert not part.finished
    resumed = run(train_job(boxes, settings, CARD, checkpoint=file, resume=True))
    assert weights(resumed) == weights(whole) and resumed.history == whole.history


class Unmoved(LossObjective):
    """A generator that learns nothing."""

    def follow(self, loss: torch.Tensor, rate: float, optimiser: torch.optim.Optimizer | None = None) -> None:
        if optimiser is not None:
            super().follow(loss, rate, optimiser)


def objective(usual=LossObjective):
    torch.manual_seed(0)
    network = new_model(CARD).network.train()
    return network, pix2pix.Adversarial(usual(network, params()))


def test_a_step_changes_both_networks():
    network, against = objective()
    before = [value.clone() for value in (*network.parameters(), *against.discriminator.parameters())]
    images, labels = torch.randn(2, 1, 64, 64), torch.randint(0, 2, (2, 64, 64), dtype=torch.uint8)
    for _ in range(2):  # the first only turns the discriminator's head, which has no opinion yet
        assert np.isfinite(against.step(images, labels, 1e-3, nullcontext))
    after = (*network.parameters(), *against.discriminator.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_discriminator_learns_to_tell_drawings_apart():
    network, against = objective(Unmoved)
    random = torch.Generator().manual_seed(0)
    for _ in range(30):
        images = torch.randn(4, 1, 8, 8, generator=random).repeat_interleave(8, 2).repeat_interleave(8, 3)
        against.step(images, (images[:, 0] > 0).to(torch.uint8), 2e-3, nullcontext)
    with torch.inference_mode():
        persons = against.discriminator((images > 0).float(), images)
        generators = against.discriminator(network(images), images)
    assert persons.mean() > generators.mean() + 0.5


def test_nothing_is_learned_where_all_is_ignored():
    network, against = objective()
    images, ignored = torch.randn(2, 1, 64, 64), torch.full((2, 64, 64), 2, dtype=torch.uint8)
    against.step(images, ignored, 1e-3, nullcontext)
    slots = against.optimisers["discriminator"].state_dict()["state"].values()
    # the same drawing is asked for as 1 and as 0: what is left of the gradient pulls the verdict to a half
    assert all(torch.isfinite(slot["exp_avg"]).all() for slot in slots)
    assert np.isfinite(against.measure(network.logits(images), ignored).item())


def test_one_box_in_a_batch():
    settings = params(batch=1, epochs=1, boxes=4)
    assert run(train_job(data(settings), settings, CARD)).finished
