"""Fingerprints and sidecars."""

from __future__ import annotations

import json
import shutil

import pytest

from ais_app.core.errors import FileProblem
from ais_app.core.params import Params
from ais_app.core.provenance import fingerprint, read_provenance, record, sidecar


@pytest.mark.parametrize("size", [0, 1, 4096, 5 * 2**20])
def test_a_fingerprint_sees_a_changed_byte_where_it_looks(tmp_path, size):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(size))
    before = fingerprint(path)
    assert fingerprint(path) == before
    path.write_bytes(bytes(size) + b"x")
    assert fingerprint(path) != before
    if size:
        path.write_bytes(b"x" + bytes(size - 1))
        assert fingerprint(path) != before


def test_a_folder_has_a_fingerprint_of_its_files(tmp_path):
    store = tmp_path / "a.zarr"
    store.mkdir()
    (store / "0").write_bytes(b"chunk")
    before = fingerprint(store)
    (store / "1").write_bytes(b"chunk")
    assert fingerprint(store) != before


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileProblem, match=r"absent\.mrc"):
        fingerprint(tmp_path / "absent.mrc")


def test_a_sidecar_survives_moving_the_folder(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "in.mrc").write_bytes(b"data")
    (folder / "out.mrc").write_bytes(b"result")
    arguments = {"tomograms": [folder / "in.mrc"], "params": Params(), "tta": 4}
    record("segment", folder / "out.mrc", arguments, [folder / "in.mrc"]).write(folder / "out.mrc")
    shutil.move(folder, tmp_path / "there")
    found = read_provenance(tmp_path / "there" / "out.mrc")
    assert found.arguments == {"tomograms": ["in.mrc"], "params": {}, "tta": 4}
    assert found.inputs == {"in.mrc": fingerprint(tmp_path / "there" / "in.mrc")}
    assert found == read_provenance(sidecar(tmp_path / "there" / "out.mrc"))
    assert len(found.label) <= 80


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 99}, "newer format"),
        ({"format_version": "x"}, "newer format"),
        ({"inputs": ...}, "has no inputs"),
    ],
)
def test_a_damaged_sidecar_is_named(tmp_path, change, words):
    output = tmp_path / "out.mrc"
    output.write_bytes(b"result")
    path = record("segment", output, {}, []).write(output)
    content = {name: value for name, value in {**json.loads(path.read_text()), **change}.items() if value is not ...}
    path.write_text(json.dumps(content))
    with pytest.raises(FileProblem, match=words):
        read_provenance(output)


def test_files_without_or_with_a_foreign_sidecar_are_refused(tmp_path):
    (tmp_path / "a.mrc").write_bytes(b"data")
    with pytest.raises(FileProblem, match="no provenance"):
        read_provenance(tmp_path / "a.mrc")
    sidecar(tmp_path / "a.mrc").write_text("[]")
    with pytest.raises(FileProblem, match="not a provenance file"):
        read_provenance(tmp_path / "a.mrc")
    sidecar(tmp_path / "a.mrc").write_text(json.dumps({"format": "ais-app provenance", "format_version": 99}))
    with pytest.raises(FileProblem, match="newer"):
        read_provenance(tmp_path / "a.mrc")
