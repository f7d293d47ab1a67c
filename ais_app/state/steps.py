"""Writing to a project what takes longer than a moment, a few milliseconds at a time.

    steps.begin(work, done, failed) ─► steps.go_on(0.015) … until it says False

`work` is a generator that holds one command of the project open and yields often. Whoever reads labels, changes the
project or takes back a step in the meantime has the rest of it done first: nobody sees half of it, and it stays one
step of undo. A program that dies in the middle has written nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

from ais_app.core.errors import AisAppError

Work = Iterator[None]


class Steps:
    """At most one long write of a project; used on the thread that changes the project."""

    def __init__(self) -> None:
        self._work: Work | None = None
        self._done: Callable[[], object] | None = None
        self._failed: Callable[[AisAppError], object] | None = None
        self._is_inside = False
        self._thread = 0

    def begin(self, work: Work, done: Callable[[], object], failed: Callable[[AisAppError], object]) -> None:
        """Take on some work; what is under way is finished first.

        Parameters
        ----------
        work
            Yields after every few milliseconds.
        done
            Called when all of it is written.
        failed
            Called with what ended it, when nothing of it is written.
        """
        self.settle()
        self._work, self._done, self._failed, self._thread = work, done, failed, threading.get_ident()

    def go_on(self, seconds: float) -> bool:
        """Work for about so long; return whether there is more to do."""
        end = time.perf_counter() + seconds
        while self._work is not None and not self._is_inside:
            self._step()
            if time.perf_counter() >= end:
                break
        return self._work is not None

    def settle(self) -> None:
        """Finish what is under way; called from within the work itself, or from another thread, it does nothing.

        Other threads wait for the end of the command at the database.
        """
        if threading.get_ident() == self._thread:
            while self._work is not None and not self._is_inside:
                self._step()

    def _step(self) -> None:
        assert self._work is not None
        assert self._done is not None
        assert self._failed is not None
        self._is_inside = True
        finished: Callable[[], object]
        try:
            next(self._work)
            return
        except StopIteration:
            finished = self._done
        except AisAppError as error:  # whoever began the work is told, not who happens to be in its way
            finished = partial(self._failed, error)
        finally:
            self._is_inside = False
        self._work = self._done = self._failed = None
        finished()
