"""Scripts that run workers on the nodes of a cluster: one array job, each of its tasks a worker of the same queue."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ais_app.batch.paths import absolute
from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param

SCHEDULERS = ("slurm", "pbs", "sge")


@dataclass(frozen=True)
class ClusterParams(Params):
    """What a worker asks of a cluster; empty and 0 leave it to the cluster's defaults."""

    workers: int = param(4, "Workers that run at once", low=1, high=10000)
    hours: float = param(24.0, "Time limit of a worker; what it was running then waits for another", unit="h", low=0.1)
    cores: int = param(4, "Cores of a worker", low=1)
    memory: int = param(16, "Memory of a worker", unit="GB", low=0)
    gpus: int = param(0, "GPUs of a worker", low=0)
    partition: str = param("", "Partition (Slurm) or queue (PBS, SGE) of the cluster")
    account: str = param("", "Account or project that pays")
    environment: str = param("smp", "Parallel environment (SGE only)")
    extra: tuple[str, ...] = param((), "One more option of the scheduler, as after #SBATCH, #PBS or #$")
    setup: tuple[str, ...] = param((), "A line to run first, such as: module load cuda")
    program: str = param("", "How ais-app is started there; empty: this installation")


def cluster_script(queue: str | Path, scheduler: str, params: ClusterParams | None = None) -> str:
    """Return the text of an array-job script.

    Parameters
    ----------
    queue
        The queue, in a folder that all nodes see under the same name.
    scheduler
        ``"slurm"``, ``"pbs"`` (PBS Pro, OpenPBS) or ``"sge"``.
    params
        What a worker asks for.

    Raises
    ------
    ParameterProblem
        The scheduler is not known, or an option holds a line break.
    """
    chosen = params or ClusterParams()
    if scheduler not in _HEADS:
        raise ParameterProblem("scheduler", f"{scheduler!r} is not known", f"choose one of {', '.join(SCHEDULERS)}")
    path = absolute(queue)
    for text in (chosen.partition, chosen.account, chosen.environment, *chosen.extra, *chosen.setup, str(path)):
        if "\n" in text:
            raise ParameterProblem("script", f"{text!r} holds a line break", "give one line at a time")
    mark, head, array = _HEADS[scheduler]
    lines = [f"{mark} {option}" for option in (*head(path, chosen), *chosen.extra)]
    program = chosen.program or f"{shlex.quote(sys.executable)} -m ais_app"
    run = f'{program} batch run {shlex.quote(str(path))} --once --no-progress --name "$(hostname) ${array}"'
    # the worker takes the place of the shell, so that the scheduler's signals reach it
    return "\n".join(["#!/bin/bash", *lines, "set -e", *chosen.setup, f"exec {run}", ""])


def _job_name(queue: Path) -> str:
    return "ais-" + re.sub(r"[^A-Za-z0-9_.-]", "_", queue.stem)


def _clock(hours: float) -> str:
    minutes = max(1, round(hours * 60))
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


def _log_folder(queue: Path) -> str:
    return str(queue.parent)


def _slurm(queue: Path, params: ClusterParams) -> list[str]:
    # SIGTERM two minutes before the limit: the worker stops in order and gives its item back at once
    lines = [
        f"--job-name={_job_name(queue)}",
        f"--array=1-{params.workers}",
        f"--time={_clock(params.hours)}",
        f"--cpus-per-task={params.cores}",
        "--signal=B:TERM@120",
        f"--output={shlex.quote(_log_folder(queue) + '/' + _job_name(queue) + '.%A_%a.log')}",
    ]
    lines += [f"--mem={params.memory}G"] if params.memory else []
    lines += [f"--gres=gpu:{params.gpus}"] if params.gpus else []
    lines += [f"--partition={params.partition}"] if params.partition else []
    return lines + ([f"--account={params.account}"] if params.account else [])


def _pbs(queue: Path, params: ClusterParams) -> list[str]:
    select = f"select=1:ncpus={params.cores}"
    select += f":mem={params.memory}gb" if params.memory else ""
    select += f":ngpus={params.gpus}" if params.gpus else ""
    # an array needs two tasks at least
    array = [f"-J 1-{params.workers}"] if params.workers > 1 else []
    lines = [f"-N {_job_name(queue)}", *array, f"-l {select}", f"-l walltime={_clock(params.hours)}", "-j oe"]
    lines += [f"-o {shlex.quote(_log_folder(queue))}"]
    lines += [f"-q {params.partition}"] if params.partition else []
    return lines + ([f"-A {params.account}"] if params.account else [])


def _sge(queue: Path, params: ClusterParams) -> list[str]:
    lines = [
        f"-N {_job_name(queue)}",
        f"-t 1-{params.workers}",
        f"-l h_rt={_clock(params.hours)}",
        "-j y",
        f"-o {shlex.quote(_log_folder(queue))}",
    ]
    lines += [f"-pe {params.environment} {params.cores}"] if params.cores > 1 else []
    # SGE counts memory per core
    lines += [f"-l h_vmem={-(-params.memory // params.cores)}G"] if params.memory else []
    lines += [f"-l gpu={params.gpus}"] if params.gpus else []
    lines += [f"-q {params.partition}"] if params.partition else []
    return lines + ([f"-P {params.account}"] if params.account else [])


_Head = Callable[[Path, ClusterParams], list[str]]
_HEADS: dict[str, tuple[str, _Head, str]] = {
    "slurm": ("#SBATCH", _slurm, "SLURM_ARRAY_TASK_ID"),
    "pbs": ("#PBS", _pbs, "PBS_ARRAY_INDEX"),
    "sge": ("#$", _sge, "SGE_TASK_ID"),
}
