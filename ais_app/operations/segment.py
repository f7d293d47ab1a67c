"""Segment tomograms: volumes and models in, one map of probabilities per feature out.

    tomogram ─► predict_volume (networks, interactions) ─► DIR/<tomogram>__<feature>.mrc

Slices are written as they come; a file appears under its name when all of them are in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import VolumeWriter, create_volume, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import Model, load_model
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.field import at_model_size
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.parameters import OutputParams, PredictionParams
from ais_app.core.prediction.plan import PredictedSlice, competition_of
from ais_app.core.prediction.predict import predict_volume
from ais_app.core.probability import create_probabilities
from ais_app.core.tomogram import Region, Tomogram, tomogram_name
from ais_app.core.volume.region import parse_region
from ais_app.operations.per_file import FileResult, each_file, input_files

MOST_STEPS = 127  # what an int8 volume of step numbers can hold


def segment_job(
    tomograms: Sequence[str | Path],
    models: Sequence[str | Path],
    out_dir: str | Path,
    params: PredictionParams | Mapping[str, Any] | None = None,
    output: OutputParams | Mapping[str, Any] | None = None,
    *,
    interactions: str | Path | InteractionGraph | Mapping[str, Any] | None = None,
    voxel_size: float | None = None,
    skip_existing: bool | None = None,
    trust_source: bool = False,
) -> Job[list[FileResult]]:
    """Segment tomograms with one or several models.

    Parameters
    ----------
    tomograms
        Files, folders or globs. Segmentations that this made earlier in such a folder are left out.
    models
        Model packages; those of one feature are averaged.
    out_dir
        Folder of the results, ``<tomogram>__<feature>.mrc``; made where it is missing.
    params
        How to predict.
    output
        What to write.
    interactions
        A graph or its file; ``None``: the competition that the models' cards ask for.
    voxel_size
        Å; replaces what the files say.
    skip_existing
        What to do where all results are there: leave the tomogram out, or make them again; ``None``: fail.
    trust_source
        Run architectures that are packed with the models; see `load_model`.

    Returns
    -------
    list of FileResult
        One per tomogram; a failure is in its ``error``.

    Raises
    ------
    FileProblem
        A model or the interactions cannot be read, or a folder holds no volume.
    ParameterProblem
        An interaction names a feature that no model predicts, or two outputs would have one name.
    ModelProblem
        A model is damaged, or an engine asked for by name cannot compute it.
    """
    task = _Task(
        models=[load_model(path, trust_source=trust_source) for path in models],
        model_files=[Path(path) for path in models],
        out_dir=Path(out_dir),
        params=params if isinstance(params, PredictionParams) else PredictionParams.from_dict(params or {}),
        output=output if isinstance(output, OutputParams) else OutputParams.from_dict(output or {}),
        interactions=_graph(interactions),
        voxel_size=voxel_size,
        trust_source=trust_source,
        overwrite=skip_existing is False,
    )
    task.check()
    inputs = [path for path in input_files(tomograms) if not _is_segmentation(path)]
    return (yield from each_file(inputs, task.targets, task.segmented, skip_existing=bool(skip_existing)))


segment = direct(segment_job)


def segmentation_path(tomogram: str | Path, out_dir: str | Path, feature: str, suffix: str = "") -> Path:
    """Return where the segmentation of a feature goes.

    >>> segmentation_path("TS_01.mrc", "out", "membrane").as_posix()
    'out/TS_01__membrane.mrc'
    """
    return Path(out_dir) / f"{tomogram_name(tomogram)}__{feature}{suffix}.mrc"


@dataclass(frozen=True)
class _Task:
    """What is done to every tomogram."""

    models: list[Model]
    model_files: list[Path]
    out_dir: Path
    params: PredictionParams
    output: OutputParams
    interactions: InteractionGraph | None
    voxel_size: float | None
    trust_source: bool
    overwrite: bool

    @property
    def features(self) -> list[str]:
        known = list(dict.fromkeys(model.card.feature for model in self.models))
        return [name for name in known if not self.output.only or name in self.output.only]

    @property
    def graph(self) -> InteractionGraph:
        return competition_of([m.card for m in self.models]) if self.interactions is None else self.interactions

    def check(self) -> None:
        """Raise what would fail for every tomogram."""
        known = {model.card.feature for model in self.models}
        for name in self.output.only:
            if name not in known:
                raise ParameterProblem(name, "no model predicts this feature", f"features: {', '.join(sorted(known))}")
        self.graph.check(known)
        if self.output.attribution and len(self.graph.steps) > MOST_STEPS:
            problem = f"the graph has {len(self.graph.steps)} steps"
            raise ParameterProblem("attribution", problem, f"at most {MOST_STEPS} can be told apart")
        for model in self.models:
            engine_for(model.network, self.params.engine, self.params.precision)

    def targets(self, path: Path) -> list[Path]:
        """Return the files that are written for a tomogram."""
        return [output.path for output in self.outputs(path)]

    def outputs(self, path: Path) -> list[_Output]:
        """Return what is written for a tomogram."""
        kinds = [kind for kind, wanted in _kinds(self.output).items() if wanted]
        return [
            _Output(segmentation_path(path, self.out_dir, name, kind), name, kind)
            for name in self.features
            for kind in kinds
        ]

    def segmented(self, path: Path) -> Job[str]:
        """Segment one tomogram and return a few words about it."""
        outputs = self.outputs(path)
        for output in outputs:
            if output.path.exists() and not self.overwrite:
                raise FileProblem(output.path, "is there already", "choose --skip-existing or --overwrite")
        yield Progress(0, 0, "reading")
        tomogram = open_tomogram(path, voxel_size=self.voxel_size)
        region = parse_region(self.output.region or ":,:,:", tomogram.shape)
        slices = predict_volume(
            self.models,
            tomogram,
            region=region,
            interactions=self.graph,
            features=self.features,
            uncertainty=self.output.uncertainty,
            attribution=self.output.attribution,
            params=self.params,
        )
        records = [self._record(path, tomogram, output.path) for output in outputs]
        with ExitStack() as opened:
            opened.callback(slices.close)
            writers = [
                opened.enter_context(output.create(tomogram, self.output.encoding, made.label))
                for output, made in zip(outputs, records, strict=True)
            ]
            empty = np.zeros((1, *tomogram.shape[1:]), np.float32)
            for z in (*range(region[0].start), *range(region[0].stop, tomogram.shape[0])):
                for writer in writers:
                    writer.write(z, empty)
            for current in slices:
                for output, writer in zip(outputs, writers, strict=True):
                    writer.write(current.z, _in_place(output.plane(current), empty, region))
                yield Progress(current.z + 1 - region[0].start, region[0].stop - region[0].start, f"slice {current.z}")
        for output, made in zip(outputs, records, strict=True):
            made.write(output.path)
        return ", ".join(self.features)

    def _engines(self) -> list[str]:
        return [engine_for(m.network, self.params.engine, self.params.precision).name for m in self.models]

    def _record(self, path: Path, tomogram: Tomogram, target: Path) -> provenance.Provenance:
        arguments = {
            "tomograms": [str(path)],
            "models": [str(file) for file in self.model_files],
            "out_dir": str(self.out_dir),
            "params": self.params,
            "output": self.output,
            "interactions": self.interactions,
            "voxel_size": self.voxel_size,
            "trust_source": self.trust_source,
        }
        notes = {
            "features": [model.card.feature for model in self.models],
            "engines": self._engines(),
            "voxel_sizes_zyx": [at_model_size(tomogram, model).voxel_size_zyx for model in self.models],
            "applied_interactions": self.graph.to_dict()["steps"],
        }
        return provenance.record("segment", target, arguments, [path, *self.model_files], notes)


@dataclass(frozen=True)
class _Output:
    path: Path
    feature: str
    kind: str

    def plane(self, current: PredictedSlice) -> np.ndarray:
        """Return what this output holds of a slice, (y, x)."""
        return {"": current.planes, "_uncertainty": current.uncertainty, "_removed": current.removed_by}[self.kind][
            self.feature
        ]

    def create(self, like: Tomogram, encoding: str, label: str) -> AbstractContextManager[VolumeWriter]:
        """Open the file on the tomogram's grid."""
        if self.kind == "":
            return create_probabilities(self.path, like.shape, encoding, like=like, label=label)
        kind = np.float32 if self.kind == "_uncertainty" else np.int8
        return create_volume(self.path, like.shape, kind, like=like, label=label)


def _kinds(output: OutputParams) -> dict[str, bool]:
    return {"": True, "_uncertainty": output.uncertainty, "_removed": output.attribution}


def _in_place(plane: np.ndarray, empty: np.ndarray, region: Region) -> np.ndarray:
    """Return the slice, (1, y, x), with the region's plane in its place and zeros elsewhere."""
    if plane.shape == empty.shape[1:]:
        return plane[None]
    whole = empty.astype(plane.dtype)
    whole[0][region[1:]] = plane
    return whole


def _graph(interactions: str | Path | InteractionGraph | Mapping[str, Any] | None) -> InteractionGraph | None:
    if interactions is None or isinstance(interactions, InteractionGraph):
        return interactions
    if isinstance(interactions, Mapping):
        return InteractionGraph.from_dict(interactions)
    return InteractionGraph.load(interactions)


def _is_segmentation(path: Path) -> bool:
    beside = provenance.sidecar(path)
    return beside.exists() and provenance.read_provenance(path).operation == "segment"
