"""What a person can set about the adaptation of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ais_app.core.params import Params, param
from ais_app.core.training.parameters import DEVICES, PRECISIONS, TrainParams


@dataclass(frozen=True)
class AdaptParams(Params):
    """How a classifier is carried from one kind of subtomograms to another."""

    epochs: int = param(20, "Passes over the subtomograms", low=1, high=100_000)
    batch: int = param(64, "Subtomograms in one step, half of them of each side", low=8, high=4096)
    learning_rate: float = param(1e-4, "Largest step size of the network", low=1e-8, high=1)
    # ten times the network's (two time scales; Heusel et al., 2017, NeurIPS, section 2): with the same step for both
    # the discriminator told fewer than by chance at first, and the target gained less, on the one seed it was tried on
    discriminator_rate: float = param(1e-3, "Largest step size of the discriminator", low=1e-8, high=1)
    patience: int | None = param(8, "Stop after so many epochs without better answers on the target", low=1)
    seed: int = param(0, "The same seed on the same machine gives the same network", low=0, high=2**31 - 1)
    symmetries: bool = param(True, "Turn by half turns that keep the missing wedge in its place, at random")
    averaging: float = param(0.9, "Memory of the running average of the weights that is kept; 0: none", low=0, high=1)
    precision: str = param("auto", "auto: bf16 where the machine computes in it", choices=PRECISIONS)
    device: str = param("auto", "Where to compute", choices=DEVICES)

    def for_training(self, architecture: str, edge: int) -> TrainParams:
        """Return what the trainer takes, for a network of cubes of `edge` voxels."""
        still: dict[str, Any] = {"brightness": 0.0, "contrast": 0.0, "gamma": 0.0, "noise": 0.0, "shift": 0.0}
        ours: dict[str, Any] = {
            name: getattr(self, name) for name in ("epochs", "batch", "learning_rate", "patience", "seed")
        }
        ours |= {name: getattr(self, name) for name in ("symmetries", "averaging", "precision", "device")}
        fixed: dict[str, Any] = {
            "box_size": edge,
            "draws": 1,
            "negatives": 1.0,
            "optimiser": "adam",
            "schedule": "constant",
        }
        return TrainParams(architecture=architecture, **ours, **fixed, **still)
