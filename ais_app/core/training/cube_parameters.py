"""What a person can set about the training of a network of subtomograms."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.training.parameters import DEVICES, OPTIMISERS, PRECISIONS, SCHEDULES, TrainParams

HELD_OUT = ("share", "tomogram", "none")


@dataclass(frozen=True)
class CubeTrainParams(Params):
    """Which network of cubes to train, and how; what only boxes of tomograms know is left out."""

    architecture: str = param(
        "classifier3d", "Network that classifies or encodes, or with masks one of volumes; see `ais-app models list`"
    )
    epochs: int = param(20, "Passes over the subtomograms", low=1, high=100_000)
    batch: int = param(32, "Subtomograms in one step", low=1, high=4096)
    edge: int | None = param(
        None,
        "Edge of what the network sees, cut out of the middle; that of the stack if not given",
        unit="voxels",
        low=4,
    )
    code: int | None = param(
        None, "Numbers in the code of an encoder; 32 without labels and 128 with some if not given", low=1, high=4096
    )
    validation: str = param("share", "What is held out to measure on: of each class, or a tomogram", choices=HELD_OUT)
    validation_share: float = param(0.2, "Share of the subtomograms that is held out", low=0.01, high=0.9)
    seed: int = param(0, "The same seed on the same machine gives the same network", low=0, high=2**31 - 1)

    optimiser: str = param("adamw", "How weights are changed", choices=OPTIMISERS)
    learning_rate: float = param(1e-3, "Largest step size", low=1e-8, high=1)
    schedule: str = param("one-cycle", "How the step size changes", choices=SCHEDULES)
    weight_decay: float = param(1e-2, "Pull of the weights towards zero (adamw)", low=0, high=1)
    averaging: float = param(0.99, "Memory of the running average of the weights that is kept; 0: none", low=0, high=1)
    patience: int | None = param(None, "Stop after so many epochs without a better held-out loss", low=1)
    precision: str = param("auto", "auto: bf16 where the machine computes in it", choices=PRECISIONS)
    device: str = param("auto", "Where to compute", choices=DEVICES)

    symmetries: bool = param(True, "Turn by half turns that keep the missing wedge in its place, at random")
    brightness: float = param(0.1, "Probability of a change of brightness", low=0, high=1)
    contrast: float = param(0.1, "Probability of a change of contrast", low=0, high=1)
    gamma: float = param(0.05, "Probability of a change of gamma", low=0, high=1)
    noise: float = param(0.1, "Probability of added noise", low=0, high=1)
    shift: float = param(0.125, "Largest shift as a share of the edge, within what cubes are larger", low=0, high=0.5)

    def for_cubes(self, edge: int, stride: int = 1) -> TrainParams:
        """Return what the trainer takes, for cubes of `edge` voxels and a network that sees multiples of `stride`.

        Raises
        ------
        ParameterProblem
            The network is to see more than the cubes hold, or what it cannot halve.
        """
        size = edge // stride * stride if self.edge is None else self.edge
        if size > edge:
            raise ParameterProblem("edge", f"{size} voxels do not fit into cubes of {edge}", "extract larger cubes")
        if edge < 8:
            raise ParameterProblem(
                "edge", f"cubes of {edge} voxels are too small to learn from", "extract larger cubes"
            )
        if size % stride or not size:
            near = max(stride, size // stride * stride)
            problem = f"{size} voxels are no multiple of {stride}, the stride of {self.architecture}"
            raise ParameterProblem("edge", problem, f"give {near}" if near <= edge else "extract larger cubes")
        shared = {field.name for field in fields(TrainParams)} & {field.name for field in fields(self)}
        values = {name: getattr(self, name) for name in shared if name not in ("validation", "depth")}
        base = replace(TrainParams(), **values, box_size=size, draws=1, depth=1)
        return replace(base, validation="none" if self.validation == "none" else "auto")
