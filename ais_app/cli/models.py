"""``ais-app models``: which networks there are, what a model package holds, whether it works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ais_app.cli import models_compare, models_export, models_import, models_plugins, models_zoo
from ais_app.cli.arguments import Json, ModelFile, TrustModel

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Networks: architectures, model packages, zoos.")

Checked = Annotated[Path, typer.Argument(help="Model package, NAME.aismodel, or an architecture of your own, NAME.py.")]


@app.command("list")
def list_(
    depth: Annotated[int, typer.Option(help="Slices the network sees at once. [slices]", min=1)] = 1,
    json: Json = False,
) -> None:
    """List the architectures that can be trained, with their size and cost; trained networks: models search."""
    from dataclasses import asdict

    from ais_app.core.registry import BUILT_IN
    from ais_app.operations.models import architecture_problems, list_architectures

    found = list_architectures(depth)
    if json:
        _print_json([asdict(item) for item in found])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("for")
    for heading in ("parameters", "operations", "stride", "sees"):
        table.add_column(heading, justify="right")
    elsewhere = any(item.origin != BUILT_IN for item in found)
    if elsewhere:
        table.add_column("from")
    for item in sorted(found, key=lambda item: (item.task != "segment", item.task, item.dimension)):
        sizes = (item.parameters, item.operations_per_pixel, item.stride, item.receptive_field)
        origin = [item.origin] if elsewhere else []
        table.add_row(item.name, f"{item.task} {item.dimension}D", *(f"{size:,}" for size in sizes), *origin)
    Console().print(table)
    typer.echo("operations: multiply-adds for each pixel, in 3D for each voxel; stride and sees: pixels across")
    for place, reason in architecture_problems().items():
        typer.echo(f"left out: {place}: {reason}", err=True)


@app.command()
def info(file: ModelFile, json: Json = False) -> None:
    """Show what a model package says about itself."""
    from ais_app.operations.models import describe_model

    found = describe_model(file)
    if json:
        _print_json(found)
        return
    training = found.pop("training")
    found["normalisation"] = found["normalisation"]["kind"]
    if "graph" in found["parameters"]:
        found["parameters"] = f"{len(found['parameters']['graph']['layers'])} layers, listed with --json"
    found |= {name.replace("_", " "): training[name] for name in ("imported_from", "output") if name in training}
    found |= {
        "trained " + name: training[name] for name in ("epochs", "steps", "seed", "best_epoch") if name in training
    }
    found |= {"validation": training.get("data", {}).get("held_out")}
    found |= {name.replace("_", " "): value for name, value in training.get("metrics", {}).items()}
    width = max(map(len, found))
    for name, value in found.items():
        if value not in (None, {}):
            typer.echo(f"{name.replace('_', ' '):{width}}  {value}")


@app.command()
def check(
    file: Checked,
    trust_source: TrustModel = False,
) -> None:
    """Look whether a model package, or a file with an architecture of your own, holds what it should.

    A package is loaded, its weights are looked at, and it runs once. A file, NAME.py, is run, and each part of the
    contract of architectures is looked at.
    """
    from ais_app.operations.models import check_model

    if file.suffix == ".py":
        _check_contract(file)
        return
    for line in check_model(file, trust_source=trust_source):
        typer.echo(line)
    typer.echo(f"{file}: in order")


def _check_contract(file: Path) -> None:
    """Show which parts of the contract hold; leave with exit code 1 if one does not."""
    from ais_app.operations.architectures import check_architecture

    parts = check_architecture(file)
    for part in parts:
        typer.echo(f"{'holds ' if part.holds else 'BROKEN'}  {part.name}: {part.problem or part.note}")
    broken = sum(not part.holds for part in parts)
    typer.echo(f"{file}: {f'{broken} of {len(parts)} parts do not hold' if broken else 'in order'}")
    if broken:
        raise typer.Exit(1)


for part in (models_import, models_export, models_plugins, models_zoo, models_compare):
    app.add_typer(part.app)


def _print_json(value: Any) -> None:
    from json import dumps

    typer.echo(dumps(value, indent=2, ensure_ascii=False))
