"""``ais-app train``: a network from annotations."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.training.parameters import TrainParams

if TYPE_CHECKING:
    from ais_app.operations.train import Trained

app = typer.Typer(add_completion=False)


@app.command()
@with_params(TrainParams)
def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="Model package to write, NAME.aismodel.")],
    params: TrainParams,
    project: Annotated[Path | None, typer.Option(help="Project that holds the annotations.")] = None,
    feature: Annotated[str | None, typer.Option(help="Feature of the project to learn.")] = None,
    tomogram: Annotated[
        list[str] | None, typer.Option(help="Learn from this tomogram only; give the option again for more.")
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option(help="Feature that is background here; give the option again for more.")
    ] = None,
    ignored: Annotated[
        list[str] | None, typer.Option(help="Feature that is left out of the loss; give the option again for more.")
    ] = None,
    training_set: Annotated[Path | None, typer.Option(help="Training set of Ais (.scnt) instead of a project.")] = None,
    parent: Annotated[Path | None, typer.Option(help="Start from the weights of this model package.")] = None,
    trust_source: Annotated[
        bool, typer.Option("--trust-source", help="Run the architecture's program that is packed with --parent.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted training of the same OUT.")
    ] = False,
) -> None:
    """Train a network on the annotations of a project: OUT.aismodel, its history as CSV and JSON, its provenance.

    Boxes are placed on the labels when the project has none. Ctrl-C stops after the current batch and keeps the best
    weights; --resume goes on from there.
    """
    from ais_app.operations.train import train_job

    job = train_job(
        project,
        feature,
        out,
        params,
        tomograms=tomogram or (),
        negatives=negative or (),
        ignored=ignored or (),
        training_set=training_set,
        parent=parent,
        trust_source=trust_source,
        resume=resume,
    )
    trained = _watched(job)
    scores = ", ".join(
        f"{name} {trained.metrics[name]:.3f}" for name in _SHOWN if trained.metrics.get(name) is not None
    )
    typer.echo(f"{trained.model}: {scores} ({trained.held_out})")
    if not trained.finished:
        sys.stderr.write("ais-app: stopped early; the best weights so far are kept, --resume goes on\n")


_SHOWN = ("training_loss", "loss", "dice", "precision", "recall", "average_precision")


def _watched(job: Job[Trained]) -> Trained:
    """Run with a progress bar on a terminal and a line per epoch; Ctrl-C asks the job to stop."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with (
        _interrupts() as interrupted,
        Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("cutting boxes", total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total or None, description=progress.message)
            if "epoch" in progress.values:
                console.print(_line(progress), highlight=False, soft_wrap=True)

        return run(job, show, lambda: bool(interrupted))


def _line(progress: Progress) -> str:
    values = progress.values
    shown = (f"{name.replace('_', ' ')} {values[name]:.4f}" for name in _SHOWN if values.get(name) is not None)
    return f"{progress.message}: {', '.join(shown)}"


@contextmanager
def _interrupts() -> Iterator[list[int]]:
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
