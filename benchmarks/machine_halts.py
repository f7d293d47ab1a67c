"""When the machine itself stood still: what a program is not to blame for.

A virtual machine shares its processors with others, and is stopped now and then for 10 to 500 ms, with all that runs on
it. One process for each processor, with the highest priority that it gets, sleeps 2 ms at a time and notes when it was
not woken; what counts is the time in which none of them was. Where priorities may not be raised, as without being root,
a program that keeps all processors busy makes them late as well: `raised` tells.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

NAP, LATE = 0.002, 0.012  # s
_SLEEPER = f"""
import os, sys, time
try:
    os.nice(-20)
except PermissionError:
    pass
os.sched_setaffinity(0, {{int(sys.argv[1])}})
last = time.perf_counter()
while os.getppid() == {{parent}}:
    time.sleep({NAP})
    now = time.perf_counter()
    if now - last > {LATE}:
        print(last + {NAP}, now, flush=True)
    last = now
"""


class MachineHalts:
    """Notes halts of the machine while it is entered (Linux: other systems have another clock in each process).

    Parameters
    ----------
    folder
        For notes.
    """

    def __init__(self, folder: Path) -> None:
        self._notes = [folder / f"halts_{core}.txt" for core in sorted(os.sched_getaffinity(0))]
        self._sleepers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> MachineHalts:
        code = _SLEEPER.replace("{parent}", str(os.getpid()))
        for core, note in zip(sorted(os.sched_getaffinity(0)), self._notes, strict=True):
            with note.open("wb") as out:
                self._sleepers.append(subprocess.Popen([sys.executable, "-c", code, str(core)], stdout=out))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for sleeper in self._sleepers:
            sleeper.terminate()
            sleeper.wait()

    @property
    def raised(self) -> bool:
        """Whether the sleepers go before whatever else runs."""
        return hasattr(os, "geteuid") and os.geteuid() == 0

    def within(self, start: float, end: float) -> float:
        """Return seconds of a span, of `time.perf_counter`, in which no processor did anything."""
        time.sleep(2 * NAP)  # what has just ended is noted too
        halts = [
            [
                (max(start, float(low)), min(end, float(high)))
                for low, high in (line.split() for line in note.read_text().splitlines() if line.count(" ") == 1)
            ]
            for note in self._notes
        ]
        common = [(start, end)]
        for each in halts:
            common = [
                (max(low, first), min(high, last)) for low, high in common for first, last in each
                if min(high, last) > max(low, first)
            ]  # fmt: skip
        return sum(high - low for low, high in common)
