from pathlib import Path

import pytest

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, Progress, run
from ais_app.operations.per_file import each_file, input_files


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return [folder / name for name in names]


def test_files_folders_and_globs(tmp_path):
    a, b, _ = files(tmp_path, "a__m.mrc", "b__r.mrc.gz", "notes.txt")
    store = tmp_path / "c.ome.zarr"
    store.mkdir()
    assert input_files([tmp_path]) == [a, b, store]
    assert input_files([tmp_path / "*__r.*"]) == [b]
    assert input_files([b, tmp_path]) == [b, a, store]
    assert input_files([store]) == [store]
    assert input_files([tmp_path / "missing.mrc"]) == [tmp_path / "missing.mrc"]


def test_globs_relative_to_the_working_folder(tmp_path, monkeypatch):
    files(tmp_path, "in/a.mrc", "in/b[1].mrc")
    monkeypatch.chdir(tmp_path)
    assert input_files(["in/?.mrc"]) == [Path("in/a.mrc")]
    assert input_files(["in/b[1].mrc"]) == [Path("in/b[1].mrc")]  # a file may have such a name


def test_nothing_to_do_is_said(tmp_path):
    with pytest.raises(FileProblem, match="holds no volume"):
        input_files([tmp_path])
    with pytest.raises(FileProblem, match="matches no volume"):
        input_files([tmp_path / "*.mrc"])
    with pytest.raises(ParameterProblem, match="no file"):
        input_files([])


def copy_job(path):
    yield Progress(1, 2, "copying")
    if "bad" in path.name:
        raise FileProblem(path, "is bad")
    path.with_suffix(".out").write_text(path.name)
    return "copied"


def targets(path):
    return [path.with_suffix(".out")]


def test_all_files_are_done_also_after_a_failure(tmp_path):
    paths = files(tmp_path, "1.mrc", "2bad.mrc", "3.mrc")
    seen = []
    results = run(each_file(paths, targets, copy_job), seen.append)
    assert [r.message for r in results] == ["copied", "", "copied"]
    assert "is bad" in str(results[1].error)
    assert results[0].outputs == (tmp_path / "1.out",)
    assert [p.done for p in seen] == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert seen[1].message == "1.mrc: copying"


def test_existing_outputs_are_left_or_replaced(tmp_path):
    paths = files(tmp_path, "1.mrc", "2.mrc")
    (tmp_path / "1.out").write_text("old")
    results = run(each_file(paths, targets, copy_job, skip_existing=True))
    assert [r.skipped for r in results] == [True, False]
    assert (tmp_path / "1.out").read_text() == "old"
    run(each_file(paths, targets, copy_job))
    assert (tmp_path / "1.out").read_text() == "1.mrc"


def test_two_inputs_for_one_output_are_refused(tmp_path):
    paths = files(tmp_path, "1.mrc", "1.rec")
    with pytest.raises(ParameterProblem, match="both write"):
        run(each_file(paths, targets, copy_job))


def test_stopping_reaches_the_job_that_is_running(tmp_path):
    told = []

    def work(path):
        try:
            yield Progress(0, 1)
        except JobCancelled:
            told.append(path.name)
            raise

    paths = files(tmp_path, "1.mrc", "2.mrc")
    calls = iter([False, True])
    with pytest.raises(JobCancelled):
        run(each_file(paths, targets, work), stop=lambda: next(calls))
    assert told == ["1.mrc"]
