"""What a phantom is made of and how it is imaged."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param

# in a field of 0.256 x 0.256 µm, where a number is not given
_USUAL = {"n_vesicles": 2, "n_double_membranes": 1, "n_sheets": 1, "n_microtubules": 2, "n_actin": 3, "n_beads": 3}
_USUAL_FIELD = 2560.0**2
MOST_VOXELS = 2**29  # a phantom takes some 30 bytes a voxel while it is made


@dataclass(frozen=True)
class SimulateParams(Params):
    """A phantom: its field of view, its contents, the microscope and the reconstruction."""

    shape: tuple[int, int, int] = param((64, 256, 256), "Size of the tomogram, z,y,x", unit="voxels", low=8, high=4096)
    voxel_size: float = param(10.0, "Voxel size", unit="Å", low=2.0, high=40.0)

    # contents; a number that is not given suits the size of the field
    n_vesicles: int | None = param(None, "Closed membranes", low=0, high=200)
    n_double_membranes: int | None = param(None, "Closed double membranes, one inside the other", low=0, high=50)
    n_sheets: int | None = param(None, "Membranes that cross the whole field", low=0, high=20)
    vesicle_radius: tuple[float, float] = param((220.0, 420.0), "Smallest and largest radius", unit="Å", low=60.0)
    membrane_thickness: float = param(40.0, "From head groups to head groups", unit="Å", low=20.0, high=80.0)
    n_microtubules: int | None = param(None, "13-protofilament microtubules", low=0, high=100)
    n_actin: int | None = param(None, "Actin filaments", low=0, high=500)
    microtubule_persistence: float = param(3e5, "Persistence length of microtubules", unit="Å", low=1e3)
    actin_persistence: float = param(9e4, "Persistence length of actin", unit="Å", low=1e3)
    complexes: tuple[str, ...] = param(
        ("ribosome", "tric", "proteasome", "p97"),
        "Complex to scatter, NAME for a share of --occupancy or NAME=COPIES; give the option again for more",
        option="complex",
    )
    occupancy: float = param(0.06, "Fraction of the volume that complexes fill", low=0.0, high=0.3)
    n_membrane_proteins: int = param(0, "Receptors (ampa_receptor) in the membranes", low=0, high=100000)
    n_beads: int | None = param(None, "Gold beads", low=0, high=1000)
    bead_diameter: float = param(100.0, "Diameter of the gold beads", unit="Å", low=20.0, high=400.0)
    carbon: bool = param(True, "The edge of a carbon film at one side")

    # microscope
    tilt: float = param(60.0, "Largest tilt; the series runs from minus to plus this", unit="°", low=0.0, high=90.0)
    tilt_step: float = param(3.0, "Angle between tilts", unit="°", low=0.25, high=30.0)
    defocus: float = param(4.0, "Underfocus; 0 leaves the contrast transfer out", unit="µm", low=0.0, high=20.0)
    voltage: float = param(300.0, "Acceleration voltage", unit="kV", low=60.0, high=400.0)
    spherical_aberration: float = param(2.7, "Spherical aberration", unit="mm", low=0.0, high=10.0)
    amplitude_contrast: float = param(0.07, "Share of amplitude contrast", low=0.0, high=1.0)
    phase_flip: bool = param(True, "Correct the phases of the contrast transfer before the reconstruction")
    detector: bool = param(True, "Blur and colour the noise by the detector's response")
    dose: float = param(100.0, "Total dose, which fades detail; 0 for none", unit="e/Å²", low=0.0, high=500.0)
    snr: float = param(
        0.1,
        "Variance of signal over variance of noise in the tomogram, within 100 Å of structures; inf for no noise",
        low=1e-4,
    )

    # reconstruction and files
    radial_cutoff: float = param(0.35, "End of the ramp filter; a Gaussian follows", unit="1/voxel", low=0.1, high=0.5)
    invert: bool = param(False, "Bright structures instead of dark ones")
    keep_noise_free: bool = param(False, "Also give the tomogram without noise")
    keep_instances: bool = param(False, "Also give a volume that numbers every structure")

    def __post_init__(self) -> None:
        """Check bounds, and what a single bound cannot say."""
        super().__post_init__()
        if len(self.shape) != 3 or any(not isinstance(n, int) for n in self.shape):
            raise ParameterProblem("shape", f"{self.shape} is not z,y,x", "give three whole numbers such as 64,256,256")
        if math.prod(self.shape) > MOST_VOXELS:
            problem = f"{math.prod(self.shape):,} voxels are more than the {MOST_VOXELS:,} that are held in memory"
            raise ParameterProblem("shape", problem, "make it smaller")
        if len(self.vesicle_radius) != 2 or self.vesicle_radius[0] > self.vesicle_radius[1]:
            problem = f"{self.vesicle_radius} is not smallest, largest"
            raise ParameterProblem("vesicle_radius", problem, "give two lengths in Å such as 220,420")
        if not math.isfinite(self.voxel_size * self.dose * self.defocus):
            raise ParameterProblem("SimulateParams", "a length or dose is not finite", "give plain numbers")

    def number(self, name: str) -> int:
        """Return how many of ``n_<things>`` to put in: as given, or as many as suit the field, one at least."""
        given: int | None = getattr(self, name)
        if given is not None:
            return given
        field = self.shape[1] * self.shape[2] * self.voxel_size**2
        return math.ceil(_USUAL[name] * field / _USUAL_FIELD - 1e-9)
