"""How weights change: optimiser, step size, running average."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from ais_app.core.model.network import Network
from ais_app.core.training.parameters import TrainParams

WARM_UP = 0.1  # share of the steps in which a one-cycle schedule rises
LOWEST = 0.01  # where it starts and ends, relative to its peak


def make_optimiser(network: nn.Module, params: TrainParams) -> torch.optim.Optimizer:
    """Return the optimiser; AdamW pulls only weights towards zero, not biases and batch-normalisation scales."""
    if params.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), params.learning_rate, fused=_fused(network))
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": params.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, params.learning_rate, fused=_fused(network))


def _fused(network: nn.Module) -> bool:
    return next(network.parameters()).device.type in {"cpu", "cuda"}


def learning_rate(step: int, steps: int, params: TrainParams) -> float:
    """Return the step size at a step: a function of nothing but the step, so that a training can be resumed.

    ``"one-cycle"``: up along half a cosine for a tenth of the steps, then down along another (Smith and
    Topin, 2017, without the change of momentum).
    """
    if params.schedule == "constant":
        return params.learning_rate
    rising = max(1.0, WARM_UP * steps)
    done = step / rising if step < rising else 1 - (step - rising) / max(1.0, steps - rising)
    share = LOWEST + (1 - LOWEST) * (1 - math.cos(math.pi * min(1.0, max(0.0, done)))) / 2
    return params.learning_rate * share


class RunningAverage:
    """The exponential running average of a network's weights and of its batch statistics.

    Parameters
    ----------
    network
        It starts as a copy of this.
    memory
        Share of the average that is kept at each step, approached from small values so that the initial weights are
        soon forgotten; 0: the average is the network.
    """

    def __init__(self, network: Network, memory: float) -> None:
        self.memory = memory
        self.network: Network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: Network, step: int) -> None:
        """Take in the weights after step number `step`, counted from 0."""
        new, old = network.state_dict().values(), self.network.state_dict().values()
        pairs = list(zip(old, new, strict=True))
        smooth = [(a, b) for a, b in pairs if a.is_floating_point()]
        weight = 1 - min(self.memory, (1 + step) / (10 + step))
        torch._foreach_lerp_([a for a, _ in smooth], [b for _, b in smooth], weight)
        for a, b in pairs:
            if not a.is_floating_point():
                a.copy_(b)
