"""The loss of classifiers for open sets, and the training of the encoder with a classifier, exactly."""

import pytest
import torch
import torch.nn.functional as F
from ais_app.models._large_margin import Centres, CosineHead, LargeMargin, margin_loss

from ais_app.core.errors import ModelProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.training.classify import ClassifyObjective, cross_entropy
from ais_app.core.training.encode import EncodeObjective
from ais_app.core.training.parameters import TrainParams


def features(count: int = 12, width: int = 6, seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=random), torch.randint(0, 3, (count,), generator=random)


def test_without_margin_and_scale_it_is_the_cross_entropy_of_cosines():
    x, labels = features()
    head = CosineHead(6, 3, 1.0)
    cosines = (x / x.norm(dim=1, keepdim=True)) @ (head.weight / head.weight.norm(dim=1, keepdim=True)).T
    assert torch.allclose(head(x), cosines, atol=1e-6)
    assert torch.allclose(margin_loss(head.cosines(x), labels, 0.0, 1.0), F.cross_entropy(cosines, labels), atol=1e-6)


def test_the_margin_is_taken_from_the_right_class_alone():
    cosines = torch.tensor([[0.9, 0.1], [0.2, 0.6]])
    labels = torch.tensor([0, 1])
    expected = F.cross_entropy(8 * torch.tensor([[0.9 - 0.35, 0.1], [0.2, 0.6 - 0.35]]), labels)
    assert torch.allclose(margin_loss(cosines, labels, 0.35, 8.0), expected, atol=1e-6)
    assert torch.equal(
        margin_loss(cosines, torch.tensor([0, -1]), 0.35, 8.0), margin_loss(cosines[:1], labels[:1], 0.35, 8.0)
    )
    assert margin_loss(cosines, torch.tensor([-1, -1]), 0.35, 8.0) == 0


def test_centres_go_to_the_means_of_their_classes():
    x, labels = features(30)
    centres = Centres(4, 6)
    for _ in range(2000):
        centres.follow(x, labels)
    for label in range(3):
        assert torch.allclose(centres.points[label], x[labels == label].mean(0), atol=1e-5)
    assert not centres.points[3].any(), "of a class without a cube it stays"
    spread = sum(((x[labels == k] - x[labels == k].mean(0)) ** 2).sum() for k in range(3)) / 60
    assert torch.allclose(centres.loss(x, labels), spread, atol=1e-5)


def test_one_step_moves_a_centre_as_published():
    x = torch.tensor([[2.0, 0.0], [4.0, 0.0], [0.0, 3.0], [9.0, 9.0]])
    centres = Centres(2, 2, rate=0.5)
    centres.follow(x, torch.tensor([0, 0, 1, -1]))
    assert torch.allclose(centres.points, torch.tensor([[0.5 * 6 / 3, 0.0], [0.0, 0.5 * 3 / 2]]))


def objective(**options: float) -> LargeMargin:
    torch.manual_seed(0)
    network = new_model(ModelCard("openset3d", {"classes": 3, **options})).network
    return LargeMargin(ClassifyObjective(network, TrainParams(architecture="openset3d", box_size=8)))


def test_the_three_parts_of_the_loss_add_up():
    x, labels = features(width=128)
    one = objective(margin=0.0, scale=1.0, central=0.0)
    plain = F.cross_entropy(F.linear(x, one.head.weight), labels)
    cosine = F.cross_entropy(F.linear(F.normalize(x, dim=1), F.normalize(one.head.weight, dim=1)), labels)
    assert torch.allclose(one.loss(x, labels), plain + cosine, atol=1e-6)
    two = objective(margin=0.0, scale=1.0, central=2.0)
    assert torch.allclose(two.loss(x, labels), plain + cosine + x.square().sum() / len(x), rtol=1e-5)


def test_cubes_without_a_class_change_nothing():
    x, labels = features(width=128)
    some = torch.where(torch.arange(12) < 8, labels, -1)
    made = objective()
    assert torch.allclose(made.loss(x, some), made.loss(x[:8], labels[:8]), atol=1e-5)
    x.requires_grad_()
    made.loss(x, some).backward()
    assert not x.grad[8:].any() and x.grad[:8].any()


def test_numbers_that_make_no_sense_are_refused():
    for wrong in ({"margin": 1.0}, {"scale": 0.0}, {"central": -1.0}):
        with pytest.raises(ModelProblem, match="cannot be built"):
            objective(**wrong)


def test_unlabelled_cubes_add_nothing_to_the_gradient_of_the_classifier():
    torch.manual_seed(0)
    network = new_model(ModelCard("autoencoder3d", {"size": 8, "code": 4, "classes": 2})).network.train()
    x = torch.randn(6, 8, 8, 8)
    labels = torch.tensor([0, 1, -1, -1, -1, -1])
    seen = network.logits(x)
    seen.retain_grad()
    cross_entropy(seen, labels).backward()
    assert not seen.grad[2:].any() and seen.grad[:2].any()
    wanted = (torch.softmax(seen[:2].detach(), 1) - F.one_hot(labels[:2], 2)) / 2
    assert torch.allclose(seen.grad[:2], wanted, atol=1e-6)


def test_encoder_with_a_classifier_learns_from_all_and_keeps_both_layers_sparse():
    torch.manual_seed(0)
    network = new_model(ModelCard("autoencoder3d", {"size": 8, "code": 4, "classes": 2})).network.train()
    decoded, sparse, logits = network.parts(torch.randn(3, 8, 8, 8))
    assert decoded.shape == (3, 8, 8, 8) and logits.shape == (3, 2) and [s.shape for s in sparse] == [(3, 4)] * 2
    made = EncodeObjective(network, TrainParams(architecture="autoencoder3d", box_size=8))
    before = [p.clone() for p in network.parameters()]
    value = made.step(torch.randn(3, 8, 8, 8), torch.tensor([-1, -1, 1]), 1e-3, torch.enable_grad)
    assert value > 0 and all(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
