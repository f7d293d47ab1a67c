"""From tomograms, models and wishes to tasks: what the Export tab and ``ais-app batch add`` put into a queue.

    TS_01 ──► segment with all models ──┬─► mask, instances, picks, filaments, mesh, measurements of each feature
                                        └─► preview

Everything lies in one folder: segmentations in itself, the others in a folder for each kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from ais_app.batch.matching import refuse_others
from ais_app.batch.paths import absolute
from ais_app.batch.records import Task
from ais_app.core.errors import ParameterProblem
from ais_app.core.model.package import load_card
from ais_app.core.params import Params
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.parameters import OutputParams, PredictionParams
from ais_app.core.tomogram import tomogram_name
from ais_app.operations.calling import operation, params_of
from ais_app.operations.preview import PreviewParams, preview_path
from ais_app.operations.segment import segmentation_path

Wish: TypeAlias = Params | Mapping[str, Any] | None
Wishes: TypeAlias = Mapping[str, Wish]

_LABELS = {"masks": "mask", "instances": "instances"}

OWN_TOMOGRAM = "{tomogram}"  # as the density that filaments are centred on
_COMPANIONS = ("mask", "membrane", "distances")  # arguments that may name another feature


@dataclass(frozen=True)
class _Kind:
    """Something that is made of a segmentation."""

    operation: str
    folder: str
    title: str
    formats: tuple[str, ...] = ()


_KINDS = {
    "masks": _Kind("label", "masks", "Mask of {feature} in {tomogram}"),
    "instances": _Kind("label", "instances", "Instances of {feature} in {tomogram}"),
    "picks": _Kind("pick", "picks", "Pick {feature} in {tomogram}", ("star",)),
    "filaments": _Kind("filaments", "filaments", "Trace {feature} in {tomogram}", ("star",)),
    "meshes": _Kind("mesh", "meshes", "Mesh {feature} in {tomogram}", ("obj",)),
    "measurements": _Kind("measure", "measurements", "Measure {feature} in {tomogram}"),
}


@dataclass(frozen=True)
class _Plan:
    """What is the same for every tomogram."""

    models: list[Path]
    features: tuple[str, ...]
    colours: dict[str, str]
    out_dir: Path
    output: OutputParams
    common: dict[str, Any]
    wishes: dict[str, Wishes]
    previews: PreviewParams | None
    skip_existing: bool

    def tasks(self, tomogram: Path, voxel_size: float | None, region: str | None) -> list[Task]:
        """Return the tasks of one tomogram, the segmentation first."""
        output = self.output if region is None else replace(self.output, region=region)
        first = self._segment(tomogram, output, voxel_size)
        later = [
            self._made_of(tomogram, feature, kind, wish, first)
            for kind, wishes in self.wishes.items()
            for feature, wish in wishes.items()
        ]
        return [first, *later, *([self._preview(tomogram, first)] if self.previews else [])]

    def _segment(self, tomogram: Path, output: OutputParams, voxel_size: float | None) -> Task:
        kinds = {"": True, "_uncertainty": output.uncertainty, "_removed": output.attribution}
        name = tomogram_name(tomogram)
        arguments = {
            "tomograms": [tomogram],
            "models": self.models,
            "out_dir": self.out_dir,
            "output": output,
            "voxel_size": voxel_size,
            "skip_existing": False,  # an item that is run is meant to make its files
            **self.common,
        }
        outputs = [
            segmentation_path(tomogram, self.out_dir, feature, kind)
            for feature in self.features
            for kind, wanted in kinds.items()
            if wanted
        ]
        return Task("segment", arguments, name, f"Segment {name}", (), outputs, self.skip_existing)

    def _made_of(self, tomogram: Path, feature: str, name: str, wish: Wish, first: Task) -> Task:
        kind = _KINDS[name]
        source = segmentation_path(tomogram, self.out_dir, feature)
        folder = self.out_dir / kind.folder
        options = self._options(name, wish, tomogram)
        outputs = _outputs(name, source, folder, options.get("formats", ()))
        where = {"out": outputs[0]} if kind.operation == "measure" else {"out_dir": folder}
        title = kind.title.format(feature=feature, tomogram=tomogram_name(tomogram))
        arguments = {"segmentations": [source], **where, **options}
        return Task(kind.operation, arguments, first.subject, title, (first,), outputs, self.skip_existing)

    def _options(self, name: str, wish: Wish, tomogram: Path) -> dict[str, Any]:
        """Return the arguments of an operation but for its files."""
        kind = _KINDS[name]
        options: dict[str, Any] = {"params": wish} if isinstance(wish, Params) or wish is None else dict(wish)
        # the operations are imported when they are planned: some take a second
        known = params_of(operation(kind.operation))["params"]
        params = options.get("params") or {}
        values = params.to_dict() if isinstance(params, Params) else dict(params)
        if kind.operation == "label":
            values["kind"] = _LABELS[name]
        options["params"] = known.from_dict(values)
        if kind.formats:
            options["formats"] = list(options.get("formats") or kind.formats)
        for argument in _COMPANIONS:
            if options.get(argument) in self.features:
                options[argument] = segmentation_path(tomogram, self.out_dir, options[argument])
        if options.get("refine") == OWN_TOMOGRAM:
            options["refine"] = tomogram
        return options

    def _preview(self, tomogram: Path, first: Task) -> Task:
        arguments = {
            "tomograms": [tomogram],
            "out_dir": self.out_dir / "previews",
            "params": self.previews,
            "segmentations": [segmentation_path(tomogram, self.out_dir, feature) for feature in self.features],
            "colours": {feature: self.colours[feature] for feature in self.features},
        }
        outputs = [preview_path(tomogram, self.out_dir / "previews")]
        title = f"Preview of {first.subject}"
        return Task("preview", arguments, first.subject, title, (first,), outputs, self.skip_existing)


def plan_exports(
    tomograms: Sequence[str | Path],
    models: Sequence[str | Path],
    out_dir: str | Path,
    *,
    prediction: PredictionParams | None = None,
    output: OutputParams | None = None,
    interactions: InteractionGraph | Mapping[str, Any] | str | Path | None = None,
    masks: Wishes | None = None,
    instances: Wishes | None = None,
    picks: Wishes | None = None,
    filaments: Wishes | None = None,
    meshes: Wishes | None = None,
    measurements: Wishes | None = None,
    previews: PreviewParams | None = None,
    colours: Mapping[str, str] | None = None,
    voxel_size: float | Mapping[str | Path, float] | None = None,
    regions: Mapping[str | Path, str] | None = None,
    skip_existing: bool = False,
    trust_source: bool = False,
) -> list[Task]:
    """Plan the segmentation of tomograms and what is to be made of it.

    Parameters
    ----------
    tomograms
        Files.
    models
        Model packages; every tomogram is segmented with all of them.
    out_dir
        Folder of the results: ``<tomogram>__<feature>.mrc``, and folders masks, instances, picks, filaments, meshes,
        measurements, previews.
    prediction, output
        How to predict and what to write.
    interactions
        A graph or its file, which is read now; ``None``: the competition that the models' cards ask for.
    masks, instances, picks, filaments, meshes, measurements
        Feature to what is to be made of it: a parameter set (`LabelParams`, `BlobParams`, `FilamentParams`,
        `MeshParams`, `MeasureParams`), ``None`` for its defaults, or a mapping of the operation's arguments:
        ``{"params": BlobParams(...), "formats": ["star", "relion5"], "membrane": "membrane"}``. `mask`, `membrane`
        and `distances` may name a feature; `refine` may be `OWN_TOMOGRAM`.
    previews
        Also draw a picture of each tomogram.
    colours
        Feature to ``#rrggbb``, for previews and report; by default those of the models.
    voxel_size
        Å; for all tomograms, or by tomogram; replaces what the files say.
    regions
        Tomogram to the part to segment, ``z0:z1,y0:y1,x0:x1``; goes before ``output.region``.
    skip_existing
        Leave out what is there and was made the same way.
    trust_source
        The items may run architectures that are packed with the models; the worker must be told so as well.

    Returns
    -------
    list of Task
        By tomogram, each segmentation before what needs it.

    Raises
    ------
    ParameterProblem
        There is no tomogram or no model, a feature is not predicted, or two tomograms have one name; an output is there
        that was made from another tomogram of this name.
    FileProblem, ModelProblem
        A model or the interactions cannot be read.
    """
    output = output or OutputParams()
    cards = [load_card(path) for path in models]
    predicted = tuple(dict.fromkeys(card.feature for card in cards))
    wishes = [masks, instances, picks, filaments, meshes, measurements]
    chosen = {name: wish for name, wish in zip(_KINDS, wishes, strict=True) if wish}
    features = tuple(name for name in predicted if not output.only or name in output.only)
    files = [absolute(path) for path in tomograms]
    _check(files, predicted, features, output, chosen)
    plan = _Plan(
        models=[absolute(path) for path in models],
        features=features,
        colours={card.feature: card.colour for card in reversed(cards)} | dict(colours or {}),
        out_dir=absolute(out_dir),
        output=output,
        common={
            "params": prediction or PredictionParams(),
            "interactions": _graph(interactions),
            "trust_source": trust_source,
        },
        wishes=chosen,
        previews=previews,
        skip_existing=skip_existing,
    )
    sizes, parts = _by_path(voxel_size), _by_path(regions)
    everywhere = None if isinstance(voxel_size, Mapping) else voxel_size
    tasks = [task for path in files for task in plan.tasks(path, sizes.get(path, everywhere), parts.get(path))]
    for task in tasks:
        refuse_others(task.outputs, task.arguments)
    return tasks


def _check(
    files: Sequence[Path],
    predicted: Sequence[str],
    features: Sequence[str],
    output: OutputParams,
    wishes: Mapping[str, Wishes],
) -> None:
    if not files or not predicted:
        what = "tomogram" if not files else "model"
        raise ParameterProblem(what, f"no {what} is chosen", f"choose at least one {what}")
    for name in output.only:
        if name not in predicted:
            raise ParameterProblem(name, "no model predicts this feature", f"features: {', '.join(predicted)}")
    for kind, wanted in wishes.items():
        for name in wanted:
            if name not in features:
                problem = f"{kind} are asked for, but the feature is not written"
                raise ParameterProblem(name, problem, f"features: {', '.join(features)}")
    names: dict[str, Path] = {}
    for path in files:
        if tomogram_name(path) in names:
            problem = f"has the same name as {names[tomogram_name(path)]}, and so would its results"
            raise ParameterProblem(path, problem, "export them into different folders")
        names[tomogram_name(path)] = path


def _graph(interactions: InteractionGraph | Mapping[str, Any] | str | Path | None) -> dict[str, Any] | None:
    if interactions is None or isinstance(interactions, InteractionGraph):
        return None if interactions is None else interactions.to_dict()
    if isinstance(interactions, Mapping):
        return InteractionGraph.from_dict(interactions).to_dict()
    return InteractionGraph.load(interactions).to_dict()


def _by_path(values: Any) -> dict[Path, Any]:
    return {absolute(path): value for path, value in values.items()} if isinstance(values, Mapping) else {}


def _outputs(name: str, source: Path, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Return the files that are made of a segmentation."""
    stem = tomogram_name(source)
    if name in ("masks", "instances"):
        from ais_app.operations.label import label_path

        return [label_path(source, folder, _LABELS[name])]
    if name == "meshes":
        return [folder / f"{stem}.{format}" for format in formats]
    if name == "measurements":
        return [folder / f"{stem}.csv"]
    from ais_app.operations.pick import coordinate_path

    coordinates = [coordinate_path(source, folder, format) for format in formats]
    if name == "picks":
        return coordinates
    from ais_app.operations.filaments import curves_path

    return [*coordinates, curves_path(source, folder)]
