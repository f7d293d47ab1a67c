"""From specimen to tomogram: tilt series, contrast transfer, detector, noise, weighted back-projection.

    scene.density ─► project ─► CTF, detector, dose ─┐
    scene.dense   ─► project ─►      the same       ─┼─► ramp ─► back-project ─► tomogram
    white noise, half before and half after the CTF ─┘

All steps are linear, so signal and noise are filtered apart and added with the factor that gives the wanted SNR.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.jobs import Job, Progress
from ais_app.core.simulate.optics import accumulated_doses, contrast_transfer, detector_response, dose_decay, ramp
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.projection import back_project, detector_width, project
from ais_app.core.simulate.scene import DENSE, Scene

SNR_MARGIN = 100.0  # Å around structures; around a ribosome that is a box of 40 voxels of 9.2 Å, as papers use
_OVERSAMPLING = 2
_ROWS = 48  # xz slices from which signal and noise are measured


@dataclass(frozen=True)
class Recording:
    """What the microscope and the reconstruction give.

    Parameters
    ----------
    tomogram
        (z, y, x) float32, in units of the noise's deviation (without noise: of the signal's); structures are dark
        unless inverted.
    noise_free
        The same without noise and on the same scale; ``None`` unless asked for.
    tilts
        (t,) degrees.
    snr
        As measured in slices that the calibration did not use; ``inf`` without noise.
    """

    tomogram: np.ndarray
    noise_free: np.ndarray | None
    tilts: np.ndarray
    snr: float


def tilt_angles(params: SimulateParams) -> np.ndarray:
    """Return the tilts, (n,) degrees, symmetric about 0 and within the largest; -90° is left out, as it equals 90°."""
    steps = int(np.floor(params.tilt / params.tilt_step + 1e-9))
    tilts = np.arange(-steps, steps + 1) * params.tilt_step
    return tilts[tilts > -90]


def record(scene: Scene, seed: int) -> Job[Recording]:
    """Record a scene and reconstruct it.

    Parameters
    ----------
    scene
        The specimen; left as it is.
    seed
        Of the noise; every tilt draws its own.
    """
    params = scene.params
    tilts = tilt_angles(params)
    radians = np.deg2rad(tilts)
    yield Progress(0, 4, "project the specimen")
    series = _project(scene.density, radians)
    heavy = _project(scene.dense, radians) if scene.dense.any() else None
    yield Progress(1, 4, "microscope and detector")
    images = _TiltFilter(params, scene.shape, tilts)
    signal = images.filter_signal(series)
    del series
    dense = images.filter_signal(heavy) if heavy is not None else None
    noise = images.filter_noise(seed) if np.isfinite(params.snr) else None
    yield Progress(2, 4, "match the noise")
    meter = _SnrMeter(scene, radians)
    factor, unit, snr = meter.calibrate(signal, noise, params.snr)
    yield Progress(3, 4, "reconstruct")
    scale = np.float32((-1 if params.invert else 1) / unit)
    if dense is not None:
        signal += dense
    noise_free = None
    if params.keep_noise_free:
        noise_free = _reconstruct(signal, radians, scene.shape, scale)
    if noise is not None:
        noise *= np.float32(factor)
        signal += noise
    tomogram = _reconstruct(signal, radians, scene.shape, scale)
    yield Progress(4, 4, "reconstructed")
    return Recording(tomogram, noise_free, tilts, snr)


def _project(density: np.ndarray, radians: np.ndarray) -> np.ndarray:
    return project(np.ascontiguousarray(density.transpose(0, 2, 1)), radians, detector_width(density.shape))


def _reconstruct(images: np.ndarray, radians: np.ndarray, shape: tuple[int, int, int], scale: np.float32) -> np.ndarray:
    volume = back_project(images, radians, _OVERSAMPLING, shape[0], shape[2])
    volume *= scale
    return np.ascontiguousarray(volume.transpose(0, 2, 1))


class _TiltFilter:
    """Apply everything between specimen and back-projection to a tilt series, in Fourier space.

    Series are (t, width, y); the result is twice as fine across the tilt axis. Both axes are zero-padded, so that
    nothing wraps around.
    """

    def __init__(self, params: SimulateParams, shape: tuple[int, int, int], tilts: np.ndarray) -> None:
        from scipy.fft import next_fast_len

        self.params, self.tilts = params, tilts
        self.width, self.height = detector_width(shape), shape[1]
        self.padded = (next_fast_len(2 * self.width), next_fast_len(self.height + 64))
        # 1/Å on the grid of the half spectrum
        kx = np.fft.rfftfreq(self.padded[0], params.voxel_size)[:, None]
        ky = np.fft.fftfreq(self.padded[1], params.voxel_size)[None, :]
        k = np.hypot(kx, ky)
        transfer = contrast_transfer(k, params)
        sign = -np.sign(transfer) if params.phase_flip else np.ones_like(k)
        self.weight = (sign * ramp(self.padded[0], params.radial_cutoff)[:, None]).astype(np.float32)
        self.transfer = transfer.astype(np.float32)
        self.response = detector_response(k, params).astype(np.float32)
        self.k = k

    def filter_signal(self, series: np.ndarray) -> np.ndarray:
        """Return the filtered series, (t, 2 width, y) float32."""
        from scipy.fft import rfftn

        doses = accumulated_doses(self.tilts, self.params.dose)
        out = self._empty()
        for tilt, image in enumerate(series):
            spectrum = rfftn(image, s=self.padded[::-1], axes=(1, 0), workers=-1)
            spectrum *= self.weight * self.transfer * self.response
            if self.params.dose:
                spectrum *= dose_decay(self.k, doses[tilt]).astype(np.float32)
            out[tilt] = self._back(spectrum)
        return out

    def filter_noise(self, seed: int) -> np.ndarray:
        """Return filtered noise of unit variance, half of it from before the lens and half from the detector."""
        from scipy.fft import rfftn

        out = self._empty()
        half = np.float32(np.sqrt(0.5))
        for tilt in range(len(self.tilts)):
            rng = np.random.default_rng([seed, 1, tilt])
            before, after = (rng.standard_normal(self.padded, dtype=np.float32) * half for _ in range(2))
            spectrum = rfftn(before, axes=(1, 0), workers=-1) * self.transfer
            spectrum += rfftn(after, axes=(1, 0), workers=-1)
            spectrum *= self.weight * self.response
            out[tilt] = self._back(spectrum)
        return out

    def _empty(self) -> np.ndarray:
        return np.empty((len(self.tilts), self.width * _OVERSAMPLING, self.height), np.float32)

    def _back(self, spectrum: np.ndarray) -> np.ndarray:
        from scipy.fft import irfftn

        fine = irfftn(spectrum, s=(self.padded[1], self.padded[0] * _OVERSAMPLING), axes=(1, 0), workers=-1)
        return fine[: self.width * _OVERSAMPLING, : self.height] * np.float32(_OVERSAMPLING)


class _SnrMeter:
    """Measure signal and noise in a few reconstructed xz slices, near structures."""

    def __init__(self, scene: Scene, radians: np.ndarray) -> None:
        self.scene, self.radians = scene, radians
        ny = scene.shape[1]
        count = min(ny, _ROWS)
        self.rows = np.unique(np.linspace(0, ny - 1, count).astype(int))
        # rows between the others, so that the result is checked where it was not made
        between = np.unique(np.clip(self.rows + max(1, ny // count // 2), 0, ny - 1))
        self.other_rows = between if ny > 2 * _ROWS else self.rows
        self.factor = max(1, int(30 / scene.voxel_size))
        self.near = _near_structures(scene, self.factor)

    def calibrate(self, signal: np.ndarray, noise: np.ndarray | None, snr: float) -> tuple[float, float, float]:
        """Return the factor on the noise, the unit of the result, and the measured SNR."""
        signal_variance = self._variance(signal, self.rows)
        if noise is None:
            return 0.0, signal_variance**0.5 or 1.0, float("inf")
        noise_variance = self._variance(noise, self.rows)
        factor = (signal_variance / (snr * noise_variance)) ** 0.5 or 1.0
        measured = self._variance(signal, self.other_rows) / (factor**2 * self._variance(noise, self.other_rows))
        return factor, factor * noise_variance**0.5, measured

    def _variance(self, images: np.ndarray, rows: np.ndarray) -> float:
        shape = self.scene.shape
        part = back_project(np.ascontiguousarray(images[:, :, rows]), self.radians, _OVERSAMPLING, shape[0], shape[2])
        return float(np.var(part.transpose(0, 2, 1)[self._mask(rows)], dtype=np.float64))

    def _mask(self, rows: np.ndarray) -> np.ndarray:
        """Return which voxels of the rows count, (z, rows, x)."""
        nz, _, nx = self.scene.shape
        return self.near[np.ix_(np.arange(nz) // self.factor, rows // self.factor, np.arange(nx) // self.factor)]


def _near_structures(scene: Scene, factor: int) -> np.ndarray:
    """Return, in blocks of `factor` voxels, what lies within 100 Å of a structure that is not gold or carbon."""
    import edt

    dense = [scene.label_values[name] for name in DENSE]
    empty = ~_blocks((scene.labels > 0) & ~np.isin(scene.labels, dense), factor)
    if empty.all():  # nothing but gold, carbon and ice: the whole volume counts
        return empty
    near: np.ndarray = edt.edt(empty, anisotropy=(factor * scene.voxel_size,) * 3) <= SNR_MARGIN
    return near


def _blocks(mask: np.ndarray, factor: int) -> np.ndarray:
    """Reduce a mask: a block of `factor` voxels is set where any of its voxels is."""
    for axis in range(3):
        starts = np.arange(0, mask.shape[axis], factor)
        mask = np.logical_or.reduceat(mask, starts, axis=axis)
    return mask
