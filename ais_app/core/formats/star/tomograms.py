"""RELION's tomograms.star: size, pixel size and binning of every tomogram."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ais_app.core.errors import FileProblem
from ais_app.core.formats.star.columns import series_name
from ais_app.core.formats.star.reading import particle_table
from ais_app.core.particle_set import Shape

_SIZES = ("rlnTomoSizeZ", "rlnTomoSizeY", "rlnTomoSizeX")
_BINNING = "rlnTomoTomogramBinning"


@dataclass(frozen=True)
class TomogramEntry:
    """One row of tomograms.star.

    Parameters
    ----------
    shape_zyx
        Voxels of the unbinned tomogram.
    pixel_size
        Å, of the unbinned tilt series; ``None`` when the file does not say.
    binning
        Of the reconstructed tomogram.
    """

    shape_zyx: Shape
    pixel_size: float | None
    binning: float


def read_tomograms_star(path: str | Path) -> dict[str, TomogramEntry]:
    """Return the tomograms of a tomograms.star of RELION 4 or 5 by their names.

    Raises
    ------
    FileProblem
        The file is missing, broken, or has no sizes.
    """
    source = particle_table(Path(path), ("rlnTomoName", *_SIZES))
    table = source.table
    column = next((n for n in ("rlnTomoTiltSeriesPixelSize", "rlnMicrographOriginalPixelSize") if n in table), None)
    pixels = source.numbers([column])[:, 0] if column else None
    binnings = source.numbers([_BINNING])[:, 0] if _BINNING in table else None
    entries = {}
    for row, (name, size) in enumerate(zip(table["rlnTomoName"], source.numbers(_SIZES), strict=True)):
        if (size < 1).any():
            raise FileProblem(path, f"row {row + 1}: the size of {name} is {size.astype(int).tolist()}")
        z, y, x = (int(voxels) for voxels in size)
        pixel = float(pixels[row]) if pixels is not None and pixels[row] > 0 else None
        binning = float(binnings[row]) if binnings is not None and binnings[row] > 0 else 1.0
        entries[series_name(name)] = TomogramEntry((z, y, x), pixel, binning)
    return entries
