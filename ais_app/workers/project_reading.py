"""Jobs that read the project by its file, which may be saved elsewhere just as they begin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ais_app.core.errors import FileProblem
from ais_app.core.jobs import Job

T = TypeVar("T")


def reading_project(where: Callable[[], Path], make_job: Callable[[Path], Job[T]]) -> Job[T]:
    """Run a job on the file of a project; anew, where that was a draft which was saved elsewhere while it was read.

    Parameters
    ----------
    where
        Tells the place of the project now; asked from the job's thread.
    make_job
        Makes the job that reads the file at that place.
    """
    while True:
        place = where()
        try:
            return (yield from make_job(place))
        except FileProblem as error:
            if error.subject != str(place) or where() == place:
                raise
