"""What template matching can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param

CONTRASTS = ("auto", "bright", "dark")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class MatchParams(Params):
    """How a template is looked for, and which of its places are kept."""

    # the search
    angular_step: float = param(15.0, "Angle between neighbouring rotations", unit="°", low=1, high=180)
    symmetry: str = param("C1", "Symmetry of the template, about its z axis: C1, C2 ... or D2, D3 ...")
    template_contrast: str = param("auto", "Whether the template is bright or dark; auto finds it", choices=CONTRASTS)
    dark: bool = param(True, "Particles are dark in the tomogram; counts where the template's contrast is given")
    mask_radius: float | None = param(None, "Radius of the spherical mask; that of the template if not given", unit="Å")
    binning: int = param(1, "Average cubes of this many voxels of the tomogram first", unit="voxels", low=1, high=16)
    low_pass: float | None = param(None, "Remove detail finer than this from tomogram and template", unit="Å", low=1)
    high_pass: float | None = param(None, "Remove what is broader than this from both", unit="Å", low=1)
    defocus: float | None = param(
        None, "Weight the template by the contrast transfer at this underfocus", unit="µm", low=0.01, high=20
    )
    voltage: float = param(300.0, "Acceleration voltage, for the contrast transfer", unit="kV", low=60, high=400)
    phase_flipped: bool = param(True, "The phases of the contrast transfer were corrected in the tomogram")

    # what is kept
    number: int | None = param(None, "Keep this many, the best; otherwise the threshold decides", low=1)
    threshold: float | None = param(None, "Lowest score that is kept; found if not given", low=0, high=1)
    false_positives: float = param(1.0, "False peaks that a found threshold lets through, about", low=1e-6, high=1e6)
    min_distance: float | None = param(
        None, "Of two closer than this the better stays; the radius if not given", unit="Å"
    )
    border: float | None = param(None, "Distance kept from the faces; the radius of the mask if not given", unit="Å")
    outliers: float | None = param(
        2.0, "Leave out low scores where the tomogram varies so many times as much as at others: gold, ice", low=1
    )
    refine: bool = param(True, "Look for a better rotation around each that is found")

    # the machine
    memory: float = param(1000.0, "What the search may use, about", unit="MB", low=50, high=1e6)
    device: str = param("auto", "Where it is computed", choices=DEVICES)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mask_radius", "min_distance", "border"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ParameterProblem(name, f"{value} Å is no length", "give a positive number")
        if self.low_pass is not None and self.high_pass is not None and self.low_pass >= self.high_pass:
            problem = f"{self.low_pass:g} Å is not below high_pass, {self.high_pass:g} Å: nothing would be kept"
            raise ParameterProblem("low_pass", problem, "detail is kept between low_pass and high_pass")
