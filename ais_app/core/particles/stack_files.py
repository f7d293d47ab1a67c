"""The files of a stack beside its cubes: how each is written, read and checked. `stack` is what others use."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.coordinates import read_particles, write_particles
from ais_app.core.errors import AisAppError, FileProblem
from ais_app.core.files import read_json, read_text, replacing, write_json, write_text
from ais_app.core.particle_set import Particles, Shape
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

FORMAT = "ais-app subtomograms"
FORMAT_VERSION = 1
_ZIP = b"PK\x03\x04"  # how archives, and so .npz files, begin
_DAMAGED = (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Header:
    """What a stack says of itself: cubes, their edge and voxel size, how they were made, shapes of the tomograms."""

    count: int
    edge: int
    voxel_size: float
    notes: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)


def write_header(folder: Path, header: Header, resume: str) -> None:
    """Make the folder: a Zarr 3 group with an array of one chunk a cube, without packing."""
    import zarr

    attributes = {
        "format": FORMAT, "format_version": FORMAT_VERSION, "voxel_size": header.voxel_size,
        "notes": header.notes, "shapes": {name: list(shape) for name, shape in header.shapes.items()},
    }  # fmt: skip
    folder.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.create_group(folder, zarr_format=3, attributes=attributes)
    group.create_array(
        "cubes",
        shape=(header.count, *(header.edge,) * 3),
        chunks=(1, *(header.edge,) * 3),
        dtype="float32",
        compressors=None,
        chunk_key_encoding={"name": "v2", "separator": "."},
        dimension_names=("particle", "z", "y", "x"),
    )
    write_text(folder / "unfinished", resume)


def read_header(path: Path) -> Header:
    """Read what a stack says of itself.

    Raises
    ------
    FileProblem
        It is missing, something else, not finished, newer or damaged.
    """
    if not path.is_dir():
        problem = "is a file, but a stack is a folder" if path.exists() else "no such folder"
        raise FileProblem(path, problem, "check the name")
    foreign = FileProblem(path, "is no stack of subtomograms", "make one with ais-app subtomo extract")
    if not (path / "zarr.json").is_file():
        raise foreign
    group = read_json(path / "zarr.json")
    attributes = group.get("attributes") if isinstance(group, dict) else None
    if not isinstance(attributes, dict) or attributes.get("format") != FORMAT:
        raise foreign
    version = attributes.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FileProblem(path, f"is of a newer format ({version!r})", "update ais-app")
    if (path / "unfinished").exists():
        raise FileProblem(path, "is not finished", "run the same extraction again, which continues it")
    array = read_json(path / "cubes" / "zarr.json")
    try:
        count, edge = int(array["shape"][0]), int(array["shape"][1])
        chunks = array["chunk_grid"]["configuration"]["chunk_shape"]
        if chunks != [1, edge, edge, edge] or [codec["name"] for codec in array["codecs"]] != ["bytes"]:
            raise FileProblem(path, f"its cubes are packed or in chunks of {chunks}", "write it with ais-app")
        shapes = {str(name): _shape(shape) for name, shape in attributes["shapes"].items()}
        return Header(count, edge, float(attributes["voxel_size"]), dict(attributes["notes"]), shapes)
    except (*_DAMAGED, IndexError, AttributeError) as error:
        raise _damaged(path / "zarr.json", error) from error


def resumable(folder: Path, resume: str) -> bool:
    """Say whether a folder is the unfinished stack that `resume` stands for."""
    mark = folder / "unfinished"
    return mark.is_file() and read_text(mark) == resume


def is_stack(path: Path) -> bool:
    """Say whether a folder calls itself a stack; something in it may still be missing or damaged."""
    marker = path / "zarr.json"
    return marker.is_file() and FORMAT in read_text(marker)


def check_replaceable(path: Path) -> None:
    """Raise `FileProblem` where `path` is something else than a stack, which must not be replaced."""
    if not path.exists():
        return
    if not path.is_dir() or (any(path.iterdir()) and not is_stack(path)):
        raise FileProblem(path, "is there already, and is no stack of subtomograms", "choose another name")


def finish(part: Path, path: Path) -> None:
    """Make an unfinished folder the stack at `path`."""
    (part / "unfinished").unlink()
    if path.exists():
        shutil.rmtree(path)
    part.replace(path)


def write_wedges(folder: Path, wedges: Sequence[Wedge], wedge_of: np.ndarray) -> None:
    """Write the wedges and which of them each cube has."""
    content = {"wedges": [wedge.to_dict() for wedge in wedges], "wedge_of": np.asarray(wedge_of).tolist()}
    write_json(folder / "wedges.json", content)


def read_wedges(folder: Path, count: int) -> tuple[tuple[Wedge, ...], np.ndarray]:
    """Read the wedges and, (count,), which of them each cube has."""
    path = folder / "wedges.json"
    content = read_json(path)
    try:
        wedges = tuple(Wedge.from_dict(wedge) for wedge in content["wedges"])
        wedge_of = np.asarray(content["wedge_of"], dtype=np.int64)
        if wedge_of.shape != (count,) or wedge_of.min() < 0 or wedge_of.max() >= len(wedges):
            raise ValueError(f"wedge_of does not fit {count} cubes and {len(wedges)} wedges")
        return wedges, wedge_of
    except (*_DAMAGED, AisAppError) as error:
        raise _damaged(path, error) from error


def write_stack_particles(folder: Path, particles: Particles, voxel_size: float) -> None:
    """Write the particles as plain STAR, all columns kept."""
    plain = replace(particles, layout=None, blocks={})
    write_particles(folder / "particles.star", plain, "star", voxel_size=particles.voxel_size or voxel_size)


def read_stack_particles(folder: Path, header: Header) -> Particles:
    """Read the particles, and check their number."""
    path = folder / "particles.star"
    found = read_particles(path, "star")
    if len(found) != header.count:
        raise FileProblem(path, f"has {len(found):,} particles for {header.count:,} cubes", "copy the stack again")
    return replace(found, shapes=header.shapes, layout=None, blocks={})


def write_poses(folder: Path, poses: Poses) -> None:
    """Write the poses, whole or not at all."""
    with replacing(folder / "poses.npz") as part, part.open("wb") as stream:
        np.savez(stream, rotations=poses.rotations, shifts_zyx=poses.shifts_zyx, scores=poses.scores)


def read_poses(path: Path, count: int, remedy: str = "copy the stack again") -> Poses:
    """Read poses from a file, and check their number."""
    found = read_arrays(path, ("rotations", "shifts_zyx", "scores"), "poses", remedy)
    shapes = [array.shape for array in found]
    if len(shapes[2]) == 1 and len(found[2]) != count:
        raise FileProblem(path, f"holds poses of {len(found[2]):,} particles, the stack has {count:,}", remedy)
    try:
        if shapes != [(count, 3, 3), (count, 3), (count,)]:
            raise ValueError(f"arrays of shapes {shapes} for {count} cubes")
        return Poses(*(np.asarray(array, dtype=float) for array in found))
    except _DAMAGED as error:
        raise _damaged(path, error, remedy) from error


def read_arrays(path: Path, names: Sequence[str], what: str, remedy: str) -> list[np.ndarray]:
    """Read arrays from an ``.npz`` file.

    Parameters
    ----------
    path
        The file.
    names
        Of the arrays, in the order in which they are returned.
    what, remedy
        What they are to a person, and what to do where the file is another one.

    Raises
    ------
    FileProblem
        It cannot be read, is of another kind, or damaged.
    """
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                stream.seek(0)
                cut = stream.read(4) == _ZIP
                problem = "is damaged: it is cut short" if cut else f"holds no {what}: it is no .npz file"
                raise FileProblem(path, problem, remedy)
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as stored:
                there = stored.files
                if missing := [name for name in names if name not in there]:
                    problem = f"{', '.join(there) or 'nothing'}, but no {', '.join(missing)}"
                    raise FileProblem(path, f"holds no {what}: it has {problem}", remedy)
                return [np.asarray(stored[name]) for name in names]
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), remedy) from error
    except _DAMAGED as error:
        raise _damaged(path, error, remedy) from error


def write_classes(folder: Path, classes: np.ndarray) -> None:
    """Write the classes, whole or not at all."""
    with replacing(folder / "classes.npy") as part, part.open("wb") as stream:
        np.save(stream, classes)


def read_classes(folder: Path, count: int) -> np.ndarray | None:
    """Read the classes, (count,) int64; ``None`` where there are none."""
    path = folder / "classes.npy"
    if not path.exists():
        return None
    try:
        classes = np.load(path, allow_pickle=False)
        if classes.shape != (count,) or classes.dtype.kind not in "iu":
            raise ValueError(f"{classes.shape} {classes.dtype} for {count} cubes")
        return np.asarray(classes, dtype=np.int64)
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "copy the stack again") from error
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def unwritable(path: Path, error: OSError) -> FileProblem:
    """Return what to tell a person about a folder that cannot be written."""
    return FileProblem(path, f"cannot be written ({error.strerror or error})", "choose another folder or make room")


def _shape(values: Sequence[int] | Mapping[str, int]) -> Shape:
    z, y, x = values
    return int(z), int(y), int(x)


def _damaged(path: Path, error: Exception, remedy: str = "copy the stack again") -> FileProblem:
    return FileProblem(path, f"is damaged ({error})", remedy)
