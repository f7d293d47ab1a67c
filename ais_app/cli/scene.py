"""``ais-app scene``: what a scene shows, as files for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir, SkipExisting
from ais_app.cli.reporting import report, with_progress

app = typer.Typer(add_completion=False)


@app.command()
def scene(
    scenes: Annotated[list[str], typer.Argument(help="Scenes, saved by the Render tab: files, folders or globs.")],
    out_dir: OutDir,
    mesh: Annotated[
        str, typer.Option(help="Mesh formats, with commas between: obj, ply, stl, glb; empty for none.")
    ] = "glb",
    separate: Annotated[bool, typer.Option("--separate", help="One mesh file for each surface.")] = False,
    chimerax: Annotated[
        bool, typer.Option("--chimerax/--no-chimerax", help="Write a script that opens all of it in ChimeraX.")
    ] = True,
    coordinates: Annotated[
        str, typer.Option(help="Coordinate formats, with commas between: star, relion5, …; empty for none.")
    ] = "star",
    skip_existing: SkipExisting = False,
) -> None:
    """Export scenes: surfaces, a ChimeraX script, the coordinates of their picks.

    Everything is in Å in the frame of the tomogram's header, so that it overlays in ChimeraX and Blender.
    """
    from ais_app.operations.export_scene import export_scene_job

    job = export_scene_job(
        scenes,
        out_dir,
        mesh_formats=_words(mesh),
        separate=separate,
        chimerax=chimerax,
        coordinate_formats=_words(coordinates),
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Exporting"))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
