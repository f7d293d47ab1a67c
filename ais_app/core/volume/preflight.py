"""What is odd about a volume, in words, with the remedy; looked at before hours are spent on it.

    preflight(tomogram) ──► Findings of the header and of a sample of the voxels, in about a second
    survey_job(tomogram) ──► the same, with the range and the moments of every voxel

The sample is a few slices from all depths and one block from the middle; memory stays small on any volume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ais_app.core.jobs import Job, run
from ais_app.core.particles.wedge import Wedge
from ais_app.core.particles.wedge_estimate import estimate_wedge
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.moments import Moments, moments_job

_SLICES = 12
_BLOCK_SIDE = 128
_TURN = {"y": "turn it: ais-app convert --rotate-x", "x": "swap the axes before use"}
_SMOOTHING = 12.0  # Å, sigma
_CLEAR = 0.3  # skewness from which the contrast is called
_FEW_VALUES = 32  # a volume with fewer different values is a mask or a label map, not grey
_SMALLEST, _LARGEST = 0.5, 200.0  # Å; voxels of tomograms lie between


@dataclass(frozen=True)
class Finding:
    """One thing that should be looked at.

    Parameters
    ----------
    code
        Short name for programs: ``"voxel-size"``.
    problem
        What is odd, with the value.
    remedy
        What to do about it.
    """

    code: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        return self.problem + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Survey:
    """What a person checks first.

    Parameters
    ----------
    moments
        Range, mean, deviation, voxels that are no number.
    sampled
        Whether `moments` are those of some slices only.
    kind
        ``"grey"``, or ``"labels"`` for masks and label maps.
    contrast
        ``"dark"``: dense things have lower values, as networks expect; ``"bright"``; or ``"unclear"``.
    wedge
        What the tilt series measured, estimated from one block; ``None`` where no missing wedge is seen.
    findings
        What is odd.
    """

    moments: Moments
    sampled: bool
    kind: str = "grey"
    contrast: str = "unclear"
    wedge: Wedge | None = None
    findings: tuple[Finding, ...] = field(default=())


def preflight(tomogram: Tomogram) -> tuple[Finding, ...]:
    """Return what is odd about a volume, from its header and a sample of its voxels."""
    return run(survey_job(tomogram, fast=True)).findings


def survey_job(tomogram: Tomogram, *, fast: bool = False) -> Job[Survey]:
    """Survey a volume.

    Parameters
    ----------
    tomogram
        Any.
    fast
        Take range and moments from a few slices instead of reading everything.
    """
    depth = tomogram.shape[0]
    chosen = np.unique(np.linspace(0, depth - 1, _SLICES).round().astype(int)).tolist()
    found = yield from moments_job(tomogram.data, chosen if fast else None)
    sample = np.stack([np.asarray(tomogram.data[z]) for z in chosen])
    kind = "labels" if _few_values(sample) else "grey"
    contrast, wedge = "unclear", None
    of_voxels = list(_of_voxels(found, sample, kind))
    if kind == "grey" and found.count:
        block = _central_block(tomogram)
        contrast = _contrast(block, tomogram.voxel_size if tomogram.voxel_size_zyx else None)
        estimate = estimate_wedge(block, tomogram.voxel_size_zyx or (1.0, 1.0, 1.0))
        wedge = estimate.wedge if estimate is not None and estimate.seen else None
    if any(finding.code == "padding" for finding in of_voxels):
        wedge = None  # the faces of a frame have a spectrum of their own
    reading = [Finding("header", text) for text in tomogram.warnings]
    findings = (*reading, *_of_header(tomogram), *of_voxels, *_of_wedge(wedge))
    return Survey(found, fast and len(chosen) < depth, kind, contrast, wedge, findings)


def _of_header(tomogram: Tomogram) -> Iterator[Finding]:
    z, y, x = tomogram.shape
    size = tomogram.voxel_size_zyx
    if size is None:
        yield Finding(
            "voxel-size",
            "the voxel size is not known (0 or 1 Å in the header)",
            "give it with --voxel-size, or write it into the file: ais-app convert --voxel-size",
        )
    elif min(size) < _SMALLEST or max(size) > _LARGEST:
        shown = " × ".join(f"{s:g}" for s in size[::-1])
        yield Finding(
            "voxel-size", f"a voxel size of {shown} Å is not that of a tomogram", "was it written in nm or µm?"
        )
    elif max(size) > 1.01 * min(size):
        shown = " × ".join(f"{s:.4g}" for s in size[::-1])
        yield Finding("voxel-shape", f"the voxels are no cubes: {shown} Å", "check it; distances are computed per axis")
    if np.dtype(tomogram.data.dtype) == np.float16:
        remedy = "ais-app reads it; for others: ais-app convert --dtype float32"
        yield Finding("float16", "the voxels are 16-bit floats (MRC mode 12), which some programs do not read", remedy)
    if 4 * y <= min(z, x) and z > 1:
        yield Finding(
            "axis-order",
            f"y is the thin axis ({x} × {y} × {z} voxels in x, y, z), as IMOD's tilt program leaves it",
            "turn it: ais-app convert --rotate-x",
        )


def _of_voxels(found: Moments, sample: np.ndarray, kind: str) -> Iterator[Finding]:
    if found.nans or found.infinities:
        problem = f"{found.nans:,} voxels are no number (NaN) and {found.infinities:,} are infinite"
        yield Finding("not-finite", problem, "they are left out of mean and deviation; find what wrote them")
    if found.count and found.low == found.high:
        yield Finding("constant", f"every voxel is {found.low:g}", "this is an empty volume")
        return
    if kind != "grey":
        return
    other = _other_sign(sample)
    if other:
        problem = f"the 8-bit voxels look {other}, but the file says they are not"
        yield Finding("sign", problem, f"write it anew: ais-app convert --bytes {other}")
    yield from _padding(sample)


def _other_sign(sample: np.ndarray) -> str:
    """Return what bytes look like if that is not what they are read as.

    Grey values change little from voxel to voxel; read with the wrong sign, they jump by 256 where they cross it.
    """
    if sample.dtype not in (np.int8, np.uint8) or sample.shape[2] < 2:
        return ""
    other = np.uint8 if sample.dtype == np.int8 else np.int8
    as_read, as_other = (
        float(np.abs(np.diff(sample.view(kind).astype(np.int16), axis=2)).mean()) for kind in (sample.dtype, other)
    )
    return {"u": "unsigned", "i": "signed"}[np.dtype(other).kind] if as_other < 0.6 * as_read else ""


def _padding(sample: np.ndarray) -> Iterator[Finding]:
    """Look for a constant frame: a value that fills an edge of a slice from end to end, and how much it fills."""
    edges = [sample[:, 0], sample[:, -1], sample[:, :, 0], sample[:, :, -1]]
    values = [edge[z, 0] for edge in edges for z in range(len(sample)) if np.mean(edge[z] == edge[z, 0]) > 0.95]
    if not values:
        return
    value, share = max(((v, float(np.mean(sample == v))) for v in set(values)), key=lambda pair: pair[1])
    if share > 0.02:
        problem = f"{share:.0%} of the voxels are exactly {value:g}: the volume is padded"
        yield Finding("padding", problem, "crop it (ais-app convert --crop), or padding distorts mean and deviation")


def _of_wedge(wedge: Wedge | None) -> Iterator[Finding]:
    if wedge is not None and wedge.beam_axis != "z":
        problem = (
            f"the missing wedge lies along {wedge.beam_axis}, so the slices (x, y) are not the planes of the images"
        )
        yield Finding("wedge-axis", problem, _TURN.get(wedge.beam_axis, ""))


def _few_values(sample: np.ndarray) -> bool:
    """Tell masks and label maps: few whole values, in patches."""
    if sample.dtype.kind == "f" and not np.array_equal(sample, np.round(sample)):
        return False
    if len(np.unique(sample[:, ::2, ::2])) > _FEW_VALUES:
        return False
    return bool(np.mean(sample[:, :, 1:] == sample[:, :, :-1]) > 0.7) if sample.shape[2] > 1 else False


def _central_block(tomogram: Tomogram) -> np.ndarray:
    starts = [max(0, (side - _BLOCK_SIDE) // 2) for side in tomogram.shape]
    region = tuple(slice(start, start + _BLOCK_SIDE) for start in starts)
    block = np.asarray(tomogram.data[region], dtype=np.float32)
    finite = np.isfinite(block)
    return block if finite.all() else np.where(finite, block, block[finite].mean() if finite.any() else 0)


def _contrast(block: np.ndarray, voxel_size: float | None) -> str:
    """Say on which side of the background the dense things lie, from the skewness of the smoothed grey values.

    Particles and membranes fill little of a volume, so they are the longer tail of its histogram. The smoothing takes
    noise away but leaves what is as thin as a membrane.
    """
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(block, min(3.0, _SMOOTHING / voxel_size) if voxel_size else 1.0)
    away = smooth - smooth.mean()
    deviation = float(away.std())
    if deviation == 0:
        return "unclear"
    skewness = float(np.mean((away / deviation) ** 3))
    if abs(skewness) < _CLEAR:
        return "unclear"
    return "dark" if skewness < 0 else "bright"
