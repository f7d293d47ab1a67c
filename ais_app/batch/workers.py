"""Several worker processes on this machine, and stopping in order on Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_POLL_SECONDS = 0.2


class Stop:
    """Whether to stop, and because of which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal has ended."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def stopping_on_signals() -> Iterator[Stop]:
    """Note the first Ctrl-C or SIGTERM instead of breaking off; a second Ctrl-C breaks off. Main thread only."""
    stop = Stop()

    def note(number: int, _: FrameType | None) -> None:
        if stop() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.signal = number

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_processes(queue: Path, count: int, options: Sequence[str], stop: Callable[[], bool]) -> list[int]:
    """Run ``ais-app batch run`` in several processes and wait for all of them.

    Parameters
    ----------
    queue
        The queue.
    count
        Number of processes; each gets its share of the cores.
    options
        More words of the command line.
    stop
        Once it says true, the processes are asked to stop.

    Returns
    -------
    list of int
        Their exit codes; negative for one that a signal has killed.
    """
    command = [sys.executable, "-m", "ais_app", "batch", "run", str(queue), "--no-progress", *options]
    processes = [subprocess.Popen(command, env=shared(count)) for _ in range(count)]
    asked = False
    try:
        while any(process.poll() is None for process in processes):
            if stop() and not asked:
                asked = True
                for process in processes:
                    process.terminate()
            threading.Event().wait(_POLL_SECONDS)
    except BaseException:
        for process in processes:  # nobody waits for them any more; what they were running waits again
            process.kill()
        raise
    return [process.wait() for process in processes]


def shared(count: int, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that gives one of `count` processes its share of the cores, unless it says so already."""
    values = dict(os.environ if environment is None else environment)
    share = max(1, (os.cpu_count() or 1) // count)
    return {**dict.fromkeys(_THREADS, str(share)), **values} if count > 1 else values
