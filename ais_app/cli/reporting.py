"""What a command shows while it works and when it is done: a progress bar, a line per file, the exit code."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import typer

from ais_app.core.jobs import Job, run
from ais_app.core.jobs import Progress as Step

if TYPE_CHECKING:
    from ais_app.core.filters import Filter
    from ais_app.core.pickers import Picker
    from ais_app.operations.per_file import FileResult

R = TypeVar("R")


def with_progress(
    job: Job[R],
    title: str,
    *,
    on_progress: Callable[[Step], None] | None = None,
    stop: Callable[[], bool] | None = None,
    bar: bool = True,
) -> R:
    """Run a job with a progress bar on stderr, where that is a terminal; the rest as in `run`."""
    if not bar or not sys.stderr.isatty():
        return run(job, on_progress, stop)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[doing]}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=None, doing="")

        def show(step: Step) -> None:
            shown.update(task, completed=step.done, total=step.total or None, doing=step.message)
            if on_progress is not None:
                on_progress(step)

        return run(job, show, stop)


class Attempt(Protocol):
    """What was found out about one file, or why nothing was."""

    @property
    def error(self) -> Exception | None:
        """Say why it failed; ``None`` where it did not."""


def report_failures(results: Sequence[Attempt]) -> None:
    """Show on stderr why some failed; leave with exit code 1 if any did."""
    failures = [one.error for one in results if one.error is not None]
    for error in failures:
        sys.stderr.write(f"ais-app: {error}\n")
    if failures:
        raise typer.Exit(1)


def report(results: Sequence[FileResult]) -> None:
    """Show one line per file; leave with exit code 1 if any failed.

    What was done goes to stdout, failures to stderr.
    """
    for result in results:
        if result.error is not None:
            sys.stderr.write(f"ais-app: {result.error}\n")
        else:
            outputs = ", ".join(str(output) for output in result.outputs)
            typer.echo(f"{result.path.name}: {result.message} -> {outputs}")
    failed = sum(result.error is not None for result in results)
    if failed and len(results) > 1:
        sys.stderr.write(f"ais-app: {failed} of {len(results)} files failed; the others are done\n")
    if failed:
        raise typer.Exit(1)


def plugin_text(known: Filter | Picker) -> str:
    """Return what a list of plug-ins says of one: its name and title, and a line for each parameter."""
    lines = [f"{known.name}: {known.title}"]
    for field in dataclasses.fields(known.params):
        limits = field.metadata
        unit = f" [{limits['unit']}]" if limits["unit"] else ""
        lines.append(f"    {field.name}{unit}: {limits['help']}; default {field.default}")
    return "\n".join(lines)
