"""Whole files or none."""

from __future__ import annotations

import pytest

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import (
    check_not_input,
    check_suffix,
    make_durable,
    read_json,
    remove_leftovers,
    replacing,
    write_json,
    write_text,
)


def test_a_file_appears_whole(tmp_path):
    with replacing(tmp_path / "new" / "a.txt") as part:
        part.write_text("text")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "text"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "a.mrc.gz"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(target) as part:
        assert part.name.endswith(".part.mrc.gz")
        part.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_replaced_as_a_whole(tmp_path):
    target = tmp_path / "a.zarr"
    target.mkdir()
    (target / "old").write_text("old")
    with replacing(target) as part:
        part.mkdir()
        (part / "new").write_text("new")
    assert [p.name for p in target.iterdir()] == ["new"]


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "precious.star").write_text("mine")
    with pytest.raises(FileProblem, match="results: is a folder.*give the name of a file"):
        write_text(tmp_path / "results", "new")
    assert [path.name for path in tmp_path.rglob("*")] == ["results", "precious.star"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileProblem, match="cannot be written"), replacing(tmp_path / "file" / "a.txt"):
        raise AssertionError("not reached")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_bad_json_is_named(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"a\.json"):
        read_json(path)


def test_json_round_trip(tmp_path):
    value = {"b": [1, 2.5, None], "a": "Å"}
    assert read_json(write_json(tmp_path / "a.json", value)) == value


def test_what_killed_writers_left_is_removed(tmp_path):
    target = tmp_path / "map[1].mrc"
    with replacing(target) as part:
        part.write_text("whole")
    (tmp_path / ".map[1].0badf00d.part.mrc").write_text("half")
    other = tmp_path / ".map.0badf00d.part.mrc"
    other.write_text("of another file")
    remove_leftovers(target)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([target.name, other.name])


def test_finished_files_and_folders_can_be_made_durable(tmp_path):
    (tmp_path / "volume.zarr" / "c").mkdir(parents=True)
    for name in ("volume.zarr/c/0", "map.mrc"):
        (tmp_path / name).write_text("whole")
    make_durable([tmp_path / "volume.zarr", tmp_path / "map.mrc"])
    with pytest.raises(FileNotFoundError):
        make_durable([tmp_path / "missing.mrc"])


def test_an_output_that_is_an_input_is_refused_under_any_name(tmp_path):
    stack = tmp_path / "stack.zarr"
    stack.mkdir()
    (tmp_path / "map.mrc").write_text("precious")
    (tmp_path / "link.mrc").symlink_to(tmp_path / "map.mrc")
    inputs = [stack, tmp_path / "map.mrc"]
    for name in ("map.mrc", "link.mrc", "stack.zarr/../map.mrc", "stack.zarr"):
        with pytest.raises(ParameterProblem, match=r"is an input; it would be overwritten; choose another"):
            check_not_input([tmp_path / "other.mrc", tmp_path / name], inputs)
    with pytest.raises(ParameterProblem, match=r"poses\.npz: lies in the input .*stack\.zarr"):
        check_not_input([stack / "poses.npz"], inputs)
    with pytest.raises(
        ParameterProblem, match=r"stack\.zarr: would replace the folder that the input .*map\.mrc lies in"
    ):
        check_not_input([stack], [stack / "map.mrc"])
    check_not_input([tmp_path / "other.mrc", tmp_path / "stack.zarr.star"], [*inputs, tmp_path / "not there.mrc"])
    check_not_input([tmp_path / f"{'long' * 100}.mrc"], [*inputs, tmp_path / f"{'name' * 100}.mrc"])


@pytest.mark.parametrize("name", ["map.mrc", "map", "map.star.gz"])
def test_an_output_with_the_suffix_of_another_kind_of_file_is_refused(name):
    with pytest.raises(ParameterProblem, match=rf"{name}: is to be a STAR file, .*call it map\.star$"):
        check_suffix(name, (".star",), "a STAR file")
    check_suffix("Map.STAR", (".star",), "a STAR file")
