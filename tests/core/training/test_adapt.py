import contextlib
import copy

import numpy as np
import pytest
import torch

from ais_app.core.errors import ModelProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.particles.classify import classify
from ais_app.core.training.adapt import SOURCE, TARGET, Adapt, Discriminator, adapt_data, entropy, information
from ais_app.core.training.adapt_parameters import AdaptParams
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.core.training.cubes import cube_data
from ais_app.core.training.trainer import train_job

EDGE = 8


def balls_and_rods(count: int, seed: int, veil: float = 0.0, noise: float = 0.4):
    """Return cubes with a ball or a rod, and which; `veil` adds a gradient of density that no one has seen before."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    z, y, x = np.meshgrid(*[np.arange(EDGE) - EDGE // 2] * 3, indexing="ij")
    solid = np.stack([x**2 + y**2 + z**2 < 8, (x**2 + y**2 < 2.5) & (np.abs(z) < 4)])
    cubes = random.normal(0, noise, (count, EDGE, EDGE, EDGE)) + 2 * solid[labels]
    return (cubes + veil * (x + y) / EDGE).astype(np.float32), labels


def trained(seed: int):
    options = {"epochs": 5, "batch": 8, "learning_rate": 3e-3, "validation": "none", "averaging": 0.5, "seed": seed}
    settings = CubeTrainParams(**options).for_cubes(EDGE)
    data = cube_data(*balls_and_rods(48, seed), settings)
    return run(train_job(data, settings, ModelCard("classifier3d", {"classes": 2}))).model


@pytest.fixture(scope="module")
def model():
    return trained(0)


def adapting(model, checkpoint=None, resume=False, **options):
    settings = AdaptParams(**{"epochs": 3, "batch": 16, **options}).for_training("classifier3d", EDGE)
    data = adapt_data(balls_and_rods(32, 1)[0], balls_and_rods(32, 2, veil=4)[0], settings)
    return train_job(data, settings, model.card, start=model, task=Adapt(), checkpoint=checkpoint, resume=resume)


@pytest.mark.parametrize("seed", [0, 1])
def test_adapts_without_a_label(seed):
    """From a source with little noise to a target with seven times as much."""
    first = trained(seed)
    before = {name: value.clone() for name, value in first.network.state_dict().items()}
    options = {"epochs": 6, "batch": 16, "learning_rate": 3e-4, "patience": None, "seed": seed}
    settings = AdaptParams(**options).for_training("classifier3d", EDGE)
    source, target = balls_and_rods(96, 200 + seed)[0], balls_and_rods(96, 300 + seed, noise=3.0)[0]
    data = adapt_data(source, target, settings)
    adapted = run(train_job(data, settings, first.card, start=first, task=Adapt()))
    unseen, labels = balls_and_rods(120, 100 + seed, noise=3.0)
    right = [(classify(one, unseen).argmax(1) == labels).mean() for one in (first, adapted.model)]
    assert right[0] <= 0.7 and right[1] >= right[0] + 0.08
    assert {"entropy", "discriminator"} <= set(adapted.history[0])
    assert all(0.3 < entry["discriminator"] < 0.7 for entry in adapted.history[1:]), "it cannot tell the sides"
    best = min(adapted.history, key=lambda entry: entry["loss"])
    assert adapted.model.card.training["best_epoch"] == best["epoch"]
    assert all(torch.equal(value, before[name]) for name, value in first.network.state_dict().items())
    last = "head.1.weight"
    assert torch.equal(adapted.model.network.body.state_dict()[last], first.network.body.state_dict()[last])
    assert not torch.equal(next(adapted.model.network.parameters()), next(first.network.parameters()))


def test_each_step_is_of_the_copy_against_the_first_network(model):
    settings = AdaptParams().for_training("classifier3d", EDGE)
    network = copy.deepcopy(model.network).train()
    objective = Adapt().objective(network, settings)
    data = adapt_data(balls_and_rods(16, 1)[0], balls_and_rods(16, 2, veil=4)[0], settings)
    images, labels = torch.from_numpy(data.training.images), torch.from_numpy(data.training.labels)
    judged = []
    objective.discriminator.register_forward_hook(lambda _, given, __: judged.append(given[0].detach().clone()))
    for _ in range(3):
        objective.step(images, labels, 1e-2, contextlib.nullcontext)
    kept, begun = objective.first.state_dict(), model.network.state_dict()
    assert all(torch.equal(value, begun[name]) for name, value in kept.items()), "the first network stays as it is"
    count = int((labels == SOURCE).sum())
    with torch.no_grad():
        seen, changed = (one.eval().features(images[labels == SOURCE]) for one in (model.network, network))
    assert torch.allclose(judged[-2][:count], seen, atol=1e-5) and not torch.allclose(seen, changed, atol=1e-2)


def test_resumes_to_the_same_weights(model, tmp_path):
    whole = run(adapting(model))
    job = adapting(model, tmp_path / "c")
    for _ in range(5):
        next(job)
    with pytest.raises(StopIteration) as stopped:
        job.throw(JobCancelled())
    assert not stopped.value.value.finished and (tmp_path / "c").exists()
    resumed = run(adapting(model, tmp_path / "c", resume=True))
    pairs = zip(whole.model.network.parameters(), resumed.model.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs) and not (tmp_path / "c").exists()
    assert resumed.history == whole.history


def test_both_sides_are_in_every_batch_and_held_out():
    settings = AdaptParams(batch=8).for_training("classifier3d", EDGE)
    data = adapt_data(balls_and_rods(50, 0)[0], balls_and_rods(10, 1)[0], settings)
    assert (data.training.labels == SOURCE).sum() == 40 and (data.training.labels == TARGET).sum() == 8
    assert np.bincount(data.held_out.labels).tolist() == [10, 2]
    assert np.array_equal(data.training.positive, data.training.labels == TARGET)


def test_what_the_discriminator_tells_is_counted_over_all_batches():
    discriminator = Discriminator(3)
    of_target = torch.tensor([False, False, True, True])
    discriminator.count(torch.tensor([-1.0, 2.0, 3.0, 1.0]), of_target)
    discriminator.count(torch.tensor([-1.0, -2.0, 3.0, 1.0]), of_target)
    assert discriminator.share_told() == pytest.approx(7 / 8)
    discriminator.count(torch.tensor([1.0, 1.0, -3.0, 1.0]), of_target)
    assert discriminator.share_told() == pytest.approx(1 / 4), "each epoch counts for itself"


def test_what_answers_say():
    sure = torch.tensor([[50.0, 0.0], [0.0, 50.0]])
    assert information(sure) == pytest.approx(np.log(2), abs=1e-6) and float(entropy(sure).max()) < 1e-6
    assert information(torch.tensor([[50.0, 0.0]] * 3)) == pytest.approx(0, abs=1e-6), "all one class says nothing"
    assert information(torch.zeros(4, 3)) == pytest.approx(0, abs=1e-6)


def test_what_does_not_fit_is_named():
    settings = AdaptParams().for_training("classifier3d", EDGE)
    cubes = balls_and_rods(8, 0)[0]
    for source, target, side in ((cubes[:3], cubes, "source"), (cubes, cubes[:, :6, :6, :6], "target")):
        with pytest.raises(ParameterProblem, match=f"{side}: cubes of shape .* at least 4 cubes of 8 voxels"):
            adapt_data(source, target, settings)
    with pytest.raises(ModelProblem, match="NaN"):
        adapt_data(cubes, cubes * np.nan, settings)
    encoder = new_model(ModelCard("autoencoder3d", {"size": EDGE, "code": 4}))
    with pytest.raises(ModelProblem, match="adapt a network that does"):
        Adapt().objective(encoder.network, settings)
