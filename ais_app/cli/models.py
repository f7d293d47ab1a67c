"""``ais-app models``: which networks there are, what a model package holds, whether it works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List, inspect and check networks.")

File = Annotated[Path, typer.Argument(help="Model package, NAME.aismodel.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_(
    depth: Annotated[int, typer.Option(help="Slices the network sees at once. [slices]", min=1)] = 1,
    json: Json = False,
) -> None:
    """List the architectures that can be trained, with their size and cost."""
    from dataclasses import asdict

    from ais_app.operations.models import list_architectures

    found = list_architectures(depth)
    if json:
        _print_json([asdict(item) for item in found])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "title", box=None, header_style="bold")
    for heading in ("parameters", "multiply-adds per pixel", "stride", "sees pixels"):
        table.add_column(heading, justify="right")
    for item in found:
        sizes = (item.parameters, item.operations_per_pixel, item.stride, item.receptive_field)
        table.add_row(item.name, item.title, *(f"{size:,}" for size in sizes))
    Console().print(table)


@app.command()
def info(file: File, json: Json = False) -> None:
    """Show what a model package says about itself."""
    from ais_app.operations.models import describe_model

    found = describe_model(file)
    if json:
        _print_json(found)
        return
    training = found.pop("training")
    found["normalisation"] = found["normalisation"]["kind"]
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
    file: File,
    trust_source: Annotated[
        bool, typer.Option("--trust-source", help="Run the architecture's program that is packed with the model.")
    ] = False,
) -> None:
    """Load a model package, look at its weights and run it once."""
    from ais_app.operations.models import check_model

    for line in check_model(file, trust_source=trust_source):
        typer.echo(line)
    typer.echo(f"{file}: in order")


def _print_json(value: Any) -> None:
    from json import dumps

    typer.echo(dumps(value, indent=2, ensure_ascii=False))
