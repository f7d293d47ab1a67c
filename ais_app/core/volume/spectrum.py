"""The missing wedge, read from the power spectrum of a block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TYPICAL_TILT = 60.0  # degrees
_SEEN_BELOW = 0.25  # power in the wedge, relative to outside, that counts as missing; real tomograms have some 0.05


@dataclass(frozen=True)
class MissingWedge:
    """Where the projections of a tilt series left nothing.

    Parameters
    ----------
    beam_axis
        ``"z"``, ``"y"`` or ``"x"``: direction of the untilted beam, the axis of the wedge.
    tilt_axis
        Axis the specimen was tilted about.
    power
        Power inside a wedge of ±60° relative to outside, at the same frequencies; 1 where nothing is missing.
    """

    beam_axis: str
    tilt_axis: str
    power: float


def missing_wedge(block: np.ndarray) -> MissingWedge | None:
    """Find the missing wedge of a single-axis tilt series.

    For each pair of beam and tilt axis, the power inside the wedge that ±60° would leave is compared with the
    power outside, each frequency shell on its own, so that the fall-off of the spectrum does not matter.

    Parameters
    ----------
    block
        (z, y, x) float32, finite, preferably 64 voxels or more a side.

    Returns
    -------
    MissingWedge or None
        The emptiest of the six wedges, or ``None`` where none is emptier than shapes alone make it.
    """
    if min(block.shape) < 24 or not np.ptp(block):
        return None
    power, frequencies = _power(block)
    radius = np.sqrt(sum(f * f for f in frequencies))
    inside = (radius > 0.06) & (radius < 0.4)
    shells = (radius[inside] * 40).astype(int)
    power = power[inside]
    along = [np.broadcast_to(np.abs(f), radius.shape)[inside] for f in frequencies]
    found = [
        MissingWedge("zyx"[beam], "zyx"[tilt], _relative_power(power, shells, along[beam], along[3 - beam - tilt]))
        for beam in range(3)
        for tilt in range(3)
        if beam != tilt
    ]
    emptiest = min(found, key=lambda wedge: wedge.power)
    return emptiest if emptiest.power < _SEEN_BELOW else None


def _power(block: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the power spectrum of a block, tapered to zero at its faces, and the frequencies along each axis."""
    from scipy.fft import rfftn

    tapered = (block - block.mean()).astype(np.float32)
    for axis, side in enumerate(block.shape):
        tapered *= np.hanning(side + 2)[1:-1].astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    spectrum = rfftn(tapered, workers=-1)
    z, y, x = block.shape
    frequencies = [np.fft.fftfreq(z)[:, None, None], np.fft.fftfreq(y)[None, :, None], np.fft.rfftfreq(x)[None, None]]
    return np.square(spectrum.real) + np.square(spectrum.imag), frequencies


def _relative_power(power: np.ndarray, shells: np.ndarray, beam: np.ndarray, other: np.ndarray) -> float:
    """Compare mean power inside and outside the wedge, shell by shell; the median of the ratios."""
    wedge = beam > other * np.tan(np.radians(_TYPICAL_TILT + 3))  # a little narrower: the taper blurs its faces
    count = int(shells.max()) + 1
    means = []
    for mask in (wedge, ~wedge):
        total = np.bincount(shells[mask], power[mask], count)
        means.append(total / np.maximum(1, np.bincount(shells[mask], minlength=count)))
    used = means[1] > 0
    return float(np.median(means[0][used] / means[1][used]))
