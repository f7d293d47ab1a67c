"""``ais-app batch``: a durable queue of operations, and its workers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ais_app.batch.queue import Queue
from ais_app.batch.records import Item
from ais_app.batch.scripts import ClusterParams, cluster_script
from ais_app.cli.batch_add import add, add_operation
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Progress

app = typer.Typer(add_completion=False, no_args_is_help=True, help="A durable queue of work over many tomograms.")
app.command()(add)
app.command("add-operation")(add_operation)

QueueFile = Annotated[Path, typer.Argument(metavar="P.aisqueue", help="The queue; any name.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="ID...", help="Items, as `batch status` numbers them.")]


@app.command()
def run(
    queue: QueueFile,
    workers: Annotated[int, typer.Option(help="Processes that work at once.", min=1, max=256)] = 1,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left; else wait for more.")] = False,
    limit: Annotated[int | None, typer.Option(help="End after this many items, each worker.", min=1)] = None,
    name: Annotated[str | None, typer.Option(help="Name of the worker; machine and process by default.")] = None,
    trust_source: Annotated[
        bool, typer.Option("--trust-source", help="Run architectures packed with models: only if you trust the queue.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Work on a queue: on this machine, and on others at the same time if you like.

    Ctrl-C stops in order: what was running waits for the next worker. Exit code 1 if an item failed.
    """
    from ais_app.batch.workers import run_processes, stopping_on_signals

    with stopping_on_signals() as stop:
        if workers > 1:
            Queue.open(queue).close()  # what is wrong with it is said once
            words = [*["--once"] * once, *["--trust-source"] * trust_source]
            words += [*(["--limit", str(limit)] if limit else []), *(["--name", name] if name else [])]
            codes = run_processes(queue, workers, words, stop)
        else:
            codes = [_work(queue, limit, name, not once, trust_source, progress, stop)]
    if stop():
        typer.echo("stopped; what was running waits for the next worker", err=True)
        raise typer.Exit(stop.exit_code)
    if any(codes):
        raise typer.Exit(1)


def _work(
    path: Path, limit: int | None, name: str | None, stay: bool, trust_source: bool, progress: bool, stop: Any
) -> int:
    from ais_app.batch.work import work_job

    with Queue.open(path) as queue:
        if stay and queue.is_finished:
            typer.echo("nothing to do; waiting for more, Ctrl-C ends it", err=True)

        def say(step: Progress) -> None:
            if step.values.get("state", "running") != "running":
                _say_ended(queue.item(step.values["item"]))

        job = work_job(queue, limit=limit, worker_name=name, stay=stay, trust_source=trust_source)
        summary = with_progress(job, "Queue", on_progress=say, stop=stop, bar=progress)
    return int(summary.failed > 0)


def _say_ended(item: Item) -> None:
    if item.state == "failed":
        remedy = f"; {item.remedy}" if item.remedy else ""
        typer.echo(f"ais-app: {item.title}: {item.reason}{remedy}", err=True)
    else:
        words = item.message or item.reason or item.state
        typer.echo(f"{item.title}: {words} ({_duration(item.seconds)})")


@app.command()
def status(
    queue: QueueFile,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also what waits, is done, skipped or cancelled.")] = False,
) -> None:
    """Show how far a queue is: counts, what runs, what failed and why."""
    with Queue.open(queue) as opened:
        items, counts, workers, paused = opened.items(), opened.counts(), opened.workers(), opened.paused
    if as_json:
        content = {"paused": paused, "counts": counts, "workers": [vars(worker) for worker in workers]}
        typer.echo(json.dumps({**content, "items": [_as_json(item) for item in items]}, indent=2, ensure_ascii=False))
        return
    words = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "empty"
    typer.echo(f"{queue}: {words}{'; paused' if paused else ''}")
    for worker in workers:
        typer.echo(f"  worker {worker.name}, seen {_duration(time.time() - worker.heartbeat)} ago")
    for item in items:
        if every or item.state in ("running", "failed"):
            typer.echo(f"  {item.id:>5}  {item.state:<9}  {item.title}{_more(item)}")


def _more(item: Item) -> str:
    if item.state == "running":
        where = f" by {item.worker.name}" if item.worker else ""
        return f": {item.fraction:.0%}, {item.doing or 'begun'}, {_duration(item.seconds)}{where}"
    parts = [part for part in (item.reason, item.remedy, item.message) if part]
    return f": {'; '.join(parts)}" if parts else ""


def _as_json(item: Item) -> dict[str, Any]:
    plain = (
        "id", "operation", "subject", "title", "state", "reason", "remedy", "details", "message", "doing", "fraction",
        "added", "started", "finished", "attempts", "cancelling", "skip_existing", "arguments",
    )  # fmt: skip
    values = {name: getattr(item, name) for name in plain}
    values["outputs"] = [str(path) for path in item.outputs]
    values["depends_on"] = list(item.depends_on)
    return values | {"worker": None if item.worker is None else vars(item.worker)}


def _duration(seconds: float | None) -> str:
    whole = round(max(0.0, seconds or 0.0))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


@app.command()
def pause(queue: QueueFile) -> None:
    """Let all workers hold on at their next step, until `resume`; also those that start later."""
    with Queue.open(queue) as opened:
        opened.pause()
    typer.echo(f"{queue}: paused")


@app.command()
def resume(queue: QueueFile) -> None:
    """Let workers go on."""
    with Queue.open(queue) as opened:
        opened.resume()
    typer.echo(f"{queue}: goes on")


@app.command()
def cancel(
    queue: QueueFile,
    ids: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="All that waits or runs.")] = False,
) -> None:
    """Cancel items that wait, and stop those that run."""
    with Queue.open(queue) as opened:
        chosen = _chosen(opened, ids, every, "--all", ("waiting", "running"))
        opened.cancel(*chosen)
    typer.echo(f"{queue}: {len(chosen)} cancelled")


@app.command()
def retry(
    queue: QueueFile,
    ids: Ids = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
) -> None:
    """Run items again, with what they need and what their failure kept from running."""
    with Queue.open(queue) as opened:
        revived = opened.retry(*_chosen(opened, ids, failed, "--failed", ("failed",)))
    typer.echo(f"{queue}: {len(revived)} wait again")


@app.command()
def remove(
    queue: QueueFile,
    ids: Ids = None,
    finished: Annotated[bool, typer.Option("--finished", help="All that is done, skipped or cancelled.")] = False,
) -> None:
    """Take items out of the queue; files stay."""
    with Queue.open(queue) as opened:
        if finished:
            gone = opened.clear_finished()
        else:
            gone = opened.remove(*_chosen(opened, ids, False, "--finished", ()))
    typer.echo(f"{queue}: {len(gone)} removed")


def _chosen(queue: Queue, ids: Sequence[int] | None, every: bool, flag: str, states: Sequence[str]) -> list[int]:
    if not ids and not every:
        raise ParameterProblem("items", "none is chosen", f"give their numbers, or {flag}")
    return list(ids or []) if not every else [item.id for item in queue.items() if item.state in states]


@app.command()
@with_params(ClusterParams)
def script(
    queue: QueueFile,
    params: ClusterParams,
    scheduler: Annotated[str, typer.Option(help="slurm, pbs (PBS Pro, OpenPBS) or sge.")] = "slurm",
) -> None:
    """Print a script that runs workers on the nodes of a cluster: ... script Q --scheduler slurm > job.sh."""
    Queue.open(queue).close()
    sys.stdout.write(cluster_script(queue, scheduler, params))


@app.command()
def report(
    queue: QueueFile,
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="The page, one file.")],
) -> None:
    """Write a page about a queue: pictures, volumes, counts, settings, failures."""
    from ais_app.batch.report import report_job

    with Queue.open(queue) as opened:
        path = with_progress(report_job(opened, out), "Report")
    typer.echo(str(path))
