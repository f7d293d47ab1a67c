"""What a person can set about a training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param

LOSSES = ("bce+dice", "bce", "dice", "focal", "focal+dice")
SCHEDULES = ("one-cycle", "constant")
OPTIMISERS = ("adamw", "adam")
VALIDATIONS = ("auto", "tomogram", "slab", "area", "none")
PRECISIONS = ("auto", "bf16", "fp32")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class TrainParams(Params):
    """What to train, on what, and how."""

    architecture: str = param("resunet", "Network that segments; `ais-app models list` shows them")
    epochs: int = param(25, "Passes over the boxes", low=1, high=100_000)
    draws: int = param(8, "Times that an epoch uses each box, each time altered anew", low=1, high=1000)
    batch: int = param(8, "Boxes in one step; small ones learn faster from few boxes", low=1, high=4096)
    boxes: int | None = param(None, "Boxes in all: those that a person did not place are placed on the labels", low=1)
    box_size: int = param(64, "Edge of a box; a multiple of the network's stride", unit="voxels", low=8, high=2048)
    depth: int = param(
        1,
        "Slices the network sees at once: odd; of networks of volumes how deep a box is, 1 for a cube",
        unit="slices",
        low=1,
        high=2048,
    )
    voxel_size: float | None = param(
        None, "Rescale every tomogram to this voxel size; that of the first tomogram if not given", unit="Å", low=0.01
    )
    negatives: float = param(0.5, "Boxes without the feature for every box with it, in every batch", low=0, high=100)
    validation: str = param("auto", "What is held out to measure on", choices=VALIDATIONS)
    validation_share: float = param(0.2, "Share of the data that is held out", low=0.01, high=0.9)
    seed: int = param(0, "The same seed on the same machine gives the same network", low=0, high=2**31 - 1)

    loss: str = param("bce+dice", "What is minimised", choices=LOSSES)
    optimiser: str = param("adamw", "How weights are changed", choices=OPTIMISERS)
    learning_rate: float = param(2e-3, "Largest step size", low=1e-8, high=1)
    schedule: str = param("one-cycle", "How the step size changes", choices=SCHEDULES)
    weight_decay: float = param(1e-2, "Pull of the weights towards zero (adamw)", low=0, high=1)
    clip: float | None = param(1.0, "Largest norm of the gradient", low=1e-6)
    averaging: float = param(0.99, "Memory of the running average of the weights that is kept; 0: none", low=0, high=1)
    patience: int | None = param(None, "Stop after so many epochs without a better held-out loss", low=1)
    precision: str = param("auto", "auto: bf16 where the machine computes in it", choices=PRECISIONS)
    device: str = param("auto", "Where to compute", choices=DEVICES)

    symmetries: bool = param(True, "Turn by quarters and mirror at random; with depth also upside down")
    brightness: float = param(0.1, "Probability of a change of brightness", low=0, high=1)
    contrast: float = param(0.1, "Probability of a change of contrast", low=0, high=1)
    gamma: float = param(0.05, "Probability of a change of gamma", low=0, high=1)
    noise: float = param(0.1, "Probability of added noise", low=0, high=1)
    blur: float = param(0.05, "Probability of a Gaussian blur", low=0, high=1)
    scale: float = param(0.2, "Probability of a scaling by up to a tenth", low=0, high=1)
    wedge: float = param(0.05, "Probability of weakening a wedge of directions in Fourier space", low=0, high=1)
    spectrum: float = param(0.1, "Probability of a smooth change of Fourier amplitudes", low=0, high=1)
    shift: float = param(0.125, "Largest random shift of a box, as a share of its edge", low=0, high=0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth % 2 == 0 and _of_slices(self.architecture):
            raise ParameterProblem("depth", f"{self.depth} slices have no middle", "choose an odd number")

    @property
    def margin(self) -> int:
        """Voxels around a box that are cut with it, so that a shift or a scaling finds image there."""
        return round(self.box_size * (self.shift + (0.06 if self.scale else 0)))


def suited(params: TrainParams, stride: int, dimension: int) -> TrainParams:
    """Return the parameters with the depth that boxes of a network have: its slices, or those of a volume.

    Raises
    ------
    ParameterProblem
        Boxes of that depth do not suit a network of volumes.
    """
    if dimension == 2:
        return params
    depth = params.depth if params.depth > 1 else params.box_size
    if depth % stride:
        near = max(stride, round(depth / stride) * stride)
        raise ParameterProblem("depth", f"{depth} is not a multiple of {stride}, the network's stride", f"give {near}")
    return replace(params, depth=depth)


def _of_slices(name: str) -> bool:
    """Return whether an architecture is one of slices; only asked for even depths, because it must load them all."""
    from ais_app.core.model.architectures import architectures

    known = architectures().get(name)
    return known is not None and known.dimension == 2
