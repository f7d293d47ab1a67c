"""Pieces of work on all cores: in their order, one core each, and torch as it was afterwards."""

from threading import Barrier, Event, Thread, get_ident

import pytest
import torch

from ais_app.core.jobs import Progress, direct, run
from ais_app.core.parallel import OneThreadEach, small_steps, spread


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_pieces_are_done_side_by_side_and_come_back_in_order(two_threads):
    meet = Barrier(2, timeout=30)  # passed only if two are under way at once

    def work(piece):
        meet.wait()
        return piece, get_ident(), torch.get_num_threads()

    found = spread(work, [3, 1, 2, 5])
    assert [piece for piece, _, _ in found] == [3, 1, 2, 5]
    assert {threads for _, _, threads in found} == {1}
    assert torch.get_num_threads() == 2


def test_one_piece_stays_in_its_thread(two_threads):
    assert spread(lambda _: get_ident(), [0]) == [get_ident()]
    assert spread(lambda _: 0, []) == []


def test_one_within_another_sets_nothing_back(two_threads):
    first, second = OneThreadEach(), OneThreadEach()
    assert (first.__enter__(), second.__enter__()) == (2, 2)
    second.__exit__()
    assert torch.get_num_threads() == 1
    first.__exit__()
    assert torch.get_num_threads() == 2


def test_a_thread_that_begins_meanwhile_keeps_all_its_threads(two_threads):
    """A training, say, that is started while particles are averaged."""
    counts, begun, over = [], Event(), Event()

    def train():
        counts.append(int(torch.ones(3).sum()) and torch.get_num_threads())
        begun.set()
        assert over.wait(30)
        counts.append(int(torch.ones(3).sum()) and torch.get_num_threads())

    training = Thread(target=train)
    with OneThreadEach():
        spread(lambda _: None, [1, 2, 3])
        training.start()
        assert begun.wait(30) and torch.get_num_threads() == 1
    over.set()
    training.join()
    assert counts == [2, 2] and torch.get_num_threads() == 2


def test_what_fails_leaves_torch_as_it_was(two_threads):
    def fails(piece):
        raise ValueError(piece)

    with pytest.raises(ValueError, match="7"):
        spread(fails, [7, 8])
    assert torch.get_num_threads() == 2


def test_a_job_of_small_steps_has_one_thread_while_it_lasts(two_threads):
    @small_steps
    def counted_job(more: int):
        """Count threads."""
        yield Progress(0, 1)
        return torch.get_num_threads() + more

    assert run(counted_job(5)) == 6 == direct(counted_job)(5)
    assert counted_job.__doc__ == "Count threads."
    left = counted_job(0)
    next(left)
    assert torch.get_num_threads() == 1
    left.close()
    assert torch.get_num_threads() == 2
