"""``ais-app project``: make and edit a project without a window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ais_app.cli.arguments import Json, VoxelSize

if TYPE_CHECKING:
    from ais_app.state.project import Project
    from ais_app.state.records import Feature, TomogramEntry

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Create and edit a project: tomograms, labels, boxes."
)

ProjectFile = Annotated[Path, typer.Argument(metavar="P.aisproj", help="The project.")]
TomogramName = Annotated[str, typer.Option("--tomogram", help="Name in the project: the file name without suffixes.")]
FeatureName = Annotated[str, typer.Option("--feature", help="Name of the feature.")]


def _open(path: Path, read_only: bool = False) -> Project:
    from ais_app.state.project import Project

    return Project.open(path, read_only=read_only)


@app.command()
def create(project: ProjectFile) -> None:
    """Make a new, empty project."""
    from ais_app.state.project import Project

    Project.create(project).close()
    typer.echo(f"{project}: made")


@app.command()
def add(
    project: ProjectFile,
    tomograms: Annotated[list[Path], typer.Argument(metavar="TOMO...", help="Volumes.")],
    voxel_size: VoxelSize = None,
) -> None:
    """Add tomograms; the files stay where they are.

    One that fails does not stop the others.
    """
    from ais_app.core.errors import AisAppError

    failed = 0
    with _open(project) as opened:
        for path in tomograms:
            try:
                entry = opened.add_tomogram(path, voxel_size)
            except AisAppError as error:
                typer.echo(f"ais-app: {error}", err=True)
                failed += 1
                continue
            typer.echo(f"{entry.name}: {_shape(entry.shape)} voxels, {_voxels(entry.voxel_size_zyx)}")
    if failed:
        raise typer.Exit(1)


@app.command("import-labels")
def import_labels(
    project: ProjectFile,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Volume on the tomogram's grid: 0, 1, 2 or a mask.")],
    tomogram: TomogramName,
    feature: FeatureName,
    slices: Annotated[
        str | None, typer.Option(help="Slices (z) to take, with commas; a range as 20:40. [0-based]")
    ] = None,
    value: Annotated[float | None, typer.Option(help="Take the voxels of this number.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Take the voxels of at least this number.")] = None,
) -> None:
    """Replace labels by those of a volume; the slices taken count as annotated."""
    chosen = None if slices is None else _numbers(slices)
    with _open(project) as opened:
        opened.import_labels(tomogram, feature, labels, chosen, value=value, threshold=threshold)
        count = len(opened.labels(tomogram, feature).annotated_slices())
    typer.echo(f"{feature} on {tomogram}: {count} annotated slices")


@app.command("export-labels")
def export_labels(
    project: ProjectFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Volume to write.")],
    tomogram: TomogramName,
    feature: FeatureName,
) -> None:
    """Write labels as a volume that overlays the tomogram: 0 background, 1 feature, 2 ignore."""
    from ais_app.operations.export_labels import export_labels

    typer.echo(export_labels(project, tomogram, feature, out))


@app.command("import-boxes")
def import_boxes(
    project: ProjectFile,
    file: Annotated[Path, typer.Argument(metavar="COORDINATES", help="Coordinates in any known format.")],
    tomogram: TomogramName,
    feature: FeatureName,
    format: Annotated[str | None, typer.Option(help="Format; found from the content.")] = None,
    voxel_size: Annotated[float | None, typer.Option(help="Of the voxels the file counts in. [Å]", min=0.01)] = None,
) -> None:
    """Place boxes at the particles of a coordinate file."""
    from ais_app.operations.import_boxes import import_boxes

    boxes = import_boxes(project, tomogram, feature, file, format=format, voxel_size=voxel_size)
    typer.echo(f"{feature} on {tomogram}: {len(boxes)} boxes placed")


@app.command("export-boxes")
def export_boxes(
    project: ProjectFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Coordinate file to write.")],
    feature: FeatureName,
    tomogram: Annotated[str | None, typer.Option(help="Only of this tomogram.")] = None,
    format: Annotated[str, typer.Option(help="Coordinate format: star, tsv, relion5 ...")] = "star",
) -> None:
    """Write the centres of boxes as coordinates."""
    from ais_app.operations.export_boxes import export_boxes

    typer.echo(export_boxes(project, feature, out, tomogram=tomogram, format=format))


@app.command("import-ais")
def import_ais(
    project: ProjectFile,
    sessions: Annotated[list[Path], typer.Argument(metavar="FILE.scns...", help="Annotation sessions of Ais.")],
) -> None:
    """Take features, masks and boxes from Ais sessions; nothing in them is run.

    One that fails does not stop the others.
    """
    from ais_app.core.errors import AisAppError

    failed = 0
    with _open(project) as opened:
        for session in sessions:
            try:
                entry = opened.import_ais(session)
            except AisAppError as error:
                typer.echo(f"ais-app: {error}", err=True)
                failed += 1
                continue
            for feature in opened.features:
                planes = len(opened.labels(entry, feature).annotated_slices())
                boxes = len(opened.boxes(entry, feature))
                typer.echo(f"{entry.name}: {feature.name}: {planes} annotated slices, {boxes} boxes")
    if failed:
        raise typer.Exit(1)


@app.command()
def relink(
    project: ProjectFile,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the tomograms are now; searched with sub-folders.")
    ],
) -> None:
    """Find tomograms that were moved, by their content."""
    with _open(project) as opened:
        found = opened.relink(folder)
    for name, path in found.items():
        typer.echo(f"{name}: {path or 'not found'}")
    if not found:
        typer.echo("all tomograms are where they should be")
    if None in found.values():
        raise typer.Exit(1)


@app.command()
def undo(project: ProjectFile) -> None:
    """Take back the last step."""
    with _open(project) as opened:
        title = opened.undo()
    typer.echo("nothing to undo" if title is None else f"undone: {title}")


@app.command()
def redo(project: ProjectFile) -> None:
    """Do the step again that was taken back last."""
    with _open(project) as opened:
        title = opened.redo()
    typer.echo("nothing to redo" if title is None else f"done again: {title}")


@app.command()
def check(project: ProjectFile) -> None:
    """Look through the whole file for damage, and for tomograms that are not there."""
    from ais_app.core.errors import AisAppError

    with _open(project, read_only=True) as opened:
        problems = opened.check()
        for entry in [] if problems else opened.tomograms:
            try:
                opened.find(entry)
            except AisAppError as error:
                problems.append(str(error))
    for problem in problems:
        typer.echo(problem)
    typer.echo(f"{project}: " + (f"{len(problems)} problems" if problems else "no problems"))
    if problems:
        raise typer.Exit(1)


@app.command()
def info(
    project: ProjectFile,
    as_json: Json = False,
) -> None:
    """Show what a project holds."""
    with _open(project, read_only=True) as opened:
        content = _content(opened)
    if as_json:
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for tomogram in content["tomograms"]:
        typer.echo(f"{tomogram['name']}: {_shape(tomogram['shape'])} voxels, {_voxels(tomogram['voxel_size_zyx'])}")
        typer.echo(f"  {tomogram['path']}")
        for part in tomogram["annotations"]:
            slices, boxes = len(part["annotated_slices"]), part["boxes"]
            typer.echo(f"  {part['feature']}: {slices} annotated slices, {boxes} boxes")
    features = ", ".join(f"{feature['name']} ({feature['colour']})" for feature in content["features"])
    typer.echo(f"features: {features or 'none'}")
    typer.echo(f"models: {', '.join(model['name'] for model in content['models']) or 'none'}")
    typer.echo(f"last step: {content['history'][0] if content['history'] else 'none'}")


def _content(opened: Project) -> dict[str, Any]:
    features = opened.features
    return {
        "tomograms": [
            {
                "name": entry.name,
                "path": entry.relative_path,
                "shape": list(entry.shape),
                "voxel_size_zyx": None if entry.voxel_size_zyx is None else list(entry.voxel_size_zyx),
                "annotations": [part for feature in features if (part := _annotation(opened, entry, feature))],
            }
            for entry in opened.tomograms
        ],
        "features": [{"name": f.name, "colour": f.colour, "box_size": f.box_size} for f in features],
        "models": [{"name": model.name, "path": str(model.path)} for model in opened.models],
        "interactions": opened.interactions,
        "history": [entry.title for entry in opened.history if not entry.undone],
    }


def _annotation(opened: Project, entry: TomogramEntry, feature: Feature) -> dict[str, Any] | None:
    """Return what there is of a feature in a tomogram, or ``None`` for nothing."""
    labels, boxes = opened.labels(entry, feature), opened.boxes(entry, feature)
    if labels.is_empty and not boxes:
        return None
    return {"feature": feature.name, "annotated_slices": labels.annotated_slices(), "boxes": len(boxes)}


def _numbers(text: str) -> list[int]:
    """Read ``20,40,60`` and ``20:40`` (without 40), also mixed."""
    from ais_app.core.errors import ParameterProblem

    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, colon, last = part.partition(":")
            numbers.extend(range(int(first), int(last)) if colon else [int(first)])
    except ValueError as error:
        raise ParameterProblem("--slices", f"{text!r} are no slice numbers", "write 20,40,60 or 20:40") from error
    return numbers


def _shape(shape: Any) -> str:
    return " x ".join(str(n) for n in shape)


def _voxels(size: Any) -> str:
    if size is None:
        return "voxel size not known"
    return f"{size[0]:g} Å" if len(set(size)) == 1 else " x ".join(f"{value:g}" for value in size) + " Å"
