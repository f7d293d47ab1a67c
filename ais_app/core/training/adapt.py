"""Carry a classifier from simulated to experimental subtomograms without a label of the latter.

    1  a network is trained on cubes with labels (the source)               subtomo train
    2  a copy of it learns to see cubes of the target such that a second network, the discriminator, cannot tell
       their features from the first one's of the source                     here
    3  the copy's features and the first one's last layer classify the target

Adversarial discriminative domain adaptation (Tzeng et al., 2017, CVPR, sections 3 and 4), used for subtomograms by Lin
et al. (2019), Adversarial domain adaptation for cross data source macromolecule in situ structural classification.
With the discriminator D, 1 for the target::

    D:        −log(1 − D(first(source))) − log D(copy(target))
    the copy: −log(1 − D(copy(target)))

It is a training like any other, of cubes whose labels say of which side they are. Nothing here sees a class: the best
epoch is the one whose answers on held-out target cubes say most (`information`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ais_app.core.errors import ModelProblem, ParameterProblem
from ais_app.core.model.cubes import CubeNetwork, standardised
from ais_app.core.model.network import Network
from ais_app.core.training.adapt_parameters import AdaptParams
from ais_app.core.training.augment_cubes import augment_cubes
from ais_app.core.training.batches import held_out_batches
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.classify import check_cubes
from ais_app.core.training.objective import Objective, Precision, follow
from ais_app.core.training.parameters import TrainParams

SOURCE, TARGET = 0, 1
HIDDEN = 500  # units of each of the two layers of the discriminator
MOST_MEASURED = 256  # cubes of each side that an epoch is measured on


def adapt_data(
    source: np.ndarray,
    target: np.ndarray,
    params: TrainParams,
    share: float = 0.2,
    *,
    voxel_size: float | None = None,
) -> TrainingData:
    """Put the cubes of both sides together; the label says which side.

    Parameters
    ----------
    source, target
        (n, edge, edge, edge) and (m, edge, edge, edge), any kind of numbers.
    params
        ``box_size`` and ``seed`` count.
    share
        Of each side that is held out to measure on.
    voxel_size
        Å, of the target.

    Raises
    ------
    ParameterProblem
        A side has fewer than four cubes, or cubes of another size than the network takes.
    ModelProblem
        A cube holds NaN or infinite voxels.
    """
    random = np.random.default_rng((params.seed, 8))
    kept, measured = [], []
    for side, cubes in (("source", source), ("target", target)):
        if cubes.ndim != 4 or cubes.shape[1:] != (params.box_size,) * 3 or len(cubes) < 4:
            wanted = f"give at least 4 cubes of {params.box_size} voxels"
            raise ParameterProblem(side, f"cubes of shape {cubes.shape} do not suit", wanted)
        order = random.permutation(len(cubes))
        out = min(MOST_MEASURED, max(1, round(share * len(cubes))))
        measured.append(np.sort(order[:out]))
        kept.append(np.sort(order[out:]))
    training, held_out = (_both(source[one], target[two]) for one, two in (kept, measured))
    record = {"cubes": {"source": len(source), "target": len(target), "held out": len(held_out)}}
    return TrainingData(training, held_out, voxel_size, 0, 0, record)


def _both(source: np.ndarray, target: np.ndarray) -> BoxSet:
    sides = np.repeat(np.array([SOURCE, TARGET]), [len(source), len(target)])
    return BoxSet(np.concatenate([standardised(source), standardised(target)]), sides, sides == TARGET)


class Discriminator(nn.Module):
    """Features ``(n, f)`` to the logit of being the target's, ``(n,)``; two hidden layers of 500."""

    def __init__(self, features: int) -> None:
        super().__init__()
        widths = (features, HIDDEN, HIDDEN)
        layers: list[nn.Module] = [nn.LayerNorm(features)]
        for one, two in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Linear(one, two), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(HIDDEN, 1))
        # a buffer, so that a training that is resumed within an epoch gives the same history
        self.told: torch.Tensor
        self.register_buffer("told", torch.zeros(2))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.layers(features)[:, 0]

    @torch.no_grad()
    def count(self, logits: torch.Tensor, of_target: torch.Tensor) -> None:
        """Count how many of the features were told right, by logits that have not yet been learned from."""
        self.told += torch.stack(((logits > 0) == of_target, torch.ones_like(of_target))).sum(1)

    @torch.no_grad()
    def share_told(self) -> float:
        """Return the share that was told right since the last call, after at least one step."""
        right, all_of_them = self.told.tolist()
        self.told.zero_()
        return right / all_of_them


class AdaptObjective:
    """The discriminator and the copy in turn; the first network and the last layer stay as they are."""

    def __init__(self, network: Network, params: TrainParams, discriminator_rate: float) -> None:
        if not isinstance(network, CubeNetwork) or network.task != "classify":
            raise ModelProblem("network", "does not classify cubes", "adapt a network that does")
        self.network, self.clip, self.rate = network, params.clip, discriminator_rate
        self.peak = params.learning_rate
        self.first = copy.deepcopy(network).eval().requires_grad_(False)
        device = next(network.parameters()).device
        edge = params.box_size
        with torch.inference_mode():
            width = self.first.features(torch.zeros(1, edge, edge, edge, device=device)).shape[1]
        self.discriminator = Discriminator(width).to(device)
        self.modules: dict[str, nn.Module] = {"discriminator": self.discriminator, "first": self.first}
        betas = (0.5, 0.99)  # a memory of the gradient that is too long lets the two circle each other
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "network": torch.optim.Adam(network.parameters(), betas=betas),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), betas=betas, weight_decay=1e-3),
        }

    def step(self, images: torch.Tensor, labels: torch.Tensor, rate: float, precision: Precision) -> float:
        """Change the discriminator, then the copy; return the copy's loss."""
        _without_dropout(self.network)
        of_target = labels == TARGET
        with precision():
            with torch.no_grad():
                source = self.first.features(images[~of_target])
            target = self.network.features(images[of_target])
        source, target = source.float(), target.float()
        both = self.discriminator(torch.cat((source, target.detach())))
        sides = torch.cat((torch.zeros(len(source)), torch.ones(len(target)))).to(both.device)
        self.discriminator.count(both.detach(), sides > 0)
        judged = F.binary_cross_entropy_with_logits(both, sides)
        follow(self.optimisers["discriminator"], judged, self.rate * rate / self.peak)
        fooled = F.softplus(self.discriminator(target)).mean()
        follow(self.optimisers["network"], fooled, rate, self.clip)
        return float(fooled.detach())

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean entropy of the answers."""
        return entropy(logits).mean()


class Adapt:
    """The task of the trainer.

    Parameters
    ----------
    discriminator_rate
        See `AdaptParams`.
    """

    def __init__(self, discriminator_rate: float = AdaptParams().discriminator_rate) -> None:
        self.discriminator_rate = discriminator_rate

    def check(self, boxes: BoxSet) -> None:
        """Raise `ParameterProblem` where boxes are not cubes of two sides."""
        check_cubes(boxes)

    def objective(self, network: Network, params: TrainParams) -> Objective:
        """Return what trains both networks."""
        return AdaptObjective(network, params, self.discriminator_rate)

    def augment(
        self, images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Alter cubes; see `augment_cubes`."""
        return augment_cubes(images, labels, params, random)

    def measure(
        self, boxes: BoxSet, network: Network, objective: Objective, params: TrainParams, precision: Precision
    ) -> Mapping[str, Any]:
        """Return the loss: the negative `information` of answers on target cubes, their ``entropy``.

        Also ``discriminator``, the share of cubes whose side the discriminator tells, of all batches since the last
        measurement and before it learns from each: 0.5 where it is at a loss. Its last weights alone, against those
        of the last step, swing between 0.6 and 1 from one epoch to the next.
        """
        assert isinstance(objective, AdaptObjective)
        assert isinstance(network, CubeNetwork)
        device = next(network.parameters()).device
        answers = []
        for _, images, sides in held_out_batches(boxes, params.batch, device):
            of_target = sides == TARGET
            with torch.inference_mode(), precision():
                if of_target.any():
                    answers.append(network.logits(images[of_target]).float())
        logits = torch.cat(answers)
        mean = float(entropy(logits).mean())
        found = {"loss": -information(logits), "entropy": mean, "discriminator": objective.discriminator.share_told()}
        return {name: round(value, 6) for name, value in found.items()}


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Return how undecided answers ``(n, classes)`` are, ``(n,)``, in natural units."""
    return torch.special.entr(torch.softmax(logits.float(), dim=1)).sum(1)


def information(logits: torch.Tensor) -> float:
    """Return how much answers ``(n, classes)`` say about their cubes, in natural units.

    The entropy of the mean answer less the mean entropy of the answers: large where each cube gets one class for
    sure, and not all the same one. The entropy alone would choose a network that calls everything by one name.
    """
    mean = torch.softmax(logits.float(), dim=1).mean(0)
    return float(torch.special.entr(mean).sum() - entropy(logits).mean())


def _without_dropout(network: nn.Module) -> None:
    """Let no dropout tell the copy, which is trained, from the first network, which is not."""
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
