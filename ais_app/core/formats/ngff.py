"""OME-NGFF metadata, versions 0.4 and 0.5: which axis is which, how large a voxel is, where the levels lie.

Source: the specification at ngff.openmicroscopy.org, sections "axes" and "multiscales".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ais_app.core.errors import FileProblem
from ais_app.core.formats.lengths import in_angstrom
from ais_app.core.tomogram import ZYX, known_voxel_size

if TYPE_CHECKING:
    from ais_app.core.io import VolumeHeader

_OWN = "ais_app"


@dataclass(frozen=True)
class Multiscale:
    """One image of an OME-Zarr group.

    Parameters
    ----------
    paths
        The arrays of the pyramid, finest first.
    axes
        The arrays' axes that are z, y and x; ``None`` for an image without z.
    kinds
        Name of each axis of the arrays.
    voxel_size_zyx, origin_zyx, nstart_zyx, labels, warnings
        As in `Tomogram`, of the finest level.
    """

    paths: tuple[str, ...]
    axes: tuple[int | None, int, int]
    kinds: tuple[str, ...]
    voxel_size_zyx: ZYX | None
    origin_zyx: ZYX
    nstart_zyx: tuple[int, int, int]
    labels: tuple[str, ...]
    warnings: tuple[str, ...]


def read_multiscale(attributes: Mapping[str, Any], path: Path) -> Multiscale:
    """Read the attributes of a group.

    Raises
    ------
    FileProblem
        They describe no image, several, or one of a version that is not read.
    """
    ome = attributes.get("ome", attributes)
    if "plate" in ome or "well" in ome:
        raise FileProblem(path, "is a plate of many images", "open one of them, such as B/03/0 inside it")
    images = ome.get("multiscales")
    if not images:
        raise FileProblem(path, "has no image metadata (multiscales)", "open the image inside it, or its array '0'")
    image = images[0]
    if "axes" not in image:
        version = ome.get("version") or image.get("version") or "older than 0.4"
        raise FileProblem(path, f"is OME-Zarr of version {version}", "0.4 and 0.5 are read; convert it")
    kinds = tuple(axis["name"] for axis in image["axes"])
    if "y" not in kinds or "x" not in kinds:
        raise FileProblem(path, f"has axes {', '.join(kinds)}, but y and x are needed")
    axes = (kinds.index("z") if "z" in kinds else None, kinds.index("y"), kinds.index("x"))
    finest = image["datasets"][0]
    scale, shift = _placement(finest, image, len(kinds))
    warnings = [f"the group holds {len(images)} images: the first is read"] if len(images) > 1 else []
    if axes not in ((None, len(kinds) - 2, len(kinds) - 1), (len(kinds) - 3, len(kinds) - 2, len(kinds) - 1)):
        warnings.append(f"the axes are stored as {', '.join(kinds)}: turned to z, y, x")
    unit = _angstrom_per_unit(image["axes"], axes, scale, warnings)
    own = attributes.get(_OWN, {})
    return Multiscale(
        paths=tuple(str(level["path"]) for level in image["datasets"]),
        axes=axes,
        kinds=kinds,
        voxel_size_zyx=None if unit is None else known_voxel_size(_pick(scale, axes, unit)),
        origin_zyx=_floats(own["origin_zyx"])
        if "origin_zyx" in own
        else _floats(_pick(shift, axes, unit or [1.0] * 3)),
        nstart_zyx=tuple(int(n) for n in _floats(own.get("nstart_zyx", (0, 0, 0)))),  # type: ignore[arg-type]
        labels=tuple(str(text) for text in own.get("labels", ())),
        warnings=tuple(warnings),
    )


def _placement(level: Mapping[str, Any], image: Mapping[str, Any], ndim: int) -> tuple[list[float], list[float]]:
    """Return scale and translation of a level, with those of the whole image applied after."""
    scale, shift = [1.0] * ndim, [0.0] * ndim
    for step in [*level.get("coordinateTransformations", ()), *image.get("coordinateTransformations", ())]:
        if step["type"] == "scale":
            scale = [a * float(b) for a, b in zip(scale, step["scale"], strict=True)]
            shift = [a * float(b) for a, b in zip(shift, step["scale"], strict=True)]
        elif step["type"] == "translation":
            shift = [a + float(b) for a, b in zip(shift, step["translation"], strict=True)]
    return scale, shift


def _angstrom_per_unit(
    named: Sequence[Mapping[str, Any]],
    axes: tuple[int | None, int, int],
    scale: Sequence[float],
    warnings: list[str],
) -> list[float] | None:
    """Return how many Å the unit of z, y and x is; ``None`` where that is not known."""
    units = [named[axis].get("unit") if axis is not None else None for axis in axes]
    if axes[0] is None:
        units[0] = units[2]
    if all(unit is None for unit in units):
        if any(value != 1 for value in scale):
            warnings.append("the axes name no unit of length: taken as Å; give --voxel-size if that is wrong")
        return [1.0] * 3
    known = [in_angstrom(unit) for unit in units]
    if None in known:
        warnings.append(f"the unit of the axes, {units}, is no length: voxel size taken as unknown")
        return None
    return [value for value in known if value is not None]


def _pick(values: Sequence[float], axes: tuple[int | None, int, int], unit: Sequence[float]) -> list[float]:
    """Return the entries of z, y, x in Å; without z, its entry is that of x."""
    return [
        float(f"{values[axes[2] if axis is None else axis] * size:.9g}") for axis, size in zip(axes, unit, strict=True)
    ]


def _floats(values: Sequence[float]) -> ZYX:
    z, y, x = (float(value) for value in values)
    return z, y, x


def multiscale_attributes(header: VolumeHeader, binning: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr 0.5 group, whose levels are stored as "0", "1", ...

    Parameters
    ----------
    header
        Geometry and labels; the origin (or nstart, where that counts) becomes the translation.
    binning
        Voxels of level 0 in one voxel of each level, z y x.
    """
    size = header.voxel_size_zyx or (1.0, 1.0, 1.0)
    origin, nstart = header.origin_zyx, header.nstart_zyx
    base = origin if any(origin) else tuple(n * v for n, v in zip(nstart, size, strict=True))
    unit = {"unit": "angstrom"} if header.voxel_size_zyx else {}
    datasets = []
    for level, factors in enumerate(binning):
        scale = [float(v * b) for v, b in zip(size, factors, strict=True)]
        shift = [float(o + v * (b - 1) / 2) for o, v, b in zip(base, size, factors, strict=True)]
        steps = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": axis, "type": "space", **unit} for axis in "zyx"]
    own = {"origin_zyx": _plain(origin, float), "nstart_zyx": _plain(nstart, int), "labels": list(header.labels)}
    return {"ome": {"version": "0.5", "multiscales": [{"type": "mean", "axes": axes, "datasets": datasets}]}, _OWN: own}


def _plain(values: Sequence[float], kind: type) -> list[Any]:
    """Return numbers that JSON can hold, whatever numpy type they came as."""
    return [kind(value) for value in values]
