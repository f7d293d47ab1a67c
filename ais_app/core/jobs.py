"""Long work as generators: a job yields its progress and returns its result.

    job = train_job(...)            # nothing has happened yet
    result = run(job)               # in a test, a script or the command line
    result = run(job, show, stop)   # with a progress bar and a way to stop

    train = direct(train_job)       # the function that does it at once

The window drives the same generators from a worker thread. Stopping throws `JobCancelled` into the job at its
next yield: a job that has something worth keeping catches it and returns that, any other ends there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Parameters
    ----------
    done, total
        Steps done and steps in all; ``total`` 0 means unknown.
    message
        What is being done now, in a few words.
    values
        Numbers worth showing or plotting, such as the loss of an epoch.
    """

    done: float
    total: float
    message: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


Job = Generator[Progress, None, R]


class JobCancelled(Exception):
    """Thrown into a job at its next yield when a person stops it."""


def run(
    job: Job[R],
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> R:
    """Run a job to its end and return its result.

    Parameters
    ----------
    job
        The generator.
    on_progress
        Called with every `Progress`.
    stop
        Asked after every `Progress`; once it says true, `JobCancelled` is thrown into the job.

    Raises
    ------
    JobCancelled
        The job was stopped and had nothing to return.
    """
    try:
        progress = next(job)
        while True:
            if on_progress is not None:
                on_progress(progress)
            progress = job.throw(JobCancelled()) if stop is not None and stop() else next(job)
    except StopIteration as finished:
        result: R = finished.value
        return result


def retold(job: Job[R], tell: Callable[[Progress], Progress]) -> Job[R]:
    """Do a job as part of another one, and say otherwise how far it is."""
    cancelled: JobCancelled | None = None
    try:
        step = next(job)
        while True:
            try:
                yield tell(step)
            except JobCancelled as stop:
                cancelled = stop
            step = job.throw(cancelled) if cancelled is not None else next(job)
            cancelled = None
    except StopIteration as finished:
        result: R = finished.value
        return result


def in_words(step: Progress) -> Progress:
    """Return the progress of a step whose share of the whole is not known: its own share only in words, in tens."""
    share = f": {10 * int(10 * step.done / step.total)} %" if step.total else ""
    return Progress(0, 0, step.message + share, step.values)


def direct(job: Callable[P, Job[R]]) -> Callable[P, R]:
    """Return the function that does the whole of a job at once and returns its result.

    ``segment = direct(segment_job)`` has the arguments and the documentation of ``segment_job``, and its name without
    ``_job``; so a job and its function are written, checked and described once.
    """

    @wraps(job)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return run(job(*args, **kwargs))

    call.__name__ = job.__name__.removesuffix("_job")
    call.__qualname__ = job.__qualname__.removesuffix("_job")
    # what help and inspect show: the result, not the job
    result = str(job.__annotations__.get("return", "")).removeprefix("Job[").removesuffix("]")
    call.__annotations__ = {**job.__annotations__, "return": result}
    signature = inspect.signature(job).replace(return_annotation=result)
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call
