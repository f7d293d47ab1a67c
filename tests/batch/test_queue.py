"""The queue as a list: adding, order, dependencies, cancelling, retrying, events."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ais_app.batch.queue import Queue, queue_path
from ais_app.batch.records import Task
from ais_app.batch.worker import Worker
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.pickers.blobs import BlobParams


def states(queue: Queue) -> list[str]:
    return [item.state for item in queue.items()]


def test_an_item_is_what_was_added(queue, tmp_path):
    params = BlobParams(threshold=0.3, max_count=5)
    arguments = {"segmentations": [tmp_path / "in" / "a.mrc"], "out_dir": str(tmp_path / "out"), "params": params}
    task = Task("pick", {**arguments, "mask": "membrane"}, "TS_01", "Pick", outputs=[tmp_path / "out" / "a.star"])
    item = queue.item(queue.add(task))
    assert (item.operation, item.subject, item.title, item.state) == ("pick", "TS_01", "Pick", "waiting")
    assert item.arguments == {
        "segmentations": [str(tmp_path / "in" / "a.mrc")],
        "out_dir": str(tmp_path / "out"),
        "params": params.to_dict(),
        "mask": "membrane",  # a feature, no file
    }
    assert item.outputs == (tmp_path / "out" / "a.star",)
    assert (item.started, item.finished, item.worker, item.seconds) == (None, None, None, None)
    assert time.time() - item.added < 60


def test_a_moved_folder_takes_its_queue_along(tmp_path, label_task):
    (tmp_path / "here").mkdir()
    with Queue.open(tmp_path / "here" / "P.aisqueue", create=True) as queue:
        arguments = {"segmentations": [tmp_path / "here" / "a.mrc"], "out_dir": tmp_path / "elsewhere"}
        queue.add(Task("label", arguments, outputs=[tmp_path / "here" / "b.mrc"]))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "here").rename(tmp_path / "deeper" / "there")
    with Queue.open(tmp_path / "deeper" / "there" / "P.aisqueue") as queue:
        (item,) = queue.items()
    assert item.arguments["segmentations"] == [str(tmp_path / "deeper" / "there" / "a.mrc")]
    assert item.outputs == (tmp_path / "deeper" / "there" / "b.mrc",)


def test_a_link_keeps_its_own_name(queue, tmp_path, segmentation):
    """Outputs are named after the link, not after what it points to."""
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "TS_09__granule.mrc"
    link.symlink_to(segmentation("TS_01"))
    item = queue.item(queue.add(Task("label", {"segmentations": [link], "out_dir": tmp_path / "out"})))
    assert item.arguments["segmentations"] == [str(link)]


def test_the_queue_of_a_project_stands_beside_it(tmp_path):
    assert queue_path(tmp_path / "lamella.aisproj") == tmp_path / "lamella.aisqueue"


def test_what_json_cannot_hold_is_refused_and_nothing_is_added(queue, label_task):
    with pytest.raises(ParameterProblem, match="cannot be kept in a file"):
        queue.add_all([label_task("TS_01"), Task("label", {"out_dir": object()})])
    assert queue.items() == []


def test_the_same_work_is_not_queued_twice(queue, label_task):
    first = queue.add(label_task("TS_01"))
    assert queue.add_all([label_task("TS_01"), label_task("TS_02")]) == [first, first + 1]
    queue.cancel(first)
    assert queue.add(label_task("TS_01")) == first + 2


def test_what_depends_on_nothing_known_is_refused(queue, label_task):
    with pytest.raises(ParameterProblem, match="Label TS_01 is needed but not in the queue"):
        queue.add(label_task("TS_02", depends_on=[label_task("TS_01")]))
    with pytest.raises(ParameterProblem, match="77 is needed"):
        queue.add(label_task("TS_02", depends_on=[77]))


def chain(queue: Queue, label_task) -> list[int]:
    """Add a, b that needs a, c that needs b, and d on its own."""
    a = label_task("A")
    b = label_task("B", depends_on=[a])
    c = label_task("C", depends_on=[b])
    return queue.add_all([a, b, c, label_task("D")])


def test_cancelling_holds_back_what_needs_it_and_retrying_brings_it_back(queue, label_task):
    a, b, c, _ = chain(queue, label_task)
    queue.cancel(a)
    assert states(queue) == ["cancelled", "cancelled", "cancelled", "waiting"]
    assert queue.item(c).reason == "needs “Label A”, which was cancelled"
    assert queue.item(c).depends_on == (b,)
    assert queue.retry(a) == [a, b, c]
    assert states(queue) == ["waiting"] * 4
    assert queue.item(c).reason == ""
    queue.cancel(a)
    assert queue.retry(c) == [a, b, c]  # with all that it needs
    assert queue.retry(c) == []


def test_an_item_held_back_by_two_needs_both(queue, label_task):
    a, b = label_task("A"), label_task("B")
    first, second, last = queue.add_all([a, b, label_task("C", depends_on=[a, b])])
    queue.cancel(first, second)
    queue.retry(first)
    assert states(queue) == ["waiting", "cancelled", "cancelled"]
    assert "“Label B”" in queue.item(last).reason
    queue.retry(second)
    assert states(queue) == ["waiting"] * 3


def test_removing_takes_what_could_never_run(queue, label_task):
    a, b, c, d = chain(queue, label_task)
    assert queue.remove(b) == [b, c]
    assert [item.id for item in queue.items()] == [a, d]
    with pytest.raises(ProjectProblem, match="has no item"):
        queue.remove(b)


def test_a_running_item_is_cancelled_before_it_is_removed(queue, label_task):
    id = queue.add(label_task())
    with Worker(queue.path) as worker:
        assert worker.claim().id == id
        with pytest.raises(ProjectProblem, match="is running; cancel it first"):
            queue.remove(id)
        queue.cancel(id)
        assert queue.item(id).cancelling
        assert queue.item(id).state == "running"  # until its worker has seen it


def test_clearing_keeps_failures_and_what_they_held_back(queue, label_task):
    a, b, c, d = chain(queue, label_task)
    extra = queue.add(label_task("E"))
    queue.cancel(extra)
    with Worker(queue.path) as worker:
        worker.finish(worker.claim(), "failed", reason="no")
        worker.finish(worker.claim(), "done")
    assert states(queue) == ["failed", "cancelled", "cancelled", "done", "cancelled"]
    assert queue.clear_finished() == [d, extra]
    assert queue.retry(a) == [a, b, c]


def test_items_can_be_put_into_another_order(queue, label_task):
    ids = queue.add_all([label_task(name) for name in "ABCD"])
    queue.reorder([ids[3], ids[0], ids[1]])  # C keeps its place
    assert [item.title[-1] for item in queue.items()] == ["D", "A", "C", "B"]
    with Worker(queue.path) as worker:
        assert worker.claim().id == ids[3]


def test_events_tell_of_own_changes_and_the_version_of_others(queue, label_task):
    seen: list[object] = []
    queue.events.items_changed.connect(lambda: seen.append("items"))
    queue.events.pause_changed.connect(seen.append)
    queue.add(label_task())
    queue.pause()
    assert seen == ["items", True]
    before = queue.version()
    assert queue.version() == before
    with Queue.open(queue.path) as other:
        assert other.paused
        other.resume()
    assert queue.version() != before
    assert not queue.paused
    assert seen == ["items", True]


def test_the_version_never_waits_for_somebody_who_writes(queue):
    with Queue.open(queue.path) as other, other.file.transaction():
        other.file.execute("INSERT INTO setting VALUES ('x', 'y')")
        start = time.perf_counter()
        queue.version()
        assert time.perf_counter() - start < 1


def test_no_item_is_claimed_twice(queue, label_task):
    count = 30
    queue.add_all([Task("label", {"out_dir": f"{n}", "segmentations": []}, title=f"{n}") for n in range(count)])
    claimed: list[int] = []

    def work() -> None:
        with Worker(queue.path) as worker:
            while (item := worker.claim()) is not None:
                claimed.append(item.id)
                worker.finish(item, "done")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [item.id for item in queue.items()]
    assert queue.counts()["done"] == count


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    needs=st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=8, max_size=8),
    ends=st.lists(st.sampled_from(["done", "failed", "cancelled", "skipped"]), min_size=8, max_size=8),
)
def test_every_item_ends_and_none_before_what_it_needs(queue, needs, ends):
    """Whatever depends on whatever, and however items end, nothing is left waiting and no order is broken."""
    queue.cancel(*[item.id for item in queue.items(state="waiting")])
    queue.clear_finished()
    queue.remove(*[item.id for item in queue.items()])
    tasks: list[Task] = []
    for number, wanted in enumerate(needs):
        before = [tasks[need] for need in wanted if need < number]
        tasks.append(Task("label", {"out_dir": str(number)}, title=str(number), depends_on=before))
    ids = queue.add_all(tasks)
    with Worker(queue.path) as worker:
        while (item := worker.claim()) is not None:
            assert all(queue.item(need).state in ("done", "skipped") for need in item.depends_on)
            assert worker.finish(item, ends[ids.index(item.id)])
    assert queue.is_finished
    for item in queue.items():
        if any(queue.item(need).state in ("failed", "cancelled") for need in item.depends_on):
            assert item.state == "cancelled"
    bad = [item.id for item in queue.items() if item.state in ("failed", "cancelled")]
    queue.retry(*bad)
    assert {item.state for item in queue.items()} <= {"waiting", "done", "skipped"}
