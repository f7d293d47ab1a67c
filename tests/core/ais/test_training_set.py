"""Training sets of Ais: there and back, the older TIFF, and archives that try to do harm."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile

from ais_app.core.ais.training_set import AisBox, read_ais_training_set, write_ais_training_set
from ais_app.core.errors import FileProblem, ParameterProblem


def boxes(count: int = 3, depth: int = 3, size: int = 16) -> list[AisBox]:
    rng = np.random.default_rng(3)
    return [
        AisBox(
            rng.normal(size=(depth, size, size)).astype(np.float32),
            rng.integers(0, 3, (size, size)).astype(np.uint8),
            f"T{i % 2}", "membrane", (i, 20, 30), size,
        )
        for i in range(count)
    ]  # fmt: skip


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "set.scnt"
    assert write_ais_training_set(path, iter(boxes()), 8.5, ["membrane"]) == 3
    read = read_ais_training_set(path)
    assert (read.voxel_size, read.features) == (8.5, ("membrane",))
    written = {box.image.tobytes(): box for box in boxes()}
    for image, label, tomogram in zip(read.images, read.labels, read.tomograms, strict=True):
        box = written.pop(image.tobytes())
        np.testing.assert_array_equal(label, box.label)
        assert tomogram == box.tomogram
    assert written == {}


def test_the_file_is_as_ais_reads_it(tmp_path: Path) -> None:
    """Members, metadata and MRC files as docs/formats/scnt.md says, seen with other libraries."""
    path = tmp_path / "set.scnt"
    write_ais_training_set(path, boxes(), 8.5, ["membrane"])
    with tarfile.open(path) as tar:  # Python before 3.11.4 has no filter for extractall
        for member in (one for one in tar if one.isfile()):
            target = tmp_path / "x" / member.name
            assert target.resolve().is_relative_to(tmp_path / "x")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(tar.extractfile(member).read())
    metadata = json.loads((tmp_path / "x" / "metadata.json").read_text())
    assert metadata == {
        "format_version": 1, "apix": 8.5, "box_size": 16, "box_depth": 3, "features": ["membrane"], "n_samples": 3,
        "input_flavours": ["x_main"], "annotated_flavour": "x_main",
    }  # fmt: skip
    sources = json.loads((tmp_path / "x" / "sources.json").read_text())
    assert len(sources) == 3
    for name, source in sources.items():
        box = boxes()[source["aisBoxCoordinateZ"]]
        with mrcfile.open(tmp_path / "x" / "x_main" / f"{name}.mrc") as image:
            np.testing.assert_array_equal(image.data, box.image)
            assert image.voxel_size.x == pytest.approx(8.5)
        with mrcfile.open(tmp_path / "x" / "y" / f"{name}.mrc") as label:
            assert label.data.dtype == np.float32
            np.testing.assert_array_equal(np.squeeze(label.data), box.label)


def test_the_same_boxes_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_ais_training_set(tmp_path / name, boxes(), 8.5, ["membrane"])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_older_tiff(tmp_path: Path) -> None:
    path = tmp_path / "old.scnt"
    stack = np.random.default_rng(1).normal(size=(5, 2, 16, 16)).astype(np.float32)
    stack[:, -1] = np.random.default_rng(2).integers(0, 3, (5, 16, 16))
    tifffile.imwrite(path, stack, description="apix=13.3", photometric="minisblack")
    read = read_ais_training_set(path)
    np.testing.assert_array_equal(read.images, stack[:, :1])
    np.testing.assert_array_equal(read.labels, stack[:, 1])
    assert read.voxel_size == pytest.approx(13.3)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "none to write"),
        ([*boxes(1), *boxes(1)], "two at"),
        ([*boxes(1), *boxes(2, size=8)[1:]], "of one size"),
        ([AisBox(np.zeros((1, 4, 4)), np.full((4, 4), 3), "T", "f", (0, 0, 0), 4)], "3 is not a label"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, bad: list[AisBox], message: str) -> None:
    with pytest.raises(ParameterProblem, match=message):
        write_ais_training_set(tmp_path / "set.scnt", bad, 8.5, ["f"])
    assert list(tmp_path.iterdir()) == []


def changed(path: Path, more: dict[str, bytes | tarfile.TarInfo]) -> Path:
    """A good set with members added or replaced."""
    good = path.with_name("good.scnt")
    write_ais_training_set(good, boxes(), 8.5, ["membrane"])
    with tarfile.open(good) as source, tarfile.open(path, "w") as target:
        for member in source:
            if member.name not in more:
                target.addfile(member, source.extractfile(member))
        for name, content in more.items():
            if isinstance(content, tarfile.TarInfo):
                target.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                target.addfile(info, io.BytesIO(content))
    good.unlink()
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


HARM = {
    "above": ({"../evil.mrc": b"x"}, "leads out"),
    "root": ({"/tmp/evil.mrc": b"x"}, "leads out"),
    "drive": ({"C:evil.mrc": b"x"}, "leads out"),
    "backslash": ({"..\\evil.mrc": b"x"}, "leads out"),
    "symbolic link": ({"y/a.mrc": special("y/a.mrc", tarfile.SYMTYPE, "/etc/passwd")}, "is a link"),
    "hard link": ({"y/a.mrc": special("y/a.mrc", tarfile.LNKTYPE, "metadata.json")}, "is a link"),
    "device": ({"y/a.mrc": special("y/a.mrc", tarfile.CHRTYPE)}, "is a link or a device"),
    "pipe": ({"y/a.mrc": special("y/a.mrc", tarfile.FIFOTYPE)}, "is a link or a device"),
    "no json": ({"metadata.json": b"{"}, "damaged"),
    "json of another kind": ({"metadata.json": b"[]"}, "damaged"),
    "sources of another kind": ({"sources.json": b"[1]"}, "damaged"),
    "voxel size of another kind": ({"metadata.json": b'{"apix": {}}'}, "damaged"),
    "no such flavour": ({"metadata.json": b'{"annotated_flavour": "x_none", "apix": "a"}'}, "damaged"),
}


@pytest.mark.parametrize("name", sorted(HARM))
def test_archives_that_do_harm_are_refused(tmp_path: Path, name: str) -> None:
    more, message = HARM[name]
    path = changed(tmp_path / "bad.scnt", more)
    with pytest.raises(FileProblem, match=f"bad.scnt: .*{message}"):
        read_ais_training_set(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.scnt"]


def test_a_member_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.scnt"
    info = tarfile.TarInfo("y/a.mrc")
    info.size = 2**40
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024)
    with pytest.raises(FileProblem, match="too much"):
        read_ais_training_set(path)


@pytest.mark.parametrize("cut", [0, 1, 4, 600, 3000, 20_000])
def test_cut_and_empty_files_are_one_line(tmp_path: Path, cut: int) -> None:
    write_ais_training_set(tmp_path / "good", boxes(), 8.5, ["membrane"])
    path = tmp_path / "cut.scnt"
    path.write_bytes((tmp_path / "good").read_bytes()[:cut])
    with pytest.raises(FileProblem, match="cut.scnt: "):
        read_ais_training_set(path)


@pytest.mark.parametrize("content", [b"II*\x00" + b"\xff" * 100, b"MM\x00*", b"random" * 500])
def test_what_is_no_training_set_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.scnt"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match="bad.scnt: "):
        read_ais_training_set(path)
    with pytest.raises(FileProblem, match="none.scnt: .*No such file"):
        read_ais_training_set(tmp_path / "none.scnt")
