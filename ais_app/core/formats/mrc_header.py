"""The 1,024-byte header of MRC files: what it says, what it must mean, and what is odd about it.

Fields and their meaning follow Cheng et al. 2015, J. Struct. Biol. 192, 146 (MRC2014); the sign of bytes follows
the rule that IMOD documents for its own flags and for files without them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from ais_app.core.errors import FileProblem
from ais_app.core.tomogram import ZYX, known_voxel_size

if TYPE_CHECKING:
    from ais_app.core.io import VolumeHeader

SIZE = 1024
MODES = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2"}
_IMOD_STAMP = 1146047817
_IMOD_SIGNED = 1  # bit of IMOD's flags
_LARGEST_SIDE = 2**20  # a longer side means wrong byte order, or no MRC file


@dataclass(frozen=True)
class MrcHeader:
    """What a header means.

    Parameters
    ----------
    stored_shape
        Sections, rows, columns, as they lie in the file.
    axes
        ``axes[i]`` is the stored axis that holds z, y, x for i = 0, 1, 2.
    dtype
        Type of the voxels, with the byte order of the file.
    offset
        Bytes before the first voxel.
    voxel_size_zyx, origin_zyx, nstart_zyx, labels, warnings
        As in `Tomogram`.
    """

    stored_shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    voxel_size_zyx: ZYX | None
    origin_zyx: ZYX
    nstart_zyx: tuple[int, int, int]
    labels: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def data_bytes(self) -> int:
        """Bytes that the voxels take."""
        return math.prod(self.stored_shape) * self.dtype.itemsize


def parse_header(raw: bytes, path: Path) -> MrcHeader:
    """Interpret a header; what cannot be right but can be read around becomes a warning.

    Raises
    ------
    FileProblem
        These bytes are no MRC header, or the mode is one that is not read.
    """
    if len(raw) < SIZE:
        problem = "is empty" if not raw else f"is too short for an MRC header: {len(raw):,} of {SIZE:,} bytes"
        raise FileProblem(path, problem, "copy it again")
    warnings: list[str] = []
    record = _in_byte_order(raw, path, warnings)
    axes = _axes(record, warnings)
    stored = (int(record["nz"]), int(record["ny"]), int(record["nx"]))
    start = (int(record["nzstart"]), int(record["nystart"]), int(record["nxstart"]))
    nsymbt = int(record["nsymbt"])
    if nsymbt < 0:
        warnings.append(f"nsymbt, the length of the extended header, is {nsymbt}: taken as 0")
    angles = [float(record["cellb"][name]) for name in ("alpha", "beta", "gamma")]
    if any(angle not in (0.0, 90.0) for angle in angles):
        shown = ", ".join(f"{angle:g}" for angle in angles)
        warnings.append(f"the cell angles are {shown}°: read as a right-angled grid")
    shape = tuple(stored[axis] for axis in axes)
    return MrcHeader(
        stored_shape=stored,
        axes=axes,
        dtype=_dtype(record, path, warnings),
        offset=SIZE + max(0, nsymbt),
        voxel_size_zyx=_voxel_size(record, shape, warnings),
        origin_zyx=_origin(record, warnings),
        nstart_zyx=(start[axes[0]], start[axes[1]], start[axes[2]]),
        labels=_labels(record),
        warnings=tuple(warnings),
    )


def fit_to_file(header: MrcHeader, size: int, path: Path) -> MrcHeader:
    """Compare the header with the length of the file.

    Raises
    ------
    FileProblem
        The file is shorter than its header says.
    """
    wanted = header.offset + header.data_bytes
    if size == wanted:
        return header
    if header.offset > SIZE and size == SIZE + header.data_bytes:
        text = f"nsymbt promises an extended header of {header.offset - SIZE:,} bytes that is not there: left out"
        return replace(header, offset=SIZE, warnings=(*header.warnings, text))
    if size < wanted:
        shape = " × ".join(f"{n:,}" for n in header.stored_shape[::-1])
        problem = f"is truncated: it has {size:,} of the {wanted:,} bytes that its header promises ({shape} voxels)"
        raise FileProblem(path, problem, "copy it again")
    text = f"the file is {size - wanted:,} bytes longer than its header says: the rest is not read; check nx, ny, nz"
    return replace(header, warnings=(*header.warnings, text))


def _in_byte_order(raw: bytes, path: Path, warnings: list[str]) -> np.void:
    """Return the header record in the byte order that makes sense, the machine stamp's first."""
    stamp, identifier = raw[212:216], raw[208:212]
    orders = (">", "<") if stamp[0] == 0x11 else ("<", ">")
    records = [np.frombuffer(raw, HEADER_DTYPE.newbyteorder(order), count=1)[0] for order in orders]
    chosen = next((at for at, record in enumerate(records) if _plausible(record)), None)
    if chosen is None:
        sides = " × ".join(f"{int(records[0][name])}" for name in ("nx", "ny", "nz"))
        problem = f"is not an MRC file: its header says {sides} voxels in mode {int(records[0]['mode'])}"
        raise FileProblem(path, problem, "check the name")
    named = "little" if orders[chosen] == "<" else "big"
    if identifier[:3] != b"MAP":
        warnings.append(
            f"the header is of the kind before MRC2000 (no 'MAP ', machine stamp {stamp.hex(' ')}): "
            f"read as {named}-endian; 'ais-app convert' writes a new one"
        )
    elif stamp[0] not in (0x11, 0x44) or chosen == 1:
        warnings.append(
            f"the machine stamp {stamp.hex(' ')} is wrong: read as {named}-endian, which the sizes fit; "
            "'ais-app convert' writes a new header"
        )
    return records[chosen]


def _plausible(record: np.void) -> bool:
    sides = [int(record[name]) for name in ("nx", "ny", "nz")]
    return all(0 < side <= _LARGEST_SIDE for side in sides) and 0 <= int(record["mode"]) <= 128


def _dtype(record: np.void, path: Path, warnings: list[str]) -> np.dtype[Any]:
    mode = int(record["mode"])
    if mode not in MODES:
        known = ", ".join(map(str, MODES))
        remedy = f"modes {known} are; IMOD's 'newstack -mode 2' makes one of them"
        raise FileProblem(path, f"has mode {mode}, which is not read", remedy)
    if mode == 0:
        return np.dtype(_sign_of_bytes(record, warnings))
    if mode == 4:
        warnings.append("mode 4 holds complex numbers: read as their magnitude")
    return np.dtype(MODES[mode]).newbyteorder(record.dtype["mode"].byteorder)


def _sign_of_bytes(record: np.void, warnings: list[str]) -> str:
    """Decide whether mode 0 means int8 or uint8.

    IMOD's flag decides where there is one; else the header's own range: 128 and more do not fit a signed byte;
    else the standard: signed since MRC2000, unsigned before.
    """
    stamp, flags = np.frombuffer(bytes(record["extra2"])[40:48], record.dtype["nx"])
    if stamp == _IMOD_STAMP:
        return "i1" if flags & _IMOD_SIGNED else "u1"
    low, high = float(record["dmin"]), float(record["dmax"])
    if high >= 128:
        kind, reason = "u1", f"the header's maximum is {high:g}"
    elif bytes(record["map"])[:3] == b"MAP" or low < 0:
        return "i1"
    else:
        kind, reason = "u1", "the header is of the kind before MRC2000"
    warnings.append(f"mode 0 is read as unsigned bytes, 0 to 255, because {reason}")
    return kind


def _axes(record: np.void, warnings: list[str]) -> tuple[int, int, int]:
    """Return which stored axis (0 sections, 1 rows, 2 columns) holds z, y and x."""
    stored = [int(record[name]) for name in ("maps", "mapr", "mapc")]  # 1 = x, 2 = y, 3 = z
    if sorted(stored) != [1, 2, 3]:
        shown = ", ".join(map(str, stored[::-1]))
        warnings.append(f"mapc, mapr, maps are {shown}, no order of axes: read as 1, 2, 3 (x, y, z)")
        return 0, 1, 2
    if stored != [3, 2, 1]:
        names = ", ".join("xyz"[axis - 1] for axis in stored[::-1])
        warnings.append(f"columns, rows and sections hold {names} (mapc, mapr, maps): turned to x, y, z")
    return stored.index(3), stored.index(2), stored.index(1)


def _voxel_size(record: np.void, shape: tuple[int, ...], warnings: list[str]) -> ZYX | None:
    """Cell length over sampling, per axis; ``None`` where that is 0, 1 (a default, not a size) or no number."""
    sizes: list[float] = []
    for name, length in zip("zyx", shape, strict=True):
        samples = int(record[f"m{name}"])
        if samples <= 0:
            warnings.append(f"m{name}, the sampling along {name}, is {samples}: {length} is used, as n{name}")
            samples = length
        sizes.append(float(f"{float(record['cella'][name]) / samples:.7g}"))  # float32 carries no more digits
    known = [math.isfinite(size) and size > 0 for size in sizes]
    if shape[0] == 1 and not known[0] and all(known[1:]):
        sizes[0], known[0] = sizes[2], True  # one image has no depth of its own
    if not all(known):
        if any(size != 0 for size in sizes):
            shown = " × ".join(f"{size:g}" for size in sizes[::-1])
            warnings.append(f"the voxel size in the header, {shown} Å, is no size: taken as unknown")
        return None
    return known_voxel_size(sizes)


def _origin(record: np.void, warnings: list[str]) -> ZYX:
    if bytes(record["map"])[:3] != b"MAP":
        return 0.0, 0.0, 0.0  # older headers keep other things there
    origin = [float(record["origin"][name]) for name in "zyx"]
    if not all(map(math.isfinite, origin)):
        warnings.append("the origin in the header is no number: taken as 0")
        return 0.0, 0.0, 0.0
    return origin[0], origin[1], origin[2]


def _labels(record: np.void) -> tuple[str, ...]:
    count = min(10, max(0, int(record["nlabl"])))
    texts = (bytes(raw).decode("ascii", "replace").split("\0")[0].strip() for raw in record["label"][:count])
    return tuple(text for text in texts if text.isprintable() and text)


def build_header(header: VolumeHeader, mode: int, grey: tuple[float, float, float, float]) -> bytes:
    """Return the bytes of a little-endian MRC2014 header.

    Parameters
    ----------
    header
        Geometry and labels; an unknown voxel size is written as a cell of 0.
    mode
        Type of the voxels in the file.
    grey
        Minimum, maximum, mean and standard deviation.
    """
    record = np.zeros((), HEADER_DTYPE.newbyteorder("<"))
    voxel_size = header.voxel_size_zyx or (0.0, 0.0, 0.0)
    for at, name in enumerate("zyx"):
        record[f"n{name}"] = record[f"m{name}"] = header.shape[at]
        record[f"n{name}start"] = header.nstart_zyx[at]
        record["cella"][name] = voxel_size[at] * header.shape[at]
        record["origin"][name] = header.origin_zyx[at]
    record["cellb"] = (90, 90, 90)
    record["mapc"], record["mapr"], record["maps"] = 1, 2, 3
    record["mode"], record["ispg"], record["nversion"] = mode, 1, 20140
    record["dmin"], record["dmax"], record["dmean"], record["rms"] = grey
    record["map"], record["machst"] = b"MAP ", (0x44, 0x44, 0, 0)
    labels = header.labels[:10]
    record["nlabl"] = len(labels)
    for at, text in enumerate(labels):
        record["label"][at] = text.encode("ascii", "replace")[:80]
    return record.tobytes()
