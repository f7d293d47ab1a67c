"""What one step of a training minimises, and with which optimisers.

The usual one, `LossObjective`, follows one loss of the network's output. An architecture that needs more, such as a
second network to train against, brings its own as `ais_app.models.Architecture.objective`; the trainer knows no other
difference between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import nn

from ais_app.core.model.network import Network
from ais_app.core.model.tracing import TRACING
from ais_app.core.training.losses import loss_function
from ais_app.core.training.optimise import make_optimiser
from ais_app.core.training.parameters import TrainParams

Precision = Callable[[], AbstractContextManager[None]]


class Objective(Protocol):
    """What the trainer asks of an objective.

    An architecture makes its own as ``objective(usual)`` from the usual one of its task, a `LossObjective` for
    segmentation, whose network, loss and optimiser it can use or replace. At that time the network lies on the device
    it is trained on, and torch's random numbers are those of the training's seed. What an objective remembers from
    step to step must be in `modules` and in `optimisers`: these go into checkpoints, and a training that is resumed
    must end with the weights of one that was not interrupted.
    """

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What is trained beside the network, by names of its own choice; mostly empty."""

    @property
    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Its optimisers by names of its own choice."""

    def step(self, images: torch.Tensor, labels: torch.Tensor, rate: float, precision: Precision) -> float:
        """Change the weights once.

        Parameters
        ----------
        images
            ``(n, depth, h, w)`` normalised and altered boxes, float32, on the network's device.
        labels
            uint8: 0, 1, 2 = ignore; the shape is the one that the network's logits are compared with.
        rate
            Step size for this step, from the schedule.
        precision
            ``with precision():`` around forward passes computes them in the training's precision. Random numbers
            that layers draw in this step come from its seed and number.

        Returns
        -------
        float
            The loss that is shown; where it is not finite, the trainer stops.
        """

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss on held-out boxes by which the best epoch is chosen; lower is better."""


class LossObjective:
    """One loss of the network's logits, one optimiser, gradients cut to a largest norm.

    Parameters
    ----------
    network
        What is trained.
    params
        ``loss``, ``optimiser``, ``weight_decay`` and ``clip`` count.
    """

    def __init__(self, network: Network, params: TrainParams) -> None:
        self.network, self.clip = network, params.clip
        self.loss = loss_function(params.loss)
        self.modules: dict[str, nn.Module] = {}
        self.optimisers = {"network": make_optimiser(network, params)}

    def step(self, images: torch.Tensor, labels: torch.Tensor, rate: float, precision: Precision) -> float:
        """Follow the gradient of the loss; see `Objective.step`."""
        with precision():
            logits = self.network.logits(images)
        loss = self.loss(logits, labels)
        self.follow(loss, rate)
        return float(loss.detach())

    def follow(self, loss: torch.Tensor, rate: float, optimiser: torch.optim.Optimizer | None = None) -> None:
        """Change the network's weights along the gradient of a scalar loss, by a step of size `rate`.

        Those of another `optimiser`, where one is given; gradients are not cut then.
        """
        if optimiser is None:
            follow(self.optimisers["network"], loss, rate, self.clip)
        else:
            follow(optimiser, loss, rate)

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the same loss that training minimises."""
        return self.loss(logits, labels)


def follow(optimiser: torch.optim.Optimizer, loss: torch.Tensor, rate: float, clip: float | None = None) -> None:
    """Do one step of an optimiser along the gradient of a loss.

    Parameters
    ----------
    optimiser
        Its weights change, and only theirs: gradients that the loss leaves elsewhere are not used.
    loss
        Scalar.
    rate
        Step size.
    clip
        Largest norm of the gradient over all of the optimiser's weights; ``None``: as it comes.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate
    with TRACING:
        optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if clip is not None:
        torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], clip)
    with TRACING:
        optimiser.step()
