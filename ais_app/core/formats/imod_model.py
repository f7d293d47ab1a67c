"""The parts of an IMOD model that hold points: objects, contours, point sizes, slicer views, scale.

Read chunk by chunk, each checked against the length of the file, so that a damaged model cannot ask for more than
it has. Format: https://bio3d.colorado.edu/imod/doc/binspec.html (version V1.2, big-endian).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from ais_app.core.errors import FileProblem

T = TypeVar("T")

_MAGIC, _VERSION, _END = b"IMODV1.", b"IMODV1.2", b"IEOF"
_HEADER = struct.Struct(">128s4iI4i3f3f5if2i3f")
_OBJECT = struct.Struct(">64s64siI2i3fi8B2i")
_CONTOUR = struct.Struct(">iI2i")
_MESH = struct.Struct(">2iI2h")
_SLICER = struct.Struct(">i3f3f32s")
_SCALE = struct.Struct(">18f")
# unit code of the header to Å
_UNITS = {-12: 0.01, -10: 1.0, -9: 10.0, -6: 1e4, -3: 1e7, -2: 1e8, 1: 1e10}
_OPEN, _SCATTERED = 1 << 3, 1 << 9
# z of the first slice is 0 at its centre; several clip planes; materials as bytes: what every model since 2004 says
_MODEL_FLAGS = 1 << 10 | 1 << 12 | 1 << 13
_NANOMETRES = -9


@dataclass
class ImodContour:
    """One contour.

    Parameters
    ----------
    points
        (n, 3) x y z as in the file: voxels, x and y from the voxel's corner.
    sizes
        (n,) radii of the points in voxels, -1 for the object's; ``None`` when there are none.
    """

    points: np.ndarray
    sizes: np.ndarray | None = None


@dataclass
class ImodObject:
    """One object: a name, a colour (0 ... 1), ``"closed"``, ``"open"`` or ``"scattered"`` contours."""

    name: str
    colour: tuple[float, float, float]
    kind: str
    radius: int
    contours: list[ImodContour] = field(default_factory=list)


@dataclass
class SlicerView:
    """A view of the slicer window: angles x, y, z in degrees and its centre, x y z like the points."""

    angles: tuple[float, float, float]
    centre: tuple[float, float, float]


@dataclass
class ImodPoints:
    """What was read.

    Parameters
    ----------
    objects, views
        In the order of the file.
    voxel_size
        Å, or ``None`` when the model does not say.
    shape_zyx
        Voxels of the image, or ``None``.
    """

    objects: list[ImodObject] = field(default_factory=list)
    views: list[SlicerView] = field(default_factory=list)
    voxel_size: float | None = None
    shape_zyx: tuple[int, int, int] | None = None


def read_imod_points(path: Path) -> ImodPoints:
    """Read an IMOD model.

    Raises
    ------
    FileProblem
        The file is missing, no model, or truncated.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error)) from error
    if not content.startswith(_MAGIC):
        raise FileProblem(path, "is not an IMOD model" if content else "is empty", "is it a .mod file of IMOD?")
    reader = _Reader(path, content, offset=8)
    model = ImodPoints()
    _read_header(reader, model)
    while (tag := reader.take(4)) != _END:
        _read_chunk(reader, tag, model)
    return model


class _Reader:
    """Bytes that are taken one after the other, never beyond the end."""

    def __init__(self, path: Path, content: bytes, offset: int) -> None:
        self.path, self.content, self.offset = path, content, offset

    def take(self, count: int) -> bytes:
        end = self.offset + count
        if count < 0 or end > len(self.content):
            problem = f"is truncated or damaged: {count:,} bytes are wanted at {self.offset:,} of {len(self.content):,}"
            raise FileProblem(self.path, problem, "copy it again")
        piece = self.content[self.offset : end]
        self.offset = end
        return piece

    def unpack(self, layout: struct.Struct) -> tuple:
        return layout.unpack(self.take(layout.size))

    def floats(self, count: int) -> np.ndarray:
        return np.frombuffer(self.take(4 * count), ">f4").astype(float)

    def chunk(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))


def _read_header(reader: _Reader, model: ImodPoints) -> None:
    values = reader.unpack(_HEADER)
    x, y, z = values[1:4]
    if min(x, y, z) > 0:
        model.shape_zyx = (z, y, x)
    size, unit = values[21], values[22]
    if unit in _UNITS and size > 0:
        model.voxel_size = _seven_digits(size) * _UNITS[unit]


def _read_chunk(reader: _Reader, tag: bytes, model: ImodPoints) -> None:
    if tag == b"OBJT":
        model.objects.append(_object(reader))
    elif tag == b"CONT":
        count = reader.unpack(_CONTOUR)[0]
        _last(reader, model.objects).contours.append(ImodContour(reader.floats(3 * count).reshape(-1, 3)))
    elif tag == b"MESH":
        vertices, indices, *_ = reader.unpack(_MESH)
        reader.take(12 * vertices + 4 * indices)
    elif tag == b"SIZE":
        contour = _last(reader, _last(reader, model.objects).contours)
        sizes = np.frombuffer(reader.chunk(), ">f4").astype(float)
        if len(sizes) != len(contour.points):
            raise FileProblem(reader.path, f"has {len(sizes)} point sizes for {len(contour.points)} points")
        contour.sizes = sizes
    elif tag == b"SLAN":
        values = _fixed(reader, _SLICER)
        model.views.append(SlicerView(values[1:4], values[4:7]))
    elif tag == b"MINX":
        scale = float(_fixed(reader, _SCALE)[9])
        if scale > 0 and scale != 1:  # 1 is what programs write that do not know
            model.voxel_size = _seven_digits(scale)
    else:
        reader.chunk()


def _seven_digits(number: float) -> float:
    """Return the decimal number that a float32 stands for: 1.35, not 1.35000002."""
    return float(f"{number:.7g}")


def _fixed(reader: _Reader, layout: struct.Struct) -> tuple:
    content = reader.chunk()
    if len(content) < layout.size:
        raise FileProblem(reader.path, f"is damaged: a chunk has {len(content)} bytes, not {layout.size}")
    return layout.unpack(content[: layout.size])


def write_imod_points(path: Path, model: ImodPoints) -> None:
    """Write an IMOD model; `path` is written to directly.

    It gets no image reference (MINX), so that 3dmod takes its coordinates as voxels of whatever it is opened on.
    """
    z, y, x = model.shape_zyx or (0, 0, 0)
    size = (model.voxel_size or 0.0) / _UNITS[_NANOMETRES]
    header = _HEADER.pack(
        b"ais-app", x, y, z, len(model.objects), _MODEL_FLAGS, 1, 2, 0, 255, *(0.0,) * 3, *(1.0,) * 3,
        0, 0, -1, 3, 128, size or 1.0, _NANOMETRES if size else 0, 0, *(0.0,) * 3,
    )  # fmt: skip
    pieces = [_VERSION, header]
    for thing in model.objects:
        pieces += _object_bytes(thing)
    for view in model.views:
        pieces += [b"SLAN", _SLICER.size.to_bytes(4, "big"), _SLICER.pack(1, *view.angles, *view.centre, b"")]
    path.write_bytes(b"".join([*pieces, _END]))


def _object_bytes(thing: ImodObject) -> list[bytes]:
    flags = {"closed": 0, "open": _OPEN, "scattered": _OPEN | _SCATTERED}[thing.kind]
    name = thing.name.encode("utf-8")[:63]
    header = _OBJECT.pack(
        name, b"", len(thing.contours), flags, 0, 1, *thing.colour, thing.radius, 1, 3, 1, 1, 0, 0, 0, 0, 0, 0
    )
    pieces = [b"OBJT", header]
    for contour in thing.contours:
        points = np.asarray(contour.points, dtype=">f4")
        pieces += [b"CONT", _CONTOUR.pack(len(points), 0, 0, 0), points.tobytes()]
        if contour.sizes is not None:
            sizes = np.asarray(contour.sizes, dtype=">f4").tobytes()
            pieces += [b"SIZE", len(sizes).to_bytes(4, "big"), sizes]
    return pieces


def _last(reader: _Reader, things: list[T]) -> T:
    if not things:
        raise FileProblem(reader.path, "is damaged: a contour or its sizes stand before their object")
    return things[-1]


def _object(reader: _Reader) -> ImodObject:
    values = reader.unpack(_OBJECT)
    name = values[0].split(b"\0")[0].decode("utf-8", errors="replace")
    flags = values[3]
    kind = "scattered" if flags & _SCATTERED else "open" if flags & _OPEN else "closed"
    return ImodObject(name, values[6:9], kind, values[9])
