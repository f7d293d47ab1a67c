"""``ais-app replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)

# what is replaced in a stack after it was made
_REPLACED = {
    "poses.npz": ("poses", "average or align --save, sort or faml --save-aligned"),
    "classes.npy": ("classes", "sort, faml, cluster --save or classify --save"),
}
_MOST = 5  # names that are said


@app.command()
def replay(
    outputs: Annotated[list[Path], typer.Argument(help="Outputs of ais-app, or the .json files beside them.")],
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", "-o", help="Write there; without it a missing output is put back in its place."),
    ] = None,
) -> None:
    """Make outputs again from the provenance beside them, and compare.

    Exit code 1 if an output that is there differs from what was made now.
    """
    from ais_app.operations.replay import replay as run_replay

    differs = False
    for path in outputs:
        result = run_replay(path, output_dir)
        verdict = {None: "made", True: "identical", False: "DIFFERENT"}[result.identical]
        where = f" -> {result.made}" if result.made is not None else ""
        typer.echo(f"{result.path}: {verdict}{where}")
        if result.identical is False:
            differs = True
            for line in _reasons(result.differing):
                typer.echo(f"  {line}")
            for name, (then, now) in result.changed_versions.items():
                typer.echo(f"  {name} was {then}, is {now}")
    if differs:
        raise typer.Exit(1)


def _reasons(differing: tuple[str, ...]) -> list[str]:
    """Return what to say of the files that differ in a folder: which, and what commands replace in a stack."""
    later = [
        f"{name} is another: {what} were replaced since, as by ais-app subtomo {commands}"
        for name, (what, commands) in _REPLACED.items()
        if name in differing
    ]
    others = [name for name in differing if name not in _REPLACED and name != "class_names.json"]
    more = f" and {len(others) - _MOST:,} more" if len(others) > _MOST else ""
    return [*later, *([f"{', '.join(others[:_MOST])}{more} differ"] if others else [])]
