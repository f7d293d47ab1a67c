"""The missing wedge: which directions of Fourier space a tilt series has seen.

Everything that compares, adds up or learns from subtomograms asks this one class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ais_app.core.params import Params, param

if TYPE_CHECKING:
    import torch

AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Wedge(Params):
    """The tilts of a tilt series, and so the part of Fourier space that it measured.

    A frequency k is measured where ``tilt_min <= atan2(k_beam, k_across) <= tilt_max``, angles taken between -90 and
    90 degrees, `across` being the third axis. The line of the tilt axis is always measured.

    Raises
    ------
    ParameterProblem
        The range is empty, beyond 90 degrees, or both axes are the same.
    """

    tilt_min: float = param(-60.0, "Lowest tilt", unit="degrees", low=-90, high=90)
    tilt_max: float = param(60.0, "Highest tilt", unit="degrees", low=-90, high=90)
    tilt_axis: str = param("y", "Axis the specimen was tilted about", choices=AXES)
    beam_axis: str = param("z", "Direction of the untilted beam", choices=AXES)

    def __post_init__(self) -> None:
        from ais_app.core.errors import ParameterProblem

        super().__post_init__()
        if self.tilt_min >= self.tilt_max:
            problem = f"from {self.tilt_min:g} to {self.tilt_max:g} degrees nothing is measured"
            raise ParameterProblem("tilt", problem, "give the lowest and the highest tilt, such as -60,60")
        if self.tilt_axis == self.beam_axis:
            raise ParameterProblem("tilt_axis", f"{self.tilt_axis!r} is the beam axis too", "choose another axis")

    @property
    def is_full(self) -> bool:
        """Whether nothing is missing."""
        return self.tilt_min <= -90 and self.tilt_max >= 90

    def mask(
        self, edge: int, rotations: torch.Tensor | None = None, device: torch.device | str = "cpu"
    ) -> torch.Tensor:
        """Return what is measured, on the grid of `ais_app.core.particles.fourier`.

        Parameters
        ----------
        edge
            Of the cube, voxels.
        rotations
            (k, 3, 3) on x y z columns, from the reference into the tomogram: the mask is then given in the frame of
            the reference, exactly, without interpolation. Without them in the frame of the tomogram.
        device
            Of torch.

        Returns
        -------
        Tensor
            (edge, edge, edge // 2 + 1) or (k, edge, edge, edge // 2 + 1) float32, 0 or 1.
        """
        import torch

        from ais_app.core.particles.fourier import frequencies_xyz

        k = frequencies_xyz(edge, device)
        if rotations is not None:
            turn = rotations.to(device=device, dtype=k.dtype)
            k = torch.einsum("nij,zyxj->nzyxi", turn, k)
        beam = AXES.index(self.beam_axis)
        across = 3 - beam - AXES.index(self.tilt_axis)
        along, other = k[..., beam], k[..., across]
        # angles modulo 180 degrees; a beam frequency of rotation noise around 0 must not flip the sign of 90
        angle = torch.rad2deg(torch.atan2(torch.where(other < 0, -along, along), other.abs()))
        margin = 1e-3
        inside = (angle >= self.tilt_min - margin) & (angle <= self.tilt_max + margin)
        return (inside | ((along.abs() < margin) & (other.abs() < margin))).float()
