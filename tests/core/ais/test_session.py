"""Sessions of Ais: what must come out does, and a file that tries to do something only raises."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import struct
import subprocess
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ais_app.core.ais.session import read_ais_session
from ais_app.core.errors import FileProblem

SHAPE = (6, 20, 30)


@pytest.fixture(params=["Ais", "scNodes"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.SimpleNamespace]:
    """The classes of the program that writes sessions, as far as a pickle shows them."""
    made = {}
    for module_name, class_name in (
        ("se_frame", "SEFrame"),
        ("se_frame", "Segmentation"),
        ("opengl_classes", "Texture"),
    ):
        full = f"{request.param}.core.{module_name}"
        module = sys.modules.get(full) or types.ModuleType(full)
        made[class_name] = type(class_name, (), {"__module__": full})
        setattr(module, class_name, made[class_name])
        for name in (request.param, f"{request.param}.core", full):
            monkeypatch.setitem(sys.modules, name, module if name == full else types.ModuleType(name))
    return types.SimpleNamespace(**made)


def session(program: types.SimpleNamespace, **changes: Any) -> Any:
    """A session with two features: a mask that is not symmetric, so that a flip shows, and boxes as [x, y]."""
    frame = program.SEFrame()
    mask = np.zeros(SHAPE[1:], dtype=np.uint8)
    mask[2:7, 10:25] = 1
    features = []
    for title, colour in (("Membrane", (0.25, 0.5, 1.0)), ("Ribosome", (np.float32(1.0), 0, 0))):
        feature = program.Segmentation()
        feature.__dict__.update(
            parent=frame, title=title, colour=colour, box_size=np.int64(32), texture=program.Texture(),
            slices={0: None, 3: mask, np.int64(5): np.asfortranarray(mask[::-1])},
            boxes={0: [], 3: [[25, 7], [0, 19]], 4: [(1, 2)]},
        )  # fmt: skip
        features.append(feature)
    frame.__dict__.update(
        path=r"D:\data\T1.mrc", title="T1", n_slices=6, height=20, width=30, pixel_size=np.float64(1.2),
        data=np.ones(SHAPE[1:], dtype=np.float32), map=None, features=features, sample={1, "two"},
    )  # fmt: skip
    frame.__dict__.update(changes)
    return frame


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_is_in_a_session_comes_out(program, tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "T1.scns"
    path.write_bytes(pickle.dumps(session(program), protocol=protocol))
    read = read_ais_session(path)
    assert (read.title, read.tomogram, read.shape) == ("T1", r"D:\data\T1.mrc", SHAPE)
    assert read.voxel_size == pytest.approx(12.0)
    assert [feature.name for feature in read.features] == ["Membrane", "Ribosome"]
    membrane = read.features[0]
    assert membrane.colour == (0.25, 0.5, 1.0)
    assert membrane.box_size == 32
    assert list(membrane.slices) == [3, 5]
    expected = np.zeros(SHAPE[1:], dtype=np.uint8)
    expected[2:7, 10:25] = 1
    np.testing.assert_array_equal(membrane.slices[3], expected)
    np.testing.assert_array_equal(membrane.slices[5], expected[::-1])
    assert {z: centres.tolist() for z, centres in membrane.boxes.items()} == {3: [[25, 7], [0, 19]], 4: [[1, 2]]}


def test_an_unknown_voxel_size_stays_unknown(program, tmp_path: Path) -> None:
    path = tmp_path / "T1.scns"
    path.write_bytes(pickle.dumps(session(program, pixel_size=float("nan"))))
    assert read_ais_session(path).voxel_size is None


@pytest.mark.parametrize(
    "changes",
    [
        {"features": None},
        {"features": [3]},
        {"n_slices": 4},  # slice 5 is outside
        {"height": 21},
        {"height": "many"},
        {"title": 7},
        {"width": float("inf")},
    ],
)
def test_a_session_that_contradicts_itself_is_refused(program, tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "T1.scns"
    path.write_bytes(pickle.dumps(session(program, **changes)))
    with pytest.raises(FileProblem, match="T1.scns: is damaged"):
        read_ais_session(path)


class Attack:
    """Pickles as a call of `callee`."""

    def __init__(self, callee: Any, *arguments: Any) -> None:
        self.call = callee, arguments

    def __reduce__(self) -> Any:
        return self.call


def attacks(target: Path) -> dict[str, bytes]:
    """Pickles that would make `target`, or worse, when Python's own unpickler read them."""
    word = f"touch {target}"
    code = f"open({str(target)!r}, 'w')"
    raw = {
        "global": b"cposix\nsystem\n(V" + word.encode() + b"\ntR.",
        "inst": b"(V" + word.encode() + b"\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nV" + word.encode() + b"\no.",
        "dotted": b"\x80\x04\x8c\x11Ais.core.se_frame\x8c\x10SEFrame.__init__\x93(\x8c\x02xxtR.",
        "through a package": b"\x80\x04\x8c\x11Ais.core.se_frame\x8c\x09os.system\x93(\x8c\x02xxtR.",
        "mrcfile's own imports": b"\x80\x04\x8c\x07mrcfile\x8c\x09os.system\x93(\x8c\x02xxtR.",
        "create type": b"cdill._dill\n_create_type\n(tR.",
        "create function": b"cdill._dill\n_create_function\n(tR.",
        "import module": b"cdill._dill\n_import_module\n(Vos\ntR.",
        "load type": b"cdill._dill\n_load_type\n(VCodeType\ntR.",
        "mentioned, then called": b"cio\nopen\n(V" + str(target).encode() + b"\nVw\ntR.",
        "array class, called": b"cnumpy\nmemmap\n(V" + str(target).encode() + b"\nVw+\ntR.",
        "extension registry": b"\x80\x02\x82\x01.",
        "persistent id": b"Pos.system\n.",
        "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.",
        "huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"abc.",
        "huge text": b"X" + struct.pack("<I", 2**32 - 1) + b"abc.",
        "huge memo": b"\x80\x04Nr" + struct.pack("<I", 2**32 - 1) + b".",
        "huge shape": b"cnumpy.core.multiarray\n_reconstruct\n(tR"
        b"(K\x01(L1000000000000L\nI1000\ntcnumpy\ndtype\n(Vf8\ntRI00\nC\x00tb.",
        "hash of nested tuples": b"})" + b"\x85" * 200_000 + b"Ns.",
        "nested lists": b"]" * 100_000 + b"a" * 99_999 + b".",
        "unhashable key": b"}]Ns.",
        "objects": pickle.dumps(np.array([{}, Attack(os.system, word)], dtype=object)),
        "objects by type": b"cnumpy\ndtype\n(VO8\nI00\nI01\ntR.",
    }
    calls = {
        "os.system": Attack(os.system, word),
        "eval": Attack(builtins.eval, code),
        "exec": Attack(builtins.exec, code),
        "import": Attack(builtins.__import__, "os"),
        "getattr": Attack(getattr, Attack(builtins.__import__, "os"), "system"),
        "open": Attack(io.open, str(target), "w"),
        "popen": Attack(subprocess.Popen, ["touch", str(target)]),
        "numpy load": Attack(np.load, str(target), None, True),
        "numpy save": Attack(np.save, str(target), np.zeros(3)),
        "type": Attack(type, "X", (), {}),
        "nested unpickling": Attack(pickle.loads, pickle.dumps(Attack(os.system, word))),
        "in a container": OrderedDict(features=[Attack(os.system, word)]),
    }
    return raw | {name: pickle.dumps(attack) for name, attack in calls.items()}


@pytest.mark.parametrize("name", sorted(attacks(Path("x"))))
def test_a_malicious_session_does_nothing_but_raise(tmp_path: Path, name: str) -> None:
    target = tmp_path / "attacked"
    path = tmp_path / "bad.scns"
    path.write_bytes(attacks(target)[name])
    before = set(sys.modules)
    with pytest.raises(FileProblem, match="bad.scns: "):
        read_ais_session(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.scns"]
    assert not {module for module in set(sys.modules) - before if module.startswith(("dill", "Ais", "mrcfile"))}


def test_the_attacks_are_real(tmp_path: Path) -> None:
    """Python's own unpickler, in a process of its own, falls for them: the tests above test something."""
    for name in ("os.system", "global", "eval", "open", "in a container"):
        target = tmp_path / "attacked"
        path = tmp_path / "bad.scns"
        path.write_bytes(attacks(target)[name])
        subprocess.run([sys.executable, "-c", f"import pickle; pickle.load(open({str(path)!r}, 'rb'))"], check=False)
        assert target.exists(), name
        target.unlink()


def test_a_nested_attack_inside_a_true_session_is_found(program, tmp_path: Path) -> None:
    target = tmp_path / "attacked"
    path = tmp_path / "T1.scns"
    path.write_bytes(pickle.dumps(session(program, overlay=Attack(os.system, f"touch {target}"))))
    with pytest.raises(FileProblem, match="system, which has no place"):
        read_ais_session(path)
    assert not target.exists()


@pytest.mark.parametrize(
    "content", [b"", b".", b"N.", b"\x80\x04]", b"text\n", b"(", b"0.", b"1.", b"\x94.", b"h\x05."]
)
def test_what_is_no_session_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.scns"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match="bad.scns: is "):
        read_ais_session(path)


def test_a_missing_session_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="No such file"):
        read_ais_session(tmp_path / "none.scns")
    with pytest.raises(FileProblem, match="directory"):
        read_ais_session(tmp_path)


def sample() -> bytes:
    return (Path(__file__).resolve().parents[2] / "data" / "ais_session.scns").read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4), cut=st.booleans()
)
def test_a_damaged_session_never_does_worse_than_raise(tmp_path: Path, places, cut: bool) -> None:
    content = bytearray(sample())
    for position, value in places:
        content[position % len(content)] = value
    path = tmp_path / "damaged.scns"
    path.write_bytes(content[: places[0][0] % len(content)] if cut else content)
    try:
        read_ais_session(path)
    except FileProblem as problem:
        assert "damaged.scns" in str(problem)
