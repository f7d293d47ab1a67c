"""What commands that train have in common: a progress bar, a line per epoch, Ctrl-C that stops and keeps."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from ais_app.cli.reporting import with_progress
from ais_app.core.jobs import Job, JobCancelled, Progress, run

R = TypeVar("R")
SHOWN = ("training_loss", "loss", "dice", "precision", "recall", "average_precision")
OF_CUBES = ("accuracy", "balanced_accuracy", "explained", "entropy", "discriminator")


def watched(job: Job[R], title: str) -> R:
    """Run with a progress bar on a terminal and a line per epoch; Ctrl-C asks the job to stop."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with (
        interrupts() as interrupted,
        Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task(title, total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total or None, description=progress.message)
            if "epoch" in progress.values:
                console.print(f"{progress.message}: {numbers(progress.values, 4)}", highlight=False, soft_wrap=True)

        return run(job, show, lambda: bool(interrupted))


def stoppable(job: Job[R], title: str) -> R:
    """Run with a progress bar; Ctrl-C lets the job keep what it has, so that the same command goes on there."""
    with interrupts() as interrupted:
        try:
            return with_progress(job, title, stop=lambda: bool(interrupted))
        except JobCancelled:
            raise KeyboardInterrupt from None


def numbers(values: Mapping[str, Any], digits: int = 3) -> str:
    """Return those of an epoch's numbers that a person reads."""
    there = [name for name in (*SHOWN, *OF_CUBES) if values.get(name) is not None]
    return ", ".join(f"{name.replace('_', ' ')} {values[name]:.{digits}f}" for name in there)


def say_if_stopped(finished: bool) -> None:
    """Say on stderr how to go on with a training that Ctrl-C has stopped."""
    if not finished:
        sys.stderr.write("ais-app: stopped early; the best weights so far are kept, --resume goes on\n")


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Collect interrupts instead of raising; the second one raises as usual."""
    seen: list[int] = []
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield seen  # somebody else handles interrupts, or this is not the main thread
        return

    def note(number: int, frame: object) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
