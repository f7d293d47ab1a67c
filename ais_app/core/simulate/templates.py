"""Density maps of complexes, on one scale: what stands out of vitreous ice, in electrons per Å³."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.files import read_json

CONTOUR = 0.3  # of the maximum, before the outline is smoothed to what a person would draw
PROTEIN = 0.27  # of its electrons stand out of ice
_FINE = 2  # maps are refined this much once, so that linear interpolation afterwards loses nothing


@dataclass(frozen=True)
class Template:
    """A density map.

    Parameters
    ----------
    name, title
        Short name and what it is.
    density
        (n, n, n) float32, z y x, electrons per Å³ above ice; the centre of charge is at voxel ``n // 2``.
    voxel_size
        Å.
    outline
        (n, n, n) float32, 0 to 1, at least 0.5 within the smooth outline that a person would paint; for labels
        and packing.
    kilodalton
        Mass.
    membrane_offset
        Å along z from the centre to the middle of the membrane it sits in; ``None`` for soluble complexes.
    source, licence
        Where the map comes from.
    """

    name: str
    title: str
    density: np.ndarray
    voxel_size: float
    outline: np.ndarray
    kilodalton: float
    membrane_offset: float | None
    source: str
    licence: str

    @property
    def envelope_zyx(self) -> np.ndarray:
        """(n, 3) float64: Å from the centre of every voxel within the outline."""
        return (np.argwhere(self.outline >= 0.5) - self.outline.shape[0] // 2) * self.voxel_size

    @property
    def volume(self) -> float:
        """Å³ within the outline."""
        return float(np.count_nonzero(self.outline >= 0.5)) * self.voxel_size**3

    @property
    def radius(self) -> float:
        """Å from the centre to the farthest point of the outline."""
        return float(np.linalg.norm(self.envelope_zyx, axis=1).max())


def template_names() -> list[str]:
    """Return the names of the maps that are shipped."""
    return list(_table())


@cache
def load_template(name: str) -> Template:
    """Load a shipped density map.

    Raises
    ------
    ParameterProblem
        There is no map of that name.
    """
    entry = _table().get(name)
    if entry is None:
        raise ParameterProblem(name, "there is no such complex", f"known: {', '.join(template_names())}")
    return template_of(
        _read(entry["file"]),
        entry["voxel_size"],
        name,
        contrast=entry["contrast"],
        title=entry["title"],
        kilodalton=entry["kilodalton"],
        membrane_offset=entry["membrane_offset"],
        source=entry["source"],
        licence=entry["licence"],
    )


def template_of(
    electrons: np.ndarray,
    voxel_size: float,
    name: str,
    *,
    contrast: float = PROTEIN,
    title: str = "",
    kilodalton: float = 0.0,
    membrane_offset: float | None = None,
    source: str = "",
    licence: str = "",
) -> Template:
    """Make a template of a density map.

    Parameters
    ----------
    electrons
        (n, n, n) float32, z y x, electrons per voxel; the centre of charge is at voxel ``n // 2``.
    voxel_size
        Å.
    contrast
        The fraction of the electrons that stands out of vitreous ice.
    name, title, kilodalton, membrane_offset, source, licence
        See `Template`.
    """
    density = _refine(electrons) * np.float32(contrast / voxel_size**3)
    return Template(
        name=name,
        title=title or name,
        density=density,
        voxel_size=voxel_size / _FINE,
        outline=_outline(density),
        kilodalton=kilodalton,
        membrane_offset=membrane_offset,
        source=source,
        licence=licence,
    )


def smoothed(template: Template, voxel_size: float) -> np.ndarray:
    """Return a template's density, blurred where voxels of `voxel_size` Å are too large for its detail."""
    from scipy.ndimage import gaussian_filter

    if voxel_size <= 12:
        return template.density
    sigma = 0.4 * np.sqrt(voxel_size**2 - 100) / template.voxel_size
    blurred: np.ndarray = gaussian_filter(template.density, sigma, mode="constant")
    return blurred


@cache
def _table() -> dict[str, dict[str, Any]]:
    with as_file(files("ais_app.resources.templates") / "templates.json") as path:
        content = read_json(path)
    return {entry["name"]: {**entry, "voxel_size": content["voxel_size"]} for entry in content["templates"]}


def _read(file: str) -> np.ndarray:
    """Read a gzipped MRC of mode 2 without extended header, as all shipped maps are."""
    raw = gzip.decompress((files("ais_app.resources.templates") / file).read_bytes())
    nx, ny, nz = np.frombuffer(raw, "<i4", 3)
    return np.frombuffer(raw, "<f4", offset=1024).reshape(nz, ny, nx)


def _refine(density: np.ndarray) -> np.ndarray:
    """Put the map on a grid of half the spacing by Fourier padding; voxel ``n // 2`` stays the centre."""
    n = density.shape[0]
    m = n * _FINE
    spectrum = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(density)))
    low = m // 2 - n // 2
    padded = np.zeros((m, m, m), dtype=complex)
    padded[low : low + n, low : low + n, low : low + n] = spectrum
    fine = np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(padded)).real) * _FINE**3
    return np.clip(fine, 0, None).astype(np.float32)


def _outline(density: np.ndarray) -> np.ndarray:
    """Return the contour without its crevices, channels and loose bits, soft over a voxel or two."""
    from scipy.ndimage import binary_closing, binary_fill_holes, gaussian_filter, label

    solid = np.pad(density >= CONTOUR * density.max(), 4)
    parts, count = label(binary_fill_holes(binary_closing(solid, iterations=3)))
    largest = np.argmax(np.bincount(parts.ravel(), minlength=count + 1)[1:]) + 1
    soft = gaussian_filter((parts == largest).astype(np.float32), 1.5)
    return np.ascontiguousarray(soft[4:-4, 4:-4, 4:-4])
