"""Working on a queue: in order, skipped, failed in words, paused, cancelled, stopped."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ais_app.batch.queue import Queue
from ais_app.batch.records import Summary, Task
from ais_app.batch.work import work_job
from ais_app.batch.worker import Worker
from ais_app.core.errors import FileProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.prediction.parameters import PredictionParams

LOOK = 0.25  # seconds after which a worker looks for orders


def states(queue: Queue) -> list[str]:
    return [item.state for item in queue.items()]


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if ".part" in path.name]


def test_items_are_run_in_order_and_tell_how_far_they_are(queue, label_task):
    first, second = queue.add_all([label_task("TS_01"), label_task("TS_02")])
    steps = []
    assert run(work_job(queue), steps.append) == Summary(done=2)
    assert {step.message for step in steps} == {"Label TS_01", "Label TS_02"}
    ended = [step for step in steps if step.values["state"] == "done"]
    assert [(step.values["item"], step.done, step.total) for step in ended] == [(first, 1, 2), (second, 2, 2)]
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert 0.5 in [step.values["fraction"] for step in steps]
    item = queue.item(first)
    assert (item.state, item.message, item.fraction, item.doing) == ("done", "2 instances", 1, "")
    assert item.outputs[0].exists()
    assert item.added <= item.started <= item.finished
    assert item.worker.pid == os.getpid()
    assert queue.workers() == []  # nobody works any more
    assert queue.is_finished


def test_a_limit_ends_the_worker_and_another_goes_on(queue, label_task):
    queue.add_all([label_task(name) for name in ("TS_01", "TS_02", "TS_03")])
    assert run(work_job(queue, limit=2)) == Summary(done=2)
    assert states(queue) == ["done", "done", "waiting"]
    assert run(work_job(queue, worker_name="night shift")) == Summary(done=1)
    assert queue.items()[-1].worker.name == "night shift"


def test_what_fails_is_said_in_words_and_the_others_go_on(queue, label_task, tmp_path, model, tomogram):
    segment = {"tomograms": [tomogram("TS_05")], "out_dir": tmp_path / "out"}
    missing = tmp_path / "missing.aismodel"
    ids = queue.add_all(
        [
            label_task("TS_01", missing=True),
            Task("segment", {**segment, "models": [missing]}, "TS_05"),
            Task("segment", {**segment, "models": [model("membrane")], "params": {"engine": "abacus"}}, "TS_05"),
            Task("conjure", {}),
            Task("label", {"segmentations": [tmp_path]}),
            Task("replay", {"path": tmp_path}),  # runs other operations, has no job of its own
            label_task("TS_02"),
        ]
    )
    assert run(work_job(queue)) == Summary(done=1, failed=6)
    said = [(queue.item(id).reason, queue.item(id).remedy) for id in ids[:-1]]
    assert said[0] == (f"{tmp_path / 'TS_01__granule.mrc'}: no such file or folder", "check the name")
    assert said[1][0].startswith(f"{missing}: No such file")
    assert "'abacus' is not one of auto, openvino, torch" in said[2][0]
    assert said[3] == ("conjure: is not an operation of this version of ais-app", "update ais-app")
    assert "missing a required argument: 'out_dir'" in said[4][0]
    assert said[5][0].startswith("replay: is not an operation")
    assert all(reason and "\n" not in reason and remedy for reason, remedy in said)
    assert not any(queue.item(id).details for id in ids)  # nothing of it was unforeseen


def test_a_folder_that_cannot_be_written_fails_its_item_only(queue, label_task, tmp_path):
    (tmp_path / "full").write_text("a file where the folder should be")
    queue.add_all([label_task("TS_01", folder="full"), label_task("TS_02")])
    assert run(work_job(queue)) == Summary(done=1, failed=1)
    item = queue.items()[0]
    assert "cannot be written" in item.reason
    assert item.remedy == "choose another folder or make room"


@pytest.mark.parametrize(
    ("error", "reason", "remedy"),
    [
        (
            OSError(28, "No space left on device", "/data/out.mrc"),
            "/data/out.mrc: No space left on device",
            "make room",
        ),
        (MemoryError(), "there is not enough memory", "smaller tiles"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "there is not enough memory", "smaller tiles"),
        (ZeroDivisionError("division by zero"), "failed unexpectedly (ZeroDivisionError: division by zero)", "report"),
    ],
)
def test_a_full_disk_or_memory_or_a_fault_is_a_sentence(queue, label_task, monkeypatch, error, reason, remedy):
    def breaks(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ais_app.operations.label.label_volume", breaks)
    queue.add_all([label_task("TS_01")])
    assert run(work_job(queue)) == Summary(failed=1)
    (item,) = queue.items()
    assert item.reason == reason
    assert remedy in item.remedy
    assert ("Traceback" in item.details) == (not isinstance(error, OSError))
    monkeypatch.undo()
    queue.retry(item.id)
    assert run(work_job(queue)) == Summary(done=1)
    assert queue.item(item.id).details == ""


def test_what_needs_a_failed_item_is_not_run(queue, label_task):
    first = label_task("TS_01", missing=True)
    queue.add_all([first, label_task("TS_02", depends_on=[first]), label_task("TS_03")])
    assert run(work_job(queue)) == Summary(done=1, failed=1)
    assert states(queue) == ["failed", "cancelled", "done"]


def test_an_item_waits_for_what_it_needs_also_where_it_comes_first(queue, label_task, tmp_path):
    first = label_task("TS_01")
    source = first.arguments["segmentations"]
    mesh = Task("mesh", {"segmentations": source, "out_dir": tmp_path / "meshes"}, depends_on=[first])
    ids = queue.add_all([first, mesh])
    queue.reorder(ids[::-1])
    assert run(work_job(queue)) == Summary(done=2)
    assert queue.item(ids[1]).started >= queue.item(ids[0]).finished
    assert "triangles" in queue.item(ids[1]).message


def test_pausing_holds_a_running_item_and_everything_after_it(queue, label_task):
    queue.add_all([label_task("TS_01"), label_task("TS_02")])
    job = work_job(queue)
    next(job)
    queue.pause()
    time.sleep(LOOK)
    steps = [next(job) for _ in range(4)]
    assert steps[-1].values["doing"] == "paused"
    assert states(queue) == ["running", "waiting"]
    queue.resume()
    assert run(job) == Summary(done=2)


def test_a_paused_queue_stays_paused_and_its_worker_can_be_stopped(queue, label_task):
    queue.add(label_task())
    queue.pause()
    with Queue.open(queue.path) as again:
        assert again.paused
        job = work_job(again)
        assert next(job).message == "paused"
        with pytest.raises(StopIteration) as ended:
            job.throw(JobCancelled())
    assert ended.value.value == Summary(stopped=True)
    assert states(queue) == ["waiting"]


def until(job, words: str, seconds: float = 30) -> None:
    """Run a job until it says that it is doing something."""
    end = time.monotonic() + seconds
    while words not in next(job).values.get("doing", ""):
        assert time.monotonic() < end


@pytest.fixture
def segment_task(tmp_path, model, tomogram):
    def make(name: str = "TS_01", **options: object) -> Task:
        arguments = {
            "tomograms": [tomogram(name)],
            "models": [model("membrane")],
            "out_dir": tmp_path / "out",
            "params": PredictionParams(engine="torch", precision="float32"),
            "skip_existing": False,
        }
        output = tmp_path / "out" / f"{name}__membrane.mrc"
        return Task("segment", {**arguments, **options}, name, f"Segment {name}", outputs=[output])

    return make


def test_cancelling_stops_an_item_in_the_middle_and_leaves_no_half_file(queue, segment_task, label_task, tmp_path):
    first = segment_task()
    id, other, later = queue.add_all([first, label_task("TS_02"), label_task("TS_03", depends_on=[first])])
    job = work_job(queue)
    until(job, "slice 1")
    assert parts(tmp_path / "out")
    queue.cancel(id)
    time.sleep(LOOK)
    assert run(job) == Summary(done=1, cancelled=1)
    assert states(queue) == ["cancelled", "done", "cancelled"]
    assert queue.item(id).reason == "was cancelled"
    assert list((tmp_path / "out").iterdir()) == []
    assert not queue.item(id).cancelling


@pytest.mark.parametrize("how", ["cancelled", "closed", "interrupted"])
def test_however_a_worker_is_stopped_its_item_waits_again(queue, segment_task, tmp_path, how):
    queue.add(segment_task())
    job = work_job(queue)
    until(job, "slice 1")
    if how == "cancelled":
        with pytest.raises(StopIteration) as ended:
            job.throw(JobCancelled())
        assert ended.value.value == Summary(stopped=True)
    elif how == "closed":
        job.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            job.throw(KeyboardInterrupt())
    (item,) = queue.items()
    assert (item.state, item.attempts, item.fraction) == ("waiting", 0, 0)
    assert list((tmp_path / "out").iterdir()) == []
    assert run(work_job(queue)) == Summary(done=1)


def test_what_is_there_and_was_made_the_same_way_is_skipped(queue, label_task, segmentation):
    id = queue.add(label_task(skip_existing=True))
    assert run(work_job(queue)) == Summary(done=1)
    output = queue.item(id).outputs[0]
    stamp = output.stat().st_mtime_ns

    def again(**options: object) -> Summary:
        queue.clear_finished()
        queue.add(label_task(skip_existing=True, **options))
        return run(work_job(queue))

    assert again() == Summary(skipped=1)
    assert output.stat().st_mtime_ns == stamp
    assert queue.items()[0].outputs == (output,)
    assert again(arguments={"params": {"threshold": 0.5}}) == Summary(skipped=1)  # the default, said aloud
    assert again(arguments={"params": {"threshold": 0.4}}) == Summary(done=1)
    assert again(arguments={"params": {"threshold": 0.4}}) == Summary(skipped=1)
    content = bytearray(segmentation("TS_01").read_bytes())
    content[-1] = 1
    segmentation("TS_01").write_bytes(bytes(content))
    assert again(arguments={"params": {"threshold": 0.4}}) == Summary(done=1)  # from another input
    output.with_name(output.name + ".json").unlink()
    assert again(arguments={"params": {"threshold": 0.4}}) == Summary(done=1)
    output.unlink()
    assert again(arguments={"params": {"threshold": 0.4}}) == Summary(done=1)


def test_the_file_of_an_item_that_died_before_is_removed(queue, label_task):
    task = label_task()
    output = Path(task.outputs[0])
    output.parent.mkdir()
    left = output.with_name(f".{output.stem}.0badf00d.part.mrc")
    left.write_text("half")
    queue.add(task)
    assert run(work_job(queue)) == Summary(done=1)
    assert not left.exists()


def test_a_dead_worker_gives_its_item_back_and_its_words_are_not_heard(queue, label_task):
    """A laptop that slept for longer than the others wait."""
    id = queue.add(label_task())
    with Worker(queue.path, "asleep") as asleep:
        item = asleep.claim()
        assert queue.give_back_dead() == []
        asleep.file.execute("UPDATE worker SET heartbeat = heartbeat - 1000")
        assert queue.workers() == []
        with Worker(queue.path, "awake") as awake:
            assert awake.claim().id == id
            assert queue.item(id).attempts == 1
            assert asleep.look(item, 0.5, "") == "lost"
            assert not asleep.finish(item, "failed", reason="too late")
            asleep.give_back(item)
            assert queue.item(id).state == "running"
            assert awake.finish(item, "done")
    assert queue.item(id).worker.name == "awake"


def test_an_item_whose_workers_always_die_is_given_up(queue, label_task):
    id = queue.add(label_task())
    for _ in range(5):
        with Worker(queue.path) as worker:
            assert worker.claim().id == id
            worker.file.execute("UPDATE worker SET ended = 1")
        queue.give_back_dead()
    item = queue.item(id)
    assert item.state == "failed"
    assert "died 5 times" in item.reason
    assert "memory" in item.remedy


def test_a_queue_never_runs_programs_packed_with_models_unasked(queue, segment_task):
    queue.add(segment_task(trust_source=True))
    assert run(work_job(queue)) == Summary(failed=1)
    (item,) = queue.items()
    assert "asks to run a program that is packed with a model" in item.reason
    queue.retry(item.id)
    assert run(work_job(queue, trust_source=True)) == Summary(done=1)


def test_a_queue_that_is_gone_ends_the_worker_in_words(queue, label_task):
    queue.add(label_task())
    job = work_job(queue)
    queue.path.rename(queue.path.with_name("gone.aisqueue"))
    with pytest.raises(FileProblem, match="no such queue"):
        next(job)
