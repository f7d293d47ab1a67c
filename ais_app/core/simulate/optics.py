"""What happens to a projection: contrast transfer, detector, dose, and the filter before back-projection."""

from __future__ import annotations

import numpy as np

from ais_app.core.simulate.parameters import SimulateParams

_CRITICAL = (0.245, -1.665, 2.81)  # Grant & Grigorieff 2015, eLife 4:e06980, eq. 3, at 300 kV
_FALL_OFF = 0.05  # cycles per voxel, width of the Gaussian at the end of the ramp


def wavelength(voltage: float) -> float:
    """Return the relativistic wavelength of electrons in Å, for kV.

    >>> round(wavelength(300), 6)
    0.019688
    """
    volts = voltage * 1e3
    return float(12.2643 / np.sqrt(volts + 0.978466e-6 * volts**2))


def contrast_transfer(k: np.ndarray, params: SimulateParams) -> np.ndarray:
    """Return the contrast transfer function at spatial frequencies `k` in 1/Å, any shape.

    Negative at low frequencies: density is dark in an underfocused micrograph. Without defocus it is -1 everywhere.
    """
    if params.defocus == 0:
        return np.full_like(k, -1.0)
    lam, a = wavelength(params.voltage), params.amplitude_contrast
    cs = params.spherical_aberration * 1e7
    phase = np.pi * lam * params.defocus * 1e4 * k**2 - 0.5 * np.pi * cs * lam**3 * k**4
    return -np.sqrt(1 - a * a) * np.sin(phase) - a * np.cos(phase)


def detector_response(k: np.ndarray, params: SimulateParams) -> np.ndarray:
    """Return the modulation transfer of the detector, ``sinc(pi w / 2)`` with w = 1 at the Nyquist frequency."""
    if not params.detector:
        return np.ones_like(k)
    return np.sinc(np.clip(k * params.voxel_size, 0, 1))


def dose_decay(k: np.ndarray, accumulated: float) -> np.ndarray:
    """Return what is left of the amplitudes at `k` (1/Å) after a dose in e/Å² (Grant & Grigorieff 2015)."""
    if accumulated <= 0:
        return np.ones_like(k)
    scale, power, offset = _CRITICAL
    critical = scale * np.maximum(k, 1e-6) ** power + offset
    return np.exp(-accumulated / (2 * critical))


def accumulated_doses(tilts: np.ndarray, total: float) -> np.ndarray:
    """Return the dose each tilt has behind it when it is half exposed, (n,) e/Å².

    `tilts`, (n,) degrees, are recorded from 0° outwards on both sides; `total` is the dose of all, e/Å².
    """
    order = np.argsort(np.abs(tilts), kind="stable")
    doses = np.empty(len(tilts))
    doses[order] = (np.arange(len(tilts)) + 0.5) * total / len(tilts)
    return doses


def ramp(n: int, cutoff: float) -> np.ndarray:
    """Return the weighting of a projection for back-projection, (n // 2 + 1,) in cycles per voxel.

    The exact transform of the sampled ramp (Kak & Slaney 1988, eq. 3.29), which keeps the mean right, up to
    `cutoff`; then a Gaussian of width 0.05.
    """
    index = np.fft.fftfreq(n, 1 / n)
    kernel = np.zeros(n)
    odd = index.astype(int) % 2 == 1
    kernel[odd] = -1 / (np.pi * index[odd]) ** 2
    kernel[0] = 0.25
    k = np.fft.rfftfreq(n)
    beyond = np.clip(k - cutoff, 0, None)
    return np.fft.rfft(kernel).real * np.exp(-0.5 * (beyond / _FALL_OFF) ** 2)
