"""``ais-app models search, download, publish, zoos``: networks to start from, and for others to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import Json, ModelFile
from ais_app.cli.reporting import with_progress

app = typer.Typer()

Zoos = Annotated[
    list[str] | None,
    typer.Option("--zoo", help="Folder or address of a zoo instead of those known; give the option again for more."),
]


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="Words that must all occur; else all.")] = None,
    zoo: Zoos = None,
    json: Json = False,
) -> None:
    """List trained networks: shipped ones, those in your models folder, and those of zoos."""
    from ais_app.operations.zoo import search_job

    offers = with_progress(search_job(" ".join(words or ()), zoo or ()), "looking into zoos")
    if json:
        from json import dumps

        values = [{"origin": offer.origin, **offer.entry.to_dict()} for offer in offers.found]
        typer.echo(dumps(values, indent=2, ensure_ascii=False))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("name", "feature", "title", "from", "architecture", box=None, header_style="bold")
        for heading in ("voxel size", "Dice", "size"):
            table.add_column(heading, justify="right")
        for offer in offers.found:
            entry = offer.entry
            voxel = f"{entry.voxel_size:g} Å" if entry.voxel_size else ""
            dice = f"{entry.scores['dice']:.3f}" if "dice" in entry.scores else ""
            size = f"{entry.size / 1e6:.1f} MB"
            table.add_row(entry.name, entry.feature, entry.title, offer.origin, entry.architecture, voxel, dice, size)
        Console().print(table)
    for place, reason in offers.problems.items():
        typer.echo(f"left out: {place}: {reason}", err=True)


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="Name of the network in its zoo.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; your models folder by default.")] = None,
    zoo: Zoos = None,
) -> None:
    """Bring a network home, checked; an interrupted download goes on where it was."""
    from ais_app.core.model.package import load_source
    from ais_app.operations.zoo import download_job

    path = with_progress(download_job(name, out, zoo or ()), name)
    typer.echo(str(path))
    if load_source(path):
        typer.echo(f"it brings its own program, which runs only after your yes: ais-app models trust {path}")


@app.command()
def publish(
    file: ModelFile,
    zoo: Annotated[str, typer.Argument(help="Folder of the zoo; one without an index becomes a zoo.")],
    name: Annotated[str | None, typer.Option(help="Name in the zoo; the file's by default.")] = None,
    title: Annotated[str, typer.Option(help="What a person reads.")] = "",
    description: Annotated[str, typer.Option(help="What it does, in a sentence or two.")] = "",
    filtering: Annotated[str, typer.Option(help="How its data were reconstructed and filtered.")] = "",
    data: Annotated[str, typer.Option(help="What it was trained on.")] = "",
    limits: Annotated[str, typer.Option(help="Where it is known to fail.")] = "",
    authors: Annotated[str, typer.Option(help="Who made it.")] = "",
    licence: Annotated[str, typer.Option(help="Terms, such as CC-BY-4.0.")] = "",
    zoo_title: Annotated[str, typer.Option(help="Title of a zoo that is new.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of the network of this name.")] = False,
) -> None:
    """Put a network into a zoo with its card, picture and scores, for others to find."""
    from ais_app.core.zoo.publish import Description
    from ais_app.operations.zoo import publish_network

    about = Description(title, description, filtering, data, limits, authors, licence)
    entry = publish_network(file, zoo, name, about, replace_it=replace, zoo_title=zoo_title)
    typer.echo(f"{entry.name}: {entry.size:,} bytes in {zoo}")


@app.command("zoos")
def zoos_(
    add: Annotated[list[str] | None, typer.Option(help="Remember this folder or address.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Forget this one.")] = None,
) -> None:
    """List the zoos that are searched; add or remove one."""
    from ais_app.core.zoo.places import forget_place, remember, zoos

    for place in add or ():
        remember(place)
    for place in remove or ():
        forget_place(place)
    for zoo in zoos():
        typer.echo(zoo.place)
