"""``ais-app``: finds the sub-command, shows errors as one line, returns the exit code."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

import typer

from ais_app.cli.lazy import lazy_group

# name: what it does, as `ais-app --help` shows it. The module ais_app.cli.<name> is imported only when it is used.
COMMANDS = {
    "gui": "Open the window",
    "info": "Show what a volume is and what is odd about it",
    "convert": "Convert volumes between formats, binned or cropped",
    "filter": "Filter volumes as the slice view does",
    "simulate": "Make a tomogram with exact ground truth",
    "demo": "Annotate, train, segment, pick and mesh on a small phantom",
    "project": "Create and edit a project: tomograms, labels, boxes",
    "extract": "Cut training boxes out of a project",
    "train": "Train a network on a project's annotations",
    "suggest": "Suggest what to annotate next",
    "segment": "Segment tomograms with one or several networks",
    "pick": "Pick particles from segmentations",
    "label": "Turn segmentations into masks or instance labels",
    "filaments": "Trace filaments in segmentations",
    "mesh": "Turn segmentations into surfaces",
    "scene": "Export scenes: surfaces, a ChimeraX script, coordinates",
    "measure": "Measure segmentations: volumes, areas, distances, thickness",
    "preview": "Draw slices with their segmentations over them",
    "coordinates": "Convert particle lists between programs",
    "wedge": "Estimate the missing wedge of tomograms",
    "snr": "Estimate signal-to-noise ratios",
    "dog": "Pick particles by a difference of Gaussians, without a network",
    "saliency": "Pick what stands out, without a network",
    "match": "Find a template in tomograms",
    "pick-with": "Pick particles by any picker, also of other packages",
    "subtomo": "Extract, align, average, classify and cluster subtomograms",
    "mapback": "Put an average back at every pick, as a volume",
    "models": "List, find, inspect, exchange and compare networks",
    "batch": "Queue work over many tomograms, run it anywhere",
    "replay": "Make an output again from its provenance",
}

INTERRUPTED = 130  # exit code, of Ctrl-C

app = typer.Typer(
    cls=lazy_group(COMMANDS, ""),
    help="A cryo-electron tomography workbench: annotate, train, segment, pick, trace, mesh.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ais_app.core.provenance import program_version

        typer.echo(f"ais-app {program_version()}")
        raise typer.Exit


@app.callback()
def _main(
    debug: bool = typer.Option(False, "--debug", help="Show the full traceback of an error."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log what is done and decided."),
    version: bool = typer.Option(False, "--version", help="Show the version.", callback=_show_version, is_eager=True),
) -> None:
    """Set up logging before any sub-command runs."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", stream=sys.stderr)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    0: done. 1: something a person can put right, said in one line on stderr. 2: a wrong option. 130: interrupted.
    """
    from ais_app.core.errors import AisAppError

    debug = "--debug" in arguments
    # --debug may stand anywhere; the group knows it only before the sub-command
    arguments = [*(["--debug"] if debug else []), *(word for word in arguments if word != "--debug")]
    warnings.showwarning = _show_warning
    try:
        code = typer.main.get_command(app)(args=arguments, prog_name="ais-app", standalone_mode=True)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # Typer makes it of Ctrl-C, and says nothing
            return _interrupted()
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except AisAppError as error:
        if debug:
            traceback.print_exc()
        sys.stderr.write(f"ais-app: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _interrupted()
    return int(code or 0)


def _interrupted() -> int:
    sys.stderr.write("ais-app: interrupted; what was finished is kept\n")
    return INTERRUPTED


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    from ais_app.core.errors import DataWarning

    if issubclass(category, DataWarning):
        sys.stderr.write(f"ais-app: warning: {message}\n")
    else:
        logging.getLogger("ais_app").info("%s: %s", category.__name__, message)
