"""Which boxes make up which batch: a function of seed and epoch alone, so that a training can be resumed anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ais_app.core.training.boxes import BoxSet
from ais_app.core.training.parameters import TrainParams


def steps_per_epoch(boxes: int, params: TrainParams) -> int:
    """Return the number of batches in which each box comes `TrainParams.draws` times."""
    return max(1, round(boxes * params.draws / params.batch))


def epoch_batches(positive: np.ndarray, params: TrainParams, epoch: int) -> list[np.ndarray]:
    """Return the boxes of each batch of an epoch.

    Parameters
    ----------
    positive
        (n,) bool: boxes that hold the feature.
    params
        `negatives` boxes without the feature come for each one with it, in every batch to within one box and over
        the epoch exactly, however many of either there are. Where there are none of one kind all are of the other.
    epoch
        Counted from 0.

    Returns
    -------
    list of ndarray
        Indices; within its kind every box comes equally often, to within once.
    """
    steps = steps_per_epoch(len(positive), params)
    batch = min(params.batch, len(positive) * params.draws)
    random = np.random.default_rng((params.seed, epoch, 1))
    with_feature, without = np.flatnonzero(positive), np.flatnonzero(~positive)
    share = 1 / (1 + params.negatives) if len(with_feature) and len(without) else float(len(without) == 0)
    wanted = round(steps * batch * share)
    ends = [wanted * (step + 1) // steps for step in range(steps)]
    ours, others = _stream(with_feature, wanted, random), _stream(without, steps * batch - wanted, random)
    batches, start = [], 0
    for step, end in enumerate(ends):
        rest = slice(step * batch - start, (step + 1) * batch - end)
        batches.append(np.concatenate([ours[start:end], others[rest]]))
        start = end
    return batches


def _stream(indices: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return `count` indices: all in random order, then all again in another."""
    rounds = -(-count // len(indices)) if len(indices) else 0
    return np.concatenate([np.empty(0, np.int64), *(random.permutation(indices) for _ in range(rounds))])[:count]


def held_out_batches(
    boxes: BoxSet, size: int, device: torch.device
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """Yield boxes in their order: which, images and labels, on `device`; `size` at a time."""
    for low in range(0, len(boxes), size):
        part = slice(low, low + size)
        yield part, torch.from_numpy(boxes.images[part]).to(device), torch.from_numpy(boxes.labels[part]).to(device)
