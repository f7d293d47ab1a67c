"""Interactions between features: competition, avoid and colocalise, as an ordered graph.

Last et al. (2024), eLife 13:RP98552, "Fine-tuning segmentation results with model interactions". The steps are
applied in their order, each to what the steps before it left, on float probabilities. Preview, command line and
Python call the same `InteractionGraph.stream`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import read_json, write_json
from ais_app.core.params import Params, param
from ais_app.core.prediction.distances import Distances, squared_distances
from ais_app.core.prediction.suppression import S, Slice, compete, nothing_removed, suppress_by_distance
from ais_app.core.tomogram import ZYX

FORMAT_NAME = "ais-app interactions"
FORMAT_VERSION = 1
Reach: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Competition:
    """Features that absorb are zeroed wherever a feature that emits is more probable; ties survive.

    Parameters
    ----------
    emit, absorb
        Names of features; a feature may stand in both.
    """

    emit: tuple[str, ...]
    absorb: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature that takes part."""
        return (*self.emit, *self.absorb)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as JSON-able values."""
        return {"type": "competition", "emit": list(self.emit), "absorb": list(self.absorb)}


@dataclass(frozen=True)
class Rule(Params):
    """The child is kept only near the parent (colocalise), or only away from it (avoid).

    The parent's mask is where its probability exceeds the threshold, grown by the radius; a voxel at exactly the
    radius belongs to it, and with a radius below one voxel the mask is the parent's own voxels.

    Raises
    ------
    ParameterProblem
        A value is out of bounds, or a feature would interact with itself.
    """

    kind: str = param("avoid", "What the child does near the parent", choices=("avoid", "colocalise"))
    child: str = param("", "Feature that is changed")
    parent: str = param("", "Feature that decides")
    threshold: float = param(0.5, "Probability above which the parent counts", low=0.0, high=1.0)
    radius: float = param(100.0, "Distance from the parent that still counts as near", unit="Å", low=0.0, high=1e5)
    shape: str = param("disk", "Grow within each slice, or through the slices", choices=("disk", "ball"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.child or not self.parent:
            raise ParameterProblem(f"{self.kind} rule", "child and parent must both be named")
        if self.child == self.parent:
            raise ParameterProblem(self.child, f"cannot {self.kind} itself", "choose another parent")

    @property
    def features(self) -> tuple[str, ...]:
        """Child and parent."""
        return self.child, self.parent

    def to_dict(self) -> dict[str, Any]:
        """Return the step as JSON-able values."""
        values = super().to_dict()
        return {"type": values.pop("kind"), **values}

    def reach(self, voxel_size_zyx: ZYX) -> Reach:
        """Return how many voxels away along z, y, x a parent can still matter."""
        z, y, x = (int(self.radius / size * (1 + 1e-6)) for size in voxel_size_zyx)
        return (z if self.shape == "ball" else 0), y, x


Step: TypeAlias = Competition | Rule


@dataclass(frozen=True)
class InteractionGraph:
    """An ordered list of steps.

    Parameters
    ----------
    steps
        Applied first to last. A parent that an earlier step changed acts as it then is.
    """

    steps: tuple[Step, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature that a step names, in order of appearance."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.features))

    @property
    def needs_voxel_size(self) -> bool:
        """Whether a step has a radius."""
        return any(isinstance(step, Rule) and step.radius > 0 for step in self.steps)

    def check(self, features: Iterable[str]) -> None:
        """Make sure that every feature a step names is at hand.

        Raises
        ------
        ParameterProblem
            One is not; the nearest name is suggested.
        """
        known = list(features)
        for name in self.features:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"features: {', '.join(known) or 'none'}"
                raise ParameterProblem(name, "an interaction names this feature, but no model predicts it", remedy)

    def reach(self, wanted: Iterable[str], voxel_size_zyx: ZYX | None) -> dict[str, Reach]:
        """Return which features are needed for the wanted ones, and how far around a voxel along z, y, x.

        Radii add up along chains: with membrane avoiding carbon and antibody then colocalising with membrane,
        the antibody depends on carbon over the sum of both radii.
        """
        needed: dict[str, Reach] = {name: (0, 0, 0) for name in wanted}
        for step in reversed(self.steps):
            if isinstance(step, Competition):
                for absorber in [name for name in step.absorb if name in needed]:
                    for emitter in step.emit:
                        needed[emitter] = _farther(needed.get(emitter), needed[absorber])
            elif step.child in needed:
                radius = step.reach(voxel_size_zyx or (np.inf,) * 3)
                far = tuple(a + b for a, b in zip(needed[step.child], radius, strict=True))
                needed[step.parent] = _farther(needed.get(step.parent), far)  # type: ignore[arg-type]
        return needed

    def stream(
        self, slices: Iterable[S], voxel_size_zyx: ZYX | None, distances: Distances = squared_distances
    ) -> Iterator[S]:
        """Apply the steps to consecutive slices; slices come out once those they depend on have come in.

        Parameters
        ----------
        slices
            In order of z, each with all the features of the graph. They are used up.
        voxel_size_zyx
            Å; ``None`` will do without radii.
        distances
            Gives the distances to masks: computed each time, or kept by whoever changes radii.

        Yields
        ------
        Slice
            In order of z, as many as came in. Memory is that of the slices within the graph's reach.

        Raises
        ------
        ParameterProblem
            A step has a radius and the voxel size is not known.
        """
        if voxel_size_zyx is None and self.needs_voxel_size:
            remedy = "give it with --voxel-size, or set it in the project"
            raise ParameterProblem("interactions", "a radius in Å needs the tomogram's voxel size", remedy)
        stages: Iterable[S] = slices
        for number, step in enumerate(self.steps, start=1):
            if isinstance(step, Competition):
                stages = compete(stages, step.emit, step.absorb, number)
            else:
                stages = suppress_by_distance(
                    stages,
                    child=step.child,
                    parent=step.parent,
                    keep_near=step.kind == "colocalise",
                    threshold=step.threshold,
                    radius=step.radius,
                    reach_z=step.reach(voxel_size_zyx or (1.0, 1.0, 1.0))[0],
                    spacing_zyx=voxel_size_zyx or (1.0, 1.0, 1.0),
                    number=number,
                    distances=distances,
                )
        return iter(stages)

    def apply(self, volumes: Mapping[str, np.ndarray], voxel_size_zyx: ZYX | None = None) -> dict[str, np.ndarray]:
        """Apply the steps to whole volumes.

        Parameters
        ----------
        volumes
            Feature to probabilities, (z, y, x) float32, all of one shape; left as they are.
        voxel_size_zyx
            Å along z, y, x.

        Returns
        -------
        dict
            Feature to (z, y, x) float32.
        """
        done = list(self.stream(self._slices(volumes, attributed=False), voxel_size_zyx))
        return {name: np.stack([s.planes[name] for s in done]) for name in volumes}

    def explain(self, volumes: Mapping[str, np.ndarray], voxel_size_zyx: ZYX | None = None) -> dict[str, np.ndarray]:
        """Tell which step removed each voxel.

        Returns
        -------
        dict
            Feature to (z, y, x) uint8: 0 where nothing was removed, else the number of the step, from 1.
        """
        done = list(self.stream(self._slices(volumes, attributed=True), voxel_size_zyx))
        return {name: np.stack([s.removed_by[name] for s in done]) for name in volumes}

    def _slices(self, volumes: Mapping[str, np.ndarray], *, attributed: bool) -> Iterator[Slice]:
        self.check(volumes)
        shapes = {np.shape(volume) for volume in volumes.values()}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 3:
            raise ParameterProblem("interactions", "the volumes of all features must have one (z, y, x) shape")
        for z in range(shape[0]):
            planes = {name: np.asarray(volume[z], dtype=np.float32) for name, volume in volumes.items()}
            yield Slice(z, planes, nothing_removed(planes) if attributed else {})

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as JSON-able values, as stored in files and projects."""
        steps = [step.to_dict() for step in self.steps]
        return {"format": FORMAT_NAME, "format_version": FORMAT_VERSION, "steps": steps}

    @classmethod
    def from_dict(cls, values: Any, source: str | Path = "interactions") -> InteractionGraph:
        """Read `to_dict`'s values.

        Raises
        ------
        FileProblem
            They are no interaction graph, or a step is wrong; its number is named.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT_NAME:
            raise FileProblem(source, f'is no interaction graph: "format" is not "{FORMAT_NAME}"')
        version = values.get("format_version")
        if version != FORMAT_VERSION:
            remedy = f"this version reads {FORMAT_VERSION}; update ais-app"
            raise FileProblem(source, f"has format_version {version!r}", remedy)
        steps = values.get("steps")
        if not isinstance(steps, list):
            raise FileProblem(source, '"steps" is not a list')
        return cls(tuple(_step(step, number, source) for number, step in enumerate(steps, start=1)))

    def save(self, path: str | Path) -> Path:
        """Write the graph as JSON and return the path."""
        return write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> InteractionGraph:
        """Read a graph from JSON.

        Raises
        ------
        FileProblem
            The file is missing, not JSON, or no interaction graph.
        """
        return cls.from_dict(read_json(path), path)


def _farther(one: Reach | None, other: Reach) -> Reach:
    z, y, x = (max(pair) for pair in zip(one or (0, 0, 0), other, strict=True))
    return z, y, x


def _step(values: Any, number: int, source: str | Path) -> Step:
    where = f"step {number}"
    if not isinstance(values, dict):
        raise FileProblem(source, f"{where} is {values!r}, not an object with a type")
    fields = dict(values)
    kind = fields.pop("type", None)
    if kind == "competition":
        lists = {name: fields.pop(name, None) for name in ("emit", "absorb")}
        for name, names in lists.items():
            if not (isinstance(names, list) and names and all(isinstance(n, str) for n in names)):
                raise FileProblem(source, f"{where}: {name} is {names!r}, not a list of features")
        if fields:
            raise FileProblem(source, f"{where}: competition has no {', '.join(fields)}", "known: emit, absorb")
        return Competition(tuple(lists["emit"]), tuple(lists["absorb"]))
    if kind not in ("avoid", "colocalise"):
        remedy = "known: competition, avoid, colocalise"
        raise FileProblem(source, f"{where} has the unknown type {kind!r}", remedy)
    _check_types(fields, where, source)
    try:
        return Rule.from_dict({"kind": kind, **fields})
    except ParameterProblem as error:
        raise FileProblem(source, f"{where}: {error.subject}: {error.problem}", error.remedy) from error


def _check_types(fields: Mapping[str, Any], where: str, source: str | Path) -> None:
    kinds: Sequence[tuple[str, type | tuple[type, ...], str]] = [
        *((name, str, "text") for name in ("child", "parent", "shape")),
        *((name, (int, float), "a number") for name in ("threshold", "radius")),
    ]
    for name, kind, words in kinds:
        if name in fields and (not isinstance(fields[name], kind) or isinstance(fields[name], bool)):
            raise FileProblem(source, f"{where}: {name} is {fields[name]!r}, not {words}")
