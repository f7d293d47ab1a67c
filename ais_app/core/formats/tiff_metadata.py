"""What TIFF files say about their voxels: ImageJ's, OME's and our own notes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from ais_app.core.formats.lengths import in_angstrom
from ais_app.core.tomogram import ZYX, known_voxel_size

if TYPE_CHECKING:
    import tifffile

    from ais_app.core.io import VolumeHeader

_OWN = "ais-app"
_LARGEST_IN_PLANE = 1e4  # Å; a coarser "resolution" is that of a printer


@dataclass(frozen=True)
class TiffGeometry:
    """Voxel size, origin, nstart, labels and warnings, as in `Tomogram`."""

    voxel_size_zyx: ZYX | None = None
    origin_zyx: ZYX = (0.0, 0.0, 0.0)
    nstart_zyx: tuple[int, int, int] = (0, 0, 0)
    labels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_geometry(file: tifffile.TiffFile) -> TiffGeometry:
    """Collect the geometry of a TIFF file; what it does not say stays at its default."""
    own = _own_notes(file)
    if own is not None:
        return own
    if file.ome_metadata:
        return TiffGeometry(_from_ome(file.ome_metadata))
    if file.imagej_metadata:
        return TiffGeometry(_from_imagej(file, file.imagej_metadata))
    in_plane = _in_plane(file)
    if in_plane is None:
        return TiffGeometry()
    y, x = in_plane
    text = f"the file gives pixels of {x:.4g} × {y:.4g} Å but no distance between slices: voxel size taken as unknown"
    return TiffGeometry(warnings=(text,))


def imagej_metadata(header: VolumeHeader) -> dict[str, Any]:
    """Return what ImageJ reads, with our own notes as its info text."""
    depth = header.voxel_size_zyx[0] / 10 if header.voxel_size_zyx else None
    size = {"unit": "nm", "spacing": depth} if depth else {}
    return {"axes": "ZYX", **size, "Info": json.dumps(own_notes(header))}


def own_notes(header: VolumeHeader) -> dict[str, Any]:
    """Return what TIFF has no field for, as JSON-able values under one name."""
    names = ("voxel_size_zyx", "origin_zyx", "nstart_zyx", "labels")
    values = {name: getattr(header, name) for name in names}
    own = {name: None if value is None else np.asarray(value).tolist() for name, value in values.items()}
    return {"axes": "ZYX", _OWN: own}


def _own_notes(file: tifffile.TiffFile) -> TiffGeometry | None:
    texts = file.imagej_metadata.get("Info") if file.imagej_metadata else None
    found: Any = (file.shaped_metadata or ({},))[0]
    if isinstance(texts, str) and _OWN in texts:
        try:
            found = json.loads(texts)
        except ValueError:  # edited by hand; ImageJ's own fields still hold
            return None
    notes = found.get(_OWN) if isinstance(found, dict) else None
    if not isinstance(notes, dict):
        return None
    size, origin, start = (notes.get(name) for name in ("voxel_size_zyx", "origin_zyx", "nstart_zyx"))
    return TiffGeometry(
        known_voxel_size(size) if size else None,
        _three(origin),
        tuple(int(n) for n in _three(start)),  # type: ignore[arg-type]
        tuple(str(text) for text in notes.get("labels") or ()),
    )


def _three(values: Any) -> ZYX:
    z, y, x = (float(value) for value in values or (0, 0, 0))
    return z, y, x


def _from_ome(text: str) -> ZYX | None:
    pixels = ElementTree.fromstring(text).find(".//{*}Pixels")
    if pixels is None:
        return None
    sizes = []
    for axis in "ZYX":
        unit = in_angstrom(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        sizes.append(float(pixels.get(f"PhysicalSize{axis}", 0)) * (unit or 0.0))
    return known_voxel_size(sizes)


def _from_imagej(file: tifffile.TiffFile, notes: dict[str, Any]) -> ZYX | None:
    unit = in_angstrom(str(notes.get("unit", "")))
    pixels = _pixels_per_unit(file)
    if unit is None or pixels is None:
        return None
    sizes = [float(notes.get("spacing", 0.0)) * unit, unit / pixels[0], unit / pixels[1]]
    if sizes[0] == 0 and len(file.pages) == 1:
        sizes[0] = sizes[2]
    return known_voxel_size([float(f"{size:.7g}") for size in sizes])


def _in_plane(file: tifffile.TiffFile) -> tuple[float, float] | None:
    """Pixel size along y and x in Å from the resolution tags, where that can be a microscope's."""
    unit = {2: 2.54e8, 3: 1e8}.get(int(file.pages.first.tags.valueof("ResolutionUnit", default=1)))
    pixels = _pixels_per_unit(file)
    if unit is None or pixels is None or unit / min(pixels) > _LARGEST_IN_PLANE:
        return None
    return unit / pixels[0], unit / pixels[1]


def _pixels_per_unit(file: tifffile.TiffFile) -> tuple[float, float] | None:
    """Pixels per unit along y and x."""
    found = []
    for name in ("YResolution", "XResolution"):
        above, below = file.pages.first.tags.valueof(name, default=(0, 1))
        found.append(above / below if below else 0.0)
    return (found[0], found[1]) if all(math.isfinite(value) and value > 0 for value in found) else None
