"""Networks of the subdivision papers learn sixteen boxes by heart in as many steps as they should need.

In boxes of 20 voxels; DSRF3D-v2, whose dropout makes it slow to learn, in boxes of 12, of the same shapes made smaller.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ais_app.core.model.card import ModelCard
from ais_app.core.model.cubes import standardised
from ais_app.core.model.package import new_model


def boxes(edge: int):
    """Four boxes of each of four shapes, at an SNR of 1."""
    random = np.random.default_rng(0)
    labels = np.arange(16) % 4
    z, y, x = (20 / edge * axis for axis in np.meshgrid(*[np.arange(edge) - edge // 2] * 3, indexing="ij"))
    r = np.sqrt(x**2 + y**2 + z**2)
    across = np.hypot(x, y)
    solid = [r < 5, (across < 2.5) & (np.abs(z) < 8), np.hypot(across - 6, z) < 2, np.abs(r - 6) < 1.3]
    clean = np.stack([np.roll(solid[k], random.integers(-2, 3, 3), (0, 1, 2)) for k in labels]).astype(np.float32)
    noise = random.normal(size=clean.shape) * clean.std((1, 2, 3), keepdims=True)
    return torch.from_numpy(standardised(clean + noise)), torch.from_numpy(labels)


@pytest.mark.parametrize(
    ("name", "edge", "steps"), [("dsrf3d", 20, 20), ("inception3d", 20, 20), ("dsrf3d_v2", 12, 150)]
)
def test_learns_sixteen_boxes_by_heart(name, edge, steps, one_thread):
    x, labels = boxes(edge)
    torch.manual_seed(0)
    network = new_model(ModelCard(name, {"size": edge, "classes": 4})).network
    optimiser = torch.optim.Adam(network.parameters(), 3e-4)
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        F.cross_entropy(network.train().logits(x), labels).backward()
        optimiser.step()
        if step % 4 == 0:
            with torch.inference_mode():
                if bool((network.eval().logits(x).argmax(1) == labels).all()):
                    return
    raise AssertionError(f"{name} has not learnt them in {steps} steps")


@pytest.mark.parametrize("name", ["dsrf3d", "inception3d"])
@pytest.mark.parametrize("seed", range(3))
def test_no_class_is_favoured_before_training(name, seed, one_thread):
    x, _ = boxes(20)
    torch.manual_seed(seed)
    network = new_model(ModelCard(name, {"size": 20, "classes": 4})).network.eval()
    with torch.inference_mode():
        logits = network.logits(x)
    at_chance = float((torch.logsumexp(logits, 1) - logits.mean(1)).mean())
    # offsets between the classes cost a small training its first epochs: with He's weights they are of several units
    assert at_chance < np.log(4) + 0.1 and float(logits.mean(0).std()) < 0.5
    largest = max((m.weight.numel(), m) for m in network.modules() if isinstance(m, torch.nn.Linear))[1]
    bound = (6 / (largest.in_features + largest.out_features)) ** 0.5
    assert 0.99 * bound < float(largest.weight.detach().abs().max()) <= bound
