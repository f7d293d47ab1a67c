"""Workers as processes of their own: killed, several at once, told to stop."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ais_app.batch.queue import Queue
from ais_app.batch.records import Summary, Task
from ais_app.batch.work import work_job
from ais_app.core.jobs import run
from ais_app.core.prediction.parameters import PredictionParams

LIMIT = 90.0  # seconds, on the busiest machine


def start(queue: Queue, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ais_app", "batch", "run", str(queue.path), "--no-progress", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def segment_task(tmp_path: Path, model, tomogram) -> Callable[[str], Task]:
    source, network = tomogram("TS_01", (40, 48, 48)), model("membrane")

    def make(folder: str) -> Task:
        params = PredictionParams(engine="torch", precision="float32", tta=4)
        arguments = {"tomograms": [source], "models": [network], "out_dir": tmp_path / folder, "params": params}
        return Task("segment", arguments, "TS_01", outputs=[tmp_path / folder / "TS_01__membrane.mrc"])

    return make


def test_a_killed_worker_loses_nothing_and_the_result_is_the_same(queue, segment_task, label_task, tmp_path):
    """kill -9 in the middle of writing; whoever looks next goes on."""
    killed, whole = segment_task("killed"), segment_task("whole")
    id, after, _ = queue.add_all([killed, label_task("TS_02", depends_on=[killed]), whole])
    worker = start(queue, "--once")
    folder = tmp_path / "killed"
    wait_for(lambda: any(folder.glob(".*.part.mrc")), worker)
    time.sleep(0.03)  # some slices are written
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert queue.item(id).state == "running"
    assert list(folder.glob(".*.part.mrc"))
    assert not (folder / "TS_01__membrane.mrc").exists()  # a half file never looks finished
    with Queue.open(queue.path) as again:  # after a restart
        assert (again.item(id).state, again.item(id).attempts) == ("waiting", 1)
    assert run(work_job(queue)) == Summary(done=3)
    assert sorted(path.name for path in folder.iterdir()) == ["TS_01__membrane.mrc", "TS_01__membrane.mrc.json"]
    other = tmp_path / "whole" / "TS_01__membrane.mrc"
    assert (folder / other.name).read_bytes() == other.read_bytes()
    assert queue.item(after).state == "done"


def test_two_workers_never_run_one_item_twice(queue, label_task):
    ids = queue.add_all([label_task(f"TS_{n:02}") for n in range(20)])
    workers = [start(queue, "--once") for _ in range(2)]
    said = [worker.communicate(timeout=LIMIT) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    lines = sorted(line.split(":")[0] for out, _ in said for line in out.splitlines())
    assert lines == [f"Label TS_{n:02}" for n in range(20)]
    assert {queue.item(id).state for id in ids} == {"done"}
    assert sum(item.attempts for item in queue.items()) == 0


def test_sigterm_stops_a_worker_in_order(queue, segment_task, tmp_path):
    queue.add(segment_task("out"))
    worker = start(queue)
    wait_for(lambda: any((tmp_path / "out").glob(".*.part.mrc")), worker)
    worker.send_signal(signal.SIGTERM)
    _, err = worker.communicate(timeout=LIMIT)
    assert worker.returncode == 128 + signal.SIGTERM
    assert "stopped; what was running waits for the next worker" in err
    assert "Traceback" not in err
    (item,) = queue.items()
    assert (item.state, item.attempts) == ("waiting", 0)
    assert list((tmp_path / "out").iterdir()) == []
    assert queue.workers() == []


def test_a_worker_waits_for_more_until_ctrl_c(queue, label_task):
    worker = start(queue)
    wait_for(queue.workers, worker)
    id = queue.add(label_task())
    wait_for(lambda: queue.item(id).state == "done", worker)
    worker.send_signal(signal.SIGINT)
    out, err = worker.communicate(timeout=LIMIT)
    assert worker.returncode == 130
    assert "waiting for more" in err
    assert "Label TS_01: 2 instances" in out
    assert queue.workers() == []


def test_several_processes_are_one_command(queue, label_task):
    queue.add_all([label_task(f"TS_{n}") for n in range(6)] + [label_task("TS_9", missing=True)])
    worker = start(queue, "--once", "--workers", "2")
    out, err = worker.communicate(timeout=LIMIT)
    assert worker.returncode == 1  # one item failed
    assert len(out.splitlines()) == 6
    assert "TS_9__granule.mrc: no such file or folder; check the name" in err
    assert queue.counts()["done"] == 6
