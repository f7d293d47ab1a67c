"""Where a training keeps what it can be resumed from: beside the network that it makes."""

from __future__ import annotations

from pathlib import Path

_SUFFIX = ".checkpoint"


def checkpoint_path(network: Path) -> Path:
    """Return where the training of a network keeps its checkpoint.

    >>> checkpoint_path(Path("models/membrane 1.aismodel")).name
    'membrane 1.aismodel.checkpoint'
    """
    return network.with_name(network.name + _SUFFIX)


def network_of(checkpoint: Path) -> Path:
    """Return the network that a checkpoint belongs to; the opposite of `checkpoint_path`."""
    return checkpoint.with_name(checkpoint.name.removesuffix(_SUFFIX))
