"""Where RELION 5 has the centre of each tomogram: sizes and pixel sizes from whoever knows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import geometry
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.formats.star.tomograms import TomogramEntry
from ais_app.core.formats.tables import UnknownVoxelSize
from ais_app.core.particle_set import Shape

_MARK = "ais-app "
_REMEDY = "give --tomogram FILE, --shape z,y,x or --set tomograms=tomograms.star"


@dataclass(frozen=True)
class Statement:
    """What is known about the tomograms; also the comment that goes with the file.

    Parameters
    ----------
    centre
        One of `geometry.CENTRES`, or ``""``.
    pixel_size, voxel_size
        Å, of the unbinned tilt series and of the (binned) tomograms; ``None`` when not known or not the same for all.
    shapes_zyx
        Tomogram name to voxels at `voxel_size`; the name ``""`` stands for all others.
    """

    centre: str = ""
    pixel_size: float | None = None
    voxel_size: float | None = None
    shapes_zyx: Mapping[str, Shape] = field(default_factory=dict)

    def line(self) -> str:
        """Return the comment."""
        return _MARK + json.dumps(asdict(self), ensure_ascii=False)


def is_statement(line: str) -> bool:
    """Say whether a comment line is one that `Statement.line` made."""
    return line.startswith(_MARK + "{")


def read_statement(lines: tuple[str, ...], path: Path) -> Statement:
    """Return what the comments before a block say; an empty statement when they say nothing.

    Raises
    ------
    FileProblem
        The comment was damaged.
    """
    for line in filter(is_statement, lines):
        try:
            values: dict[str, Any] = json.loads(line[len(_MARK) :])
            shapes = {str(name): _shape(shape) for name, shape in values.pop("shapes_zyx").items()}
            sizes = {name: values[name] and float(values[name]) for name in ("pixel_size", "voxel_size")}
            return Statement(centre=str(values["centre"]), shapes_zyx=shapes, **sizes)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"the comment {line[:60]!r} is damaged ({error})"
            raise FileProblem(path, problem, "remove it and say --centre, --shape and --voxel-size") from error
    return Statement()


@dataclass(frozen=True)
class Frame:
    """The box of one tomogram.

    Parameters
    ----------
    unbinned_zyx
        Voxels of the unbinned tomogram.
    pixel_size, voxel_size
        Å, of the unbinned and of the (binned) tomogram.
    """

    unbinned_zyx: Shape
    pixel_size: float
    voxel_size: float

    @property
    def shape_zyx(self) -> Shape:
        """Voxels of the (binned) tomogram."""
        return _scaled(self.unbinned_zyx, self.pixel_size / self.voxel_size)

    def centre_xyz(self, rule: geometry.Centre) -> np.ndarray:
        """Return the centre, (3,) Å from the centre of the first unbinned voxel."""
        return geometry.xyz(geometry.centre_index(self.unbinned_zyx, rule)) * self.pixel_size


def frame(
    name: str,
    *,
    asked: Statement,
    known: Statement,
    entry: TomogramEntry | None,
    optics_pixel: float | None,
    subject: str | Path,
) -> Frame:
    """Return the frame of a tomogram: what a person asked for, else tomograms.star, else the file or the particles.

    Raises
    ------
    ParameterProblem
        Its size or its voxel size is not known.
    """
    pixel = asked.pixel_size or (entry and entry.pixel_size) or known.pixel_size or optics_pixel
    voxel = asked.voxel_size or known.voxel_size
    if voxel is None and entry is not None and pixel is not None:
        voxel = pixel * entry.binning
    pixel, voxel = pixel or voxel, voxel or pixel
    if pixel is None or voxel is None:
        raise UnknownVoxelSize(subject, "the voxel size is not known", "give it in Å with --voxel-size")
    given = asked.shapes_zyx.get("")
    if given is None and entry is not None:
        return Frame(entry.shape_zyx, pixel, voxel)
    shape = given or known.shapes_zyx.get(name) or known.shapes_zyx.get("")
    if shape is None:
        called = f"tomogram {name}" if name else "the tomogram"
        raise ParameterProblem(subject, f"counts from the centre, but the size of {called} is not known", _REMEDY)
    return Frame(_scaled(shape, voxel / pixel), pixel, voxel)


def _scaled(shape: Shape, factor: float) -> Shape:
    return _shape([round(size * factor) for size in shape])


def _shape(values: Any) -> Shape:
    z, y, x = (int(value) for value in values)
    return z, y, x
