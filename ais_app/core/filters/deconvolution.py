"""Deconvolution: gives back what the microscope's contrast transfer took from large structures, as far as noise allows.

A Wiener filter whose signal-to-noise ratio falls off with spatial frequency, in the manner of Tegunov and Cramer
(2019), Nat. Methods 16, 1146:

    W(k) = c / (c² + 1 / SNR(k)),   SNR(k) = 10^(3 strength) exp(-fall_off k) h(k)

c is the contrast transfer function, positive at low frequencies, so that dark stays dark; h rises from 0 at frequency 0
to 1 at 1 / high_pass, as half a cosine. The formula is realised by a kernel of finite reach.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX

_WAVES = 1.5  # waves of the broadest kind that the kernel reaches to either side


@dataclass(frozen=True)
class DeconvolutionParams(Params):
    """The microscope, and how much signal there is."""

    defocus: float = param(4.0, "Underfocus; 0 leaves the contrast transfer out", unit="µm", low=0.0, high=20.0)
    strength: float = param(1.0, "Power of ten of the signal, in thousands", low=0.0, high=3.0)
    fall_off: float = param(
        220.0, "How fast the signal falls with frequency; more is smoother", unit="Å", low=0.0, high=5000.0
    )
    high_pass: float = param(300.0, "Remove what is broader than this", unit="Å", low=10, high=5000)
    phase_flipped: bool = param(True, "The phases were corrected before the reconstruction")
    voltage: float = param(300.0, "Acceleration voltage", unit="kV", low=60.0, high=400.0)
    spherical_aberration: float = param(2.7, "Spherical aberration", unit="mm", low=0.0, high=10.0)
    amplitude_contrast: float = param(0.07, "Share of amplitude contrast", low=0.0, high=1.0)
    three_d: bool = param(False, "Filter in space, not each slice by itself")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: DeconvolutionParams) -> np.ndarray:
    """Undo the contrast transfer, as `Filter.apply`; the mean becomes 0."""
    from ais_app.core.filtering.missing import with_missing
    from ais_app.core.filtering.radial import radial_filter

    def response(k: np.ndarray) -> np.ndarray:
        return wiener(k, params)

    return with_missing(radial_filter(volume, response, voxel_size_zyx, _reach(params, voxel_size_zyx)), volume)


def wiener(k: np.ndarray, params: DeconvolutionParams) -> np.ndarray:
    """Return the response at spatial frequencies `k` in 1/Å, any shape."""
    from ais_app.core.simulate.optics import contrast_transfer
    from ais_app.core.simulate.parameters import SimulateParams

    microscope = SimulateParams(
        defocus=params.defocus,
        voltage=params.voltage,
        spherical_aberration=params.spherical_aberration,
        amplitude_contrast=params.amplitude_contrast,
    )
    k = np.asarray(k, dtype=np.float64)
    transfer = -contrast_transfer(k, microscope)
    if params.phase_flipped:
        transfer = np.abs(transfer)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.minimum(k * params.high_pass, 1))
    signal = 10 ** (3 * params.strength) * np.exp(-params.fall_off * k) * rise
    # as above, without a division by a signal of 0
    result: np.ndarray = transfer * signal / (transfer**2 * signal + 1)
    return result


def margin(params: DeconvolutionParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return twice the reach of the kernel: missing voxels are filled from as far."""
    z, y, x = (2 * side for side in _reach(params, voxel_size_zyx))
    return z, y, x


def _reach(params: DeconvolutionParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return how far the kernel goes; above 1 / high_pass its response is then the formula's to 3 % of the largest."""
    from ais_app.core.filtering.radial import check_reach

    length = _WAVES * params.high_pass
    z, y, x = (math.ceil(side - 1e-9) for side in in_voxels(length, voxel_size_zyx, params.three_d))
    return check_reach("high_pass", (z, y, x))


FILTER = Filter("deconvolution", "Deconvolution of the contrast transfer", DeconvolutionParams, apply, margin)
