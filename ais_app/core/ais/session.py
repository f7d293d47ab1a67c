"""Read annotation sessions of Ais (``.scns``): a pickle of that program's own objects, read without running any of it.

The format is described in docs/formats/scns.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.ais.inert import Allowed, Array, StandIn
from ais_app.core.ais.safe_pickle import load
from ais_app.core.errors import FileProblem

_ALLOWED = Allowed(
    packages=("Ais", "scNodes", "mrcfile", "OpenGL"),
    classes=frozenset({"dill._dill._create_filehandle", "collections.OrderedDict"}),
    mentioned=frozenset({"io.open", "_io.open"}),  # how an embedded map remembers that its file was open
)


@dataclass(frozen=True)
class AisFeature:
    """One feature of a session.

    Parameters
    ----------
    name
        Its title.
    colour
        Red, green, blue, 0 to 1.
    box_size
        Voxels.
    slices
        z to mask, (y, x) uint8 of 0 and 1; only slices that were annotated.
    boxes
        z to box centres, (n, 2) int64 in the order **x, y**, as the session has them.
    """

    name: str
    colour: tuple[float, float, float]
    box_size: int
    slices: dict[int, np.ndarray]
    boxes: dict[int, np.ndarray]


@dataclass(frozen=True)
class AisSession:
    """A session: the annotations of one tomogram.

    Parameters
    ----------
    path
        The session file.
    title
        Name of the tomogram in that program.
    tomogram
        Path of the tomogram as it was stored, usually absolute, on the machine that wrote it.
    shape
        (z, y, x) voxels.
    voxel_size
        Å; ``None`` when it was not known.
    features
        In the order of the session.
    """

    path: Path
    title: str
    tomogram: str
    shape: tuple[int, int, int]
    voxel_size: float | None
    features: tuple[AisFeature, ...]


def read_ais_session(path: str | Path) -> AisSession:
    """Read a session without running anything in it.

    Raises
    ------
    FileProblem
        The file is missing, damaged, no session, or holds anything but arrays, numbers, text, containers and objects
        of the program that writes sessions.
    """
    path = Path(path)
    root = load(path, _ALLOWED)
    if not isinstance(root, StandIn) or root.kind.name != "SEFrame" or not isinstance(root.state, dict):
        raise FileProblem(path, "is not an annotation session of Ais", "choose a file that ends in .scns")
    reader = _Reader(path)
    nm = root.get("pixel_size")
    known = isinstance(nm, (int, float)) and math.isfinite(nm) and nm > 0
    shape = tuple(reader.whole(root.get(name), name) for name in ("n_slices", "height", "width"))
    return AisSession(
        path=path,
        title=reader.text(root.get("title", path.stem), "title"),
        tomogram=reader.text(root.get("path", ""), "path"),
        shape=(shape[0], shape[1], shape[2]),
        voxel_size=float(nm) * 10 if known else None,
        features=tuple(reader.feature(item, shape) for item in reader.items(root.get("features"), "features")),
    )


class _Reader:
    """Turns what a file holds into checked values."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def feature(self, item: Any, shape: tuple[int, ...]) -> AisFeature:
        if not isinstance(item, StandIn):
            raise FileProblem(self._path, "is damaged (a feature)")
        slices: dict[int, np.ndarray] = {}
        for z, mask in self._by_slice(item.get("slices"), shape):
            if mask is not None:  # None: the slice was looked at, nothing more
                slices[z] = self._mask(mask, shape)
        boxes = {}
        for z, centres in self._by_slice(item.get("boxes"), shape):
            if len(self.items(centres, "boxes")):
                boxes[z] = self._centres(centres)
        return AisFeature(
            name=self.text(item.get("title"), "title"),
            colour=self._colour(item.get("colour")),
            box_size=self.whole(item.get("box_size", 64), "box_size"),
            slices=slices,
            boxes=boxes,
        )

    def items(self, value: Any, name: str) -> list[Any] | tuple[Any, ...]:
        if isinstance(value, Array) and value.values is not None:
            return value.values.tolist()
        if not isinstance(value, (list, tuple)):
            raise FileProblem(self._path, f"is damaged ({name})")
        return value

    def text(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise FileProblem(self._path, f"is damaged ({name} is no text)")
        return value

    def whole(self, value: Any, name: str) -> int:
        if not isinstance(value, (int, float)) or not math.isfinite(value) or not 1 <= value < 2**31:
            raise FileProblem(self._path, f"is damaged ({name} is {value!r})")
        return int(value)

    def _by_slice(self, value: Any, shape: tuple[int, ...]) -> list[tuple[int, Any]]:
        if not isinstance(value, dict):
            raise FileProblem(self._path, "is damaged (the slices of a feature)")
        for z in value:
            if not isinstance(z, (int, float)) or int(z) != z or not 0 <= z < shape[0]:
                raise FileProblem(self._path, f"is damaged (slice {z!r} of {shape[0]})")
        return sorted((int(z), content) for z, content in value.items())

    def _mask(self, value: Any, shape: tuple[int, ...]) -> np.ndarray:
        if not isinstance(value, Array) or value.values is None or value.values.shape != shape[1:]:
            raise FileProblem(self._path, f"is damaged (a slice is not {shape[1]} x {shape[2]} numbers)")
        return (value.values != 0).astype(np.uint8)

    def _centres(self, value: Any) -> np.ndarray:
        pairs = [self.items(pair, "a box") for pair in self.items(value, "boxes")]
        numbers = [number for pair in pairs for number in pair]
        fine = all(isinstance(n, (int, float)) and math.isfinite(n) and abs(n) < 2**31 for n in numbers)
        if not fine or any(len(pair) != 2 for pair in pairs):
            raise FileProblem(self._path, "is damaged (a box is not two numbers)")
        return np.array(pairs).astype(np.int64).reshape(-1, 2)

    def _colour(self, value: Any) -> tuple[float, float, float]:
        parts = self.items(value, "colour")
        if len(parts) < 3 or not all(isinstance(part, (int, float)) and 0 <= part <= 1 for part in parts[:3]):
            raise FileProblem(self._path, "is damaged (a colour)")
        red, green, blue = (float(part) for part in parts[:3])
        return red, green, blue
