"""The file of a queue: what is no queue, damaged, newer or not to be written is refused in words."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from ais_app.batch.queue import Queue
from ais_app.core.errors import AisAppError, FileProblem, ProjectProblem
from ais_app.state.project import Project


def test_a_missing_queue_is_said(tmp_path):
    with pytest.raises(FileProblem, match="no such queue; make one with: ais-app batch add"):
        Queue.open(tmp_path / "none.aisqueue")


def test_a_queue_of_a_newer_version_is_refused(queue, label_task):
    queue.add(label_task())
    queue.close()
    with closing(sqlite3.connect(queue.path)) as connection:
        connection.execute("PRAGMA user_version = 77")
    with pytest.raises(ProjectProblem, match=r"made by a newer ais-app \(format 77, .*; update ais-app"):
        Queue.open(queue.path)


@pytest.mark.parametrize("content", [b"", b"not a database at all, only some text\n" * 50])
def test_what_is_no_queue_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "work.aisqueue"
    path.write_bytes(content)
    for create in (False, True):
        with pytest.raises(FileProblem, match="(is not a|damaged or no) queue"):
            Queue.open(path, create=create)
    assert path.read_bytes() == content


def test_a_project_is_no_queue(tmp_path):
    Project.create(tmp_path / "P.aisproj").close()
    with pytest.raises(FileProblem, match="is not a queue of ais-app; choose a file that ends in .aisqueue"):
        Queue.open(tmp_path / "P.aisproj")


@pytest.mark.parametrize("offset", [20, 100, 5000])
def test_damage_is_said_in_words(queue, label_task, offset):
    queue.add_all([label_task(f"TS_{n}") for n in range(40)])
    queue.close()
    content = bytearray(queue.path.read_bytes())
    content[offset : offset + 4000] = b"\xff" * 4000
    queue.path.write_bytes(bytes(content))
    with pytest.raises(AisAppError, match="queue|damaged") as said:
        with Queue.open(queue.path) as again:
            for item in again.items():
                assert item.arguments
            again.add(label_task("TS_99"))
    assert said.value.remedy


def test_a_damaged_item_is_said_and_can_be_removed(queue, label_task):
    id = queue.add(label_task())
    queue.file.execute("UPDATE item SET arguments = '{'")
    with pytest.raises(FileProblem, match="holds a damaged item"):
        assert queue.item(id).arguments
    assert queue.remove(id) == [id]


def test_a_folder_that_is_a_file_is_said(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(FileProblem, match="cannot be written"):
        Queue.open(tmp_path / "data" / "work.aisqueue", create=True)


def test_a_closed_queue_says_so(queue):
    queue.close()
    with pytest.raises(ProjectProblem, match="is closed already"):
        queue.items()
    with pytest.raises(ProjectProblem, match="is closed already"):
        queue.version()


def test_of_several_who_make_a_queue_at_once_all_get_the_same(tmp_path):
    path = tmp_path / "work.aisqueue"
    start = threading.Barrier(6)
    failures: list[Exception] = []

    def make() -> None:
        start.wait()
        try:
            with Queue.open(path, create=True) as queue:
                queue.pause()
                assert queue.paused
        except AisAppError as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["work.aisqueue"]
