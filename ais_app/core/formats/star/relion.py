"""What the formats of RELION share: their options, the optics block, the pixels of the unbinned tilt series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateParams
from ais_app.core.formats.star.columns import COORDINATES, PIXEL_SIZE
from ais_app.core.formats.star.reading import OPTICS_PIXELS, pixel_sizes, read_voxel_star, row_pixel_sizes
from ais_app.core.formats.star.syntax import Block, fixed
from ais_app.core.formats.star.writing import Columns, angle_columns, score_column, write_particle_star
from ais_app.core.formats.tables import required_voxel_size
from ais_app.core.params import param
from ais_app.core.particle_set import Particles

FORMATS = ("relion3", "relion4", "relion5")
VERSION_4, VERSION_5 = "version 30001", "version 50001"


@dataclass(frozen=True)
class RelionParams(CoordinateParams):
    """Options of RELION's files.

    Parameters
    ----------
    pixel_size
        Å, of the unbinned tilt series, which RELION counts in; else the file's optics block, else the voxel size.
    binning
        How the tomogram was binned, see `geometry.unbinning_shift`.
    voltage, spherical_aberration, amplitude_contrast
        For an optics block where the particles bring none.
    """

    pixel_size: float | None = param(
        None, "Pixel size of the unbinned tilt series; the voxel size when not given", unit="Å", low=0.01, high=1e4
    )
    binning: str = param(
        "scale", "How a binned tomogram was made: scaled in Fourier space, or by averaging blocks (half a voxel off)",
        choices=geometry.BINNING_RULES,
    )  # fmt: skip
    voltage: float = param(300.0, "Acceleration voltage for a new optics block", unit="kV", low=1.0, high=3000.0)
    spherical_aberration: float = param(2.7, "Spherical aberration for a new optics block", unit="mm", low=0, high=20)
    amplitude_contrast: float = param(0.1, "Amplitude contrast for a new optics block", low=0.0, high=1.0)


def is_relion(particles: Particles) -> bool:
    """Say whether particles were read from a file of RELION, so that their optics block means what it should."""
    return particles.layout is not None and particles.layout.format in FORMATS


def read_relion(path: Path, format: str, params: RelionParams) -> Particles:
    """Read a file of RELION 3 or 4; origins are applied, those of turned boxes turned with them."""
    particles = read_voxel_star(path, format, params.pixel_size, params)
    sizes = pixel_sizes(particles.table, particles.blocks, path) if params.pixel_size is None else params.pixel_size
    shift = unbinning_shift(sizes, particles.voxel_size, params)
    return replace(particles, positions_zyx=particles.positions_zyx - shift)


def write_relion(path: Path, particles: Particles, format: str, params: RelionParams, names: Columns) -> None:
    """Write a file of RELION 3 or 4; `names` are the columns that name the tomograms."""
    pixels = output_pixel_sizes(particles, params, format)
    voxel_size = params.voxel_size if params.voxel_size is not None else particles.voxel_size
    positions = geometry.xyz(particles.positions_zyx) + unbinning_shift(pixels, voxel_size, params)
    index = geometry.angstrom_to_index(positions, pixels)
    columns: Columns = names | dict(zip(COORDINATES, fixed(index).T, strict=True))
    columns |= angle_columns(particles, boxes=True) | score_column(particles)
    if stays_without_optics(particles, format):
        columns |= {PIXEL_SIZE: pixels} if params.pixel_size is not None else {}
        blocks: Mapping[str, Block] = particles.blocks
    else:
        blocks, groups = optics(particles, pixels, params)
        columns |= groups
    comments = version_comments(particles, format, VERSION_4)
    write_particle_star(path, particles, format, columns, blocks=blocks, comments=comments)


def stays_without_optics(particles: Particles, format: str) -> bool:
    """Say whether particles come from RELION 3.0, which has pixel sizes in each row, and go back there."""
    layout = particles.layout
    if layout is None or layout.format != format or format != "relion3" or "optics" in layout.blocks:
        return False
    return row_pixel_sizes(particles.table) is not None


def version_comments(particles: Particles, format: str, version: str) -> dict[str, tuple[str, ...]]:
    """Return the comments by which RELION knows the version of a file, unless the particles bring their own."""
    own = particles.layout is not None and particles.layout.format == format
    return {} if own else {"optics": (version,), "particles": (version,)}


def output_pixel_sizes(particles: Particles, params: RelionParams, format: str) -> np.ndarray:
    """Return the pixels that the file will count, (n,) Å."""
    known = pixel_sizes(particles.table, particles.blocks, format) if is_relion(particles) else None
    if params.pixel_size is None and known is not None:
        return known
    size = params.pixel_size or required_voxel_size(particles, params.voxel_size, format)
    return np.full(len(particles), float(size))


def unbinning_shift(
    pixels: np.ndarray | float | None, voxel_size: np.ndarray | float | None, params: RelionParams
) -> np.ndarray | float:
    """Return what to add to positions in the tomogram to get them in the unbinned one, Å, (n, 1) or one number."""
    if voxel_size is None or pixels is None:
        return 0.0
    rule: geometry.BinningRule = "average" if params.binning == "average" else "scale"
    return np.reshape(geometry.unbinning_shift(voxel_size, pixels, rule), (-1, 1))


def optics(particles: Particles, pixels: np.ndarray, params: RelionParams) -> tuple[dict[str, Block], Columns]:
    """Return all other blocks of the file, with a data_optics that fits, and the column that points into it.

    Blocks that were read from RELION are kept; an optics block is made, with a group for each pixel size, where there
    is none.
    """
    blocks: dict[str, Block] = dict(particles.blocks) if is_relion(particles) else {}
    known = blocks.get("optics")
    if not isinstance(known, pd.DataFrame) or "rlnOpticsGroup" not in particles.table.columns:
        sizes, groups = np.unique(pixels, return_inverse=True)
        blocks["optics"] = _new_optics(sizes if len(sizes) else np.array([params.pixel_size or 0.0]), params)
        return blocks, {"rlnOpticsGroup": groups + 1}
    if params.pixel_size is not None:
        column = next((name for name in OPTICS_PIXELS if name in known.columns), OPTICS_PIXELS[0])
        blocks["optics"] = known.assign(**{column: params.pixel_size})
    return blocks, {}


def _new_optics(pixel_sizes: np.ndarray, params: RelionParams) -> pd.DataFrame:
    """Return a data_optics block with what RELION needs to import particles."""
    numbers = range(1, len(pixel_sizes) + 1)
    return pd.DataFrame(
        {
            "rlnOpticsGroup": list(numbers),
            "rlnOpticsGroupName": [f"opticsGroup{number}" for number in numbers],
            "rlnVoltage": float(params.voltage),
            "rlnSphericalAberration": float(params.spherical_aberration),
            "rlnAmplitudeContrast": float(params.amplitude_contrast),
            "rlnTomoTiltSeriesPixelSize": pixel_sizes,
        }
    )
