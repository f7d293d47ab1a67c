"""Training sets of Ais (.scnt): a tar of small MRC files, or the older TIFF. Nothing is unpacked to disk.

The format is described in docs/formats/scnt.md.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from ais_app.core.ais.bounded import BoundedFile
from ais_app.core.annotation.labels import checked_labels
from ais_app.core.errors import AisAppError, FileProblem, ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.formats.mrc_header import SIZE, build_header, fit_to_file, parse_header
from ais_app.core.io import VolumeHeader

LARGEST_MEMBER = 2**28  # bytes; a box of 256 x 256 x 33 float32 has 9 MB
LARGEST_SET = 2**33  # bytes of all boxes together
MOST_MEMBERS = 1_000_000
_FLAVOUR = "x_main"
# what tarfile, json and tifffile raise on damaged files, and what unpacking values of another kind raises
_DAMAGE = (
    OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, struct.error, tarfile.TarError,
)  # fmt: skip


@dataclass(frozen=True)
class AisTrainingSet:
    """Boxes with their labels.

    Parameters
    ----------
    images
        (n, depth, size, size) float32, raw grey values.
    labels
        (n, size, size) uint8 of the middle slice: 0, 1, 2 = ignore.
    tomograms
        (n,) name of the tomogram each box was cut from; empty where the file does not say.
    voxel_size
        Å; ``None`` where the file does not say.
    features
        Names of what is labelled.
    """

    images: np.ndarray
    labels: np.ndarray
    tomograms: tuple[str, ...]
    voxel_size: float | None
    features: tuple[str, ...]


@dataclass(frozen=True)
class AisBox:
    """One box to write.

    Parameters
    ----------
    image
        (depth, size, size), raw grey values.
    label
        (size, size) of the middle slice: 0, 1, 2 = ignore.
    tomogram, feature
        Names.
    centre_zyx
        Voxel at its centre.
    trusted
        Edge of the part whose labels hold, voxels.
    """

    image: np.ndarray
    label: np.ndarray
    tomogram: str
    feature: str
    centre_zyx: tuple[int, int, int]
    trusted: int


def read_ais_training_set(path: str | Path) -> AisTrainingSet:
    """Read a training set.

    Parameters
    ----------
    path
        ``.scnt``. Of a set with several versions of each image ("flavours") the one that was annotated is taken.

    Raises
    ------
    FileProblem
        It is missing, damaged, empty, too large, no training set, or holds links or paths that lead out of it.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(0)
            if head[:2] in (b"II", b"MM"):
                return _from_tiff(path, stream)
            return _from_tar(path, stream)
    except FileProblem:
        raise
    except AisAppError as error:
        raise FileProblem(path, error.problem, error.remedy) from error
    except _DAMAGE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else f"damaged ({error})"
        raise FileProblem(path, f"cannot be read as a training set of Ais: {reason}", "copy it again") from error


def write_ais_training_set(
    path: str | Path, boxes: Iterable[AisBox], voxel_size: float, features: Sequence[str]
) -> int:
    """Write a training set box by box; the same boxes give the same bytes.

    Parameters
    ----------
    path
        ``.scnt`` to write.
    boxes
        All of one size and depth.
    voxel_size
        Å.
    features
        Names of what is labelled.

    Returns
    -------
    int
        Number of boxes.

    Raises
    ------
    FileProblem
        The file cannot be written.
    ParameterProblem
        There is no box, boxes differ in size, or one comes twice.
    """
    sources: dict[str, dict[str, Any]] = {}
    shape: tuple[int, ...] | None = None
    with replacing(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
        for box in boxes:
            shape = shape or box.image.shape
            if box.image.shape != shape or box.label.shape != shape[1:]:
                raise ParameterProblem("boxes", f"{box.image.shape} beside {shape}", "cut all of one size")
            name = _identity(box)
            if name in sources:
                raise ParameterProblem("boxes", f"two at {box.centre_zyx} in {box.tomogram}", "leave one out")
            sources[name] = _source(box, shape[-1])
            _add(tar, f"{_FLAVOUR}/{name}.mrc", _mrc_bytes(box.image, voxel_size))
            _add(tar, f"y/{name}.mrc", _mrc_bytes(checked_labels(box.label)[np.newaxis], voxel_size))
        if shape is None:
            raise ParameterProblem("boxes", "there is none to write", "place boxes, or annotate slices")
        metadata = {
            "format_version": 1, "apix": voxel_size, "box_size": shape[-1], "box_depth": shape[0],
            "features": list(features), "n_samples": len(sources), "input_flavours": [_FLAVOUR],
            "annotated_flavour": _FLAVOUR,
        }  # fmt: skip
        _add(tar, "metadata.json", json.dumps(metadata, indent=2).encode())
        _add(tar, "sources.json", json.dumps(sources, indent=2).encode())
    return len(sources)


def _from_tar(path: Path, stream: BinaryIO) -> AisTrainingSet:
    with tarfile.open(fileobj=BoundedFile(stream), mode="r:") as tar:
        members = _members(path, tar)

        def content(name: str) -> bytes:
            found = tar.extractfile(members[name])
            assert found is not None  # _members lets only files through
            return found.read()

        metadata = json.loads(content("metadata.json"))
        sources = json.loads(content("sources.json")) if "sources.json" in members else {}
        folder = _annotated(metadata, members)
        names = sorted(name[2:] for name in members if name.startswith("y/") and f"{folder}/{name[2:]}" in members)
        if not names:
            raise FileProblem(path, "holds no boxes", "extract it again")
        images = np.stack([_mrc(content(f"{folder}/{name}"), path) for name in names])
        labels = np.stack([_mrc(content(f"y/{name}"), path).reshape(images.shape[2:]) for name in names])
    tomograms = tuple(str(sources.get(Path(name).stem, {}).get("aisTomogramName", "")) for name in names)
    features = tuple(str(name) for name in metadata.get("features") or ())
    return _checked(images, labels, tomograms, metadata.get("apix"), features)


def _members(path: Path, tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Return the files of the archive by name, after making sure that there is nothing else in it."""
    members, total = {}, 0
    for count, member in enumerate(tar):
        name = PurePosixPath(member.name)
        total += member.size
        if member.isdir():
            continue
        problem = ""
        if not member.isreg() or member.issparse():
            problem = "is a link or a device"
        elif name.is_absolute() or ".." in name.parts or "\\" in member.name or ":" in member.name:
            problem = "leads out of the archive"
        elif member.size > LARGEST_MEMBER or total > LARGEST_SET or count > MOST_MEMBERS:
            problem = f"is too much: {member.size:,} bytes, {total:,} in all"
        if problem:
            raise FileProblem(path, f"{member.name} in it {problem}", "this is no training set of Ais")
        members[name.as_posix()] = member
    return members


def _annotated(metadata: dict[str, Any], members: Iterable[str]) -> str:
    """Return the folder of the images that were annotated."""
    folders = sorted({name.split("/")[0] for name in members if name.startswith("x_")})
    named = str(metadata.get("annotated_flavour") or _FLAVOUR)
    for folder in (named, f"x_{named}", _FLAVOUR):
        if folder in folders:
            return folder
    raise ValueError(f"no folder {named}")


def _from_tiff(path: Path, stream: BinaryIO) -> AisTrainingSet:
    import tifffile

    with tifffile.TiffFile(stream) as file:
        series = file.series[0]
        if len(series.shape) != 4 or series.shape[1] < 2:
            raise ValueError(f"a stack of shape {series.shape}, not (boxes, depth + 1, y, x)")
        if series.size * series.dtype.itemsize > LARGEST_SET:
            raise FileProblem(path, f"is too much: {series.shape}", "this is no training set of Ais")
        stack = series.asarray()
        description = file.pages.first.tags.get("ImageDescription")
    size = re.search(r"apix=\s*([0-9.]+)", str(description.value)) if description is not None else None
    images, labels = stack[:, :-1], stack[:, -1]
    return _checked(images, labels, ("",) * len(stack), size and size.group(1), ())


def _mrc(content: bytes, path: Path) -> np.ndarray:
    """Return the voxels of an MRC file in memory as (z, y, x) float32."""
    header = fit_to_file(parse_header(content[:SIZE], path), len(content), path)
    count = header.data_bytes // header.dtype.itemsize
    values = np.frombuffer(content, header.dtype, count, header.offset).reshape(header.stored_shape)
    if values.dtype.kind == "c":
        raise ValueError("a box of complex numbers")
    return values.astype(np.float32)


def _checked(
    images: np.ndarray, labels: np.ndarray, tomograms: tuple[str, ...], apix: Any, features: tuple[str, ...]
) -> AisTrainingSet:
    if not np.isfinite(images).all():
        raise ValueError("boxes with NaN or infinite voxels")
    size = float(apix) if apix is not None else 0.0
    known = np.isfinite(size) and size > 0  # -1 and 0 mean that it was not known
    images = np.ascontiguousarray(images, dtype=np.float32)
    return AisTrainingSet(images, checked_labels(labels), tomograms, size if known else None, features)


def _identity(box: AisBox) -> str:
    """Name a box as Ais does: by its tomogram, feature and place, so that versions of one image find each other."""
    z, y, x = box.centre_zyx
    key = f"{box.tomogram}_{box.feature}_{z}_{y}_{x}"
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:16]


def _source(box: AisBox, size: int) -> dict[str, Any]:
    z, y, x = box.centre_zyx
    return {
        "aisTomogramName": box.tomogram, "aisTomogramPath": "",
        "aisBoxCoordinateZ": z, "aisBoxCoordinateY": y, "aisBoxCoordinateX": x,
        "aisBoxSizeAnnotate": box.trusted, "aisBoxSizeExtracted": size,
        "aisFeatureName": box.feature, "aisNegative": not bool((box.label == 1).any()),
    }  # fmt: skip


def _mrc_bytes(data: np.ndarray, voxel_size: float) -> bytes:
    data = np.ascontiguousarray(data, dtype="<f4")
    z, y, x = data.shape
    grey = float(data.min()), float(data.max()), float(data.mean()), float(data.std())
    header = VolumeHeader((z, y, x), data.dtype, (voxel_size,) * 3)
    return build_header(header, 2, grey) + data.tobytes()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
