"""``ais-app batch add`` and ``add-operation``: put work into a queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ais_app.batch.paths import absolute
from ais_app.batch.queue import Queue
from ais_app.batch.records import Task
from ais_app.cli.arguments import OutDir, VoxelSize
from ais_app.cli.options import with_params
from ais_app.core.errors import ParameterProblem
from ais_app.core.params_text import values_from_text
from ais_app.core.prediction.parameters import OutputParams, PredictionParams

KINDS = ("masks", "instances", "picks", "filaments", "meshes", "measurements")
_OPERATIONS = {"masks": "label", "instances": "label", "picks": "pick", "meshes": "mesh", "measurements": "measure"}

Features = Annotated[list[str] | None, typer.Option(help="Features, with commas between; `all` for every one.")]


@with_params(OutputParams, "output")
@with_params(PredictionParams)
def add(
    queue: Annotated[Path, typer.Argument(metavar="P.aisqueue", help="The queue; made where there is none.")],
    tomograms: Annotated[list[str], typer.Argument(metavar="TOMO...", help="Tomograms: files, folders or globs.")],
    models: Annotated[list[Path], typer.Option("--model", "-m", help="Model packages; -m for each.")],
    out_dir: OutDir,
    params: PredictionParams,
    output: OutputParams,
    interactions: Annotated[Path | None, typer.Option(help="Interaction graph (JSON).")] = None,
    masks: Features = None,
    instances: Features = None,
    picks: Features = None,
    filaments: Features = None,
    meshes: Features = None,
    measurements: Features = None,
    previews: Annotated[bool, typer.Option("--previews", help="Draw a picture of each tomogram.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting: picks.threshold=0.6, picks.ribosome.min_volume=1e6, meshes.formats=glb."),
    ] = None,
    voxel_size: VoxelSize = None,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out what is there and was made the same way.")
    ] = False,
    trust_source: Annotated[
        bool, typer.Option("--trust-source", help="Allow architectures packed with the models; `run` asks again.")
    ] = False,
) -> None:
    """Put tomograms into a queue: each is segmented with all models, then masked, picked, meshed ... as asked."""
    from ais_app.batch.plan import plan_exports
    from ais_app.core.model.package import load_card
    from ais_app.operations.per_file import input_files
    from ais_app.operations.preview import PreviewParams

    features = list(dict.fromkeys(load_card(path).feature for path in models))
    asked = dict(zip(KINDS, (masks, instances, picks, filaments, meshes, measurements), strict=True))
    wishes: dict[str, Any] = {
        kind: _wishes(kind, names, features, settings or []) for kind, names in asked.items() if names
    }
    _check_settings(settings or [], wishes)
    tasks = plan_exports(
        input_files(tomograms),
        models,
        out_dir,
        prediction=params,
        output=output,
        interactions=interactions,
        previews=PreviewParams() if previews else None,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
        trust_source=trust_source,
        **wishes,
    )
    with Queue.open(queue, create=True) as opened:
        ids = opened.add_all(tasks)
        waiting = opened.counts()["waiting"]
    typer.echo(f"{queue}: {len(ids)} items added ({ids[0]} to {ids[-1]}), {waiting} waiting")
    typer.echo(f"run them with: ais-app batch run {queue}", err=True)


def add_operation(
    queue: Annotated[Path, typer.Argument(metavar="P.aisqueue", help="The queue; made where there is none.")],
    operation: Annotated[str, typer.Argument(help="Name of an operation: segment, pick, mesh, convert ...")],
    arguments: Annotated[str, typer.Argument(help="Its arguments as a JSON object.")],
    title: Annotated[str, typer.Option(help="What it is.")] = "",
    subject: Annotated[str, typer.Option(help="The tomogram it is about.")] = "",
    after: Annotated[list[int] | None, typer.Option(help="Id of an item that must be done before.")] = None,
) -> None:
    """Put one operation into a queue, as Python would call it.

    Example: ais-app batch add-operation Q pick '{"segmentations": ["out"], "out_dir": "picks"}'
    """
    from ais_app.operations.calling import check_call

    try:
        values = json.loads(arguments)
    except ValueError as error:
        raise ParameterProblem(
            "arguments", f"are no JSON ({error})", 'write for example \'{"out_dir": "picks"}\''
        ) from error
    if not isinstance(values, dict):
        raise ParameterProblem("arguments", "are no JSON object", 'write for example \'{"out_dir": "picks"}\'')
    check_call(operation, values)
    task = Task(operation, _with_paths(operation, values), subject, title, after or [])
    with Queue.open(queue, create=True) as opened:
        typer.echo(f"{queue}: item {opened.add(task)} added")


def _wishes(kind: str, names: Sequence[str], features: Sequence[str], settings: Sequence[str]) -> dict[str, Any]:
    """Return what is to be made of each feature."""
    from ais_app.operations.calling import operation, params_of

    params = params_of(operation(_OPERATIONS.get(kind, kind)))["params"]
    chosen = [name.strip() for text in names for name in text.split(",")]
    wishes = {}
    for feature in features if chosen == ["all"] else chosen:
        pairs = [pair for setting in settings if (pair := _pair_for(setting, kind, feature)) is not None]
        values = values_from_text(params, pairs)
        formats = {"formats": values.pop("formats").split(",")} if "formats" in values else {}
        wishes[feature] = {"params": params.from_dict(values), **formats}
    return wishes


def _pair_for(setting: str, kind: str, feature: str) -> tuple[str, str] | None:
    """Return name and text of ``kind.name=value`` or ``kind.feature.name=value`` where it is meant."""
    where, _, text = setting.partition("=")
    head, _, name = where.rpartition(".")
    return (name.replace("-", "_"), text) if head in (kind, f"{kind}.{feature}") else None


def _check_settings(settings: Sequence[str], wishes: dict[str, dict[str, Any]]) -> None:
    for setting in settings:
        if not any(_pair_for(setting, kind, feature) for kind, features in wishes.items() for feature in features):
            remedy = "write for example picks.threshold=0.6 or picks.ribosome.threshold=0.6, with --picks"
            raise ParameterProblem(setting, "is the setting of nothing that is asked for", remedy)


def _with_paths(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make the names of files absolute: outputs always, others where they look like files; the rest may be features."""
    from ais_app.operations.calling import OUTPUT_ARGUMENTS, paths_of

    def path(text: Any, always: bool) -> Any:
        if isinstance(text, list):
            return [path(part, always) for part in text]
        is_file = isinstance(text, str) and (always or "/" in text or "*" in text or Path(text).exists())
        return absolute(text) if is_file else text

    known = paths_of(name)
    return {key: path(value, key in OUTPUT_ARGUMENTS) if key in known else value for key, value in arguments.items()}
