"""Labels and boxes from elsewhere: what networks predict of a region, volumes and coordinates in files.

    job, off the main thread ──► masks, a bit a voxel ──► taking_masks(...), in steps ──► the project, one step of undo

The jobs change nothing; what they return is written when they are done, so that cancelling one leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.copying import from_probability
from ais_app.core.annotation.labels import FEATURE, IGNORE, TILE, strips
from ais_app.core.errors import ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.tomogram import Region, Tomogram
from ais_app.state.commands.annotate import commit, prediction_edit, target
from ais_app.state.commands.interactions import active_graph
from ais_app.state.labels import LabelStore
from ais_app.state.log import command
from ais_app.state.records import TomogramEntry
from ais_app.state.session import Session
from ais_app.state.shown_models import name_in_networks, shown_models


@dataclass(frozen=True)
class PredictionRequest:
    """What shall be predicted and taken as labels.

    Parameters
    ----------
    tomogram
        Open.
    networks
        Files of all networks that are on: interactions may need others than those of the feature.
    graph
        How they act on each other.
    feature
        Name of what is taken, as the networks call it.
    threshold
        Probability from which a voxel is taken: as the networks' list says.
    region
        z, y, x.
    """

    tomogram: Tomogram
    networks: tuple[Path, ...]
    graph: InteractionGraph
    feature: str
    threshold: float
    region: Region


@dataclass
class Masks:
    """A region of a volume, a bit a voxel: which voxels are the feature."""

    region: Region
    planes: list[np.ndarray] = field(default_factory=list)

    def add(self, mask: np.ndarray) -> None:
        """Add the next slice, (h, w) bool."""
        self.planes.append(np.packbits(mask, axis=1))

    def part(self, region: Region) -> np.ndarray:
        """Return part of it, z, y, x in voxels of the tomogram, as float32 of 0 and 1."""
        z, y, x = (slice(p.start - w.start, p.stop - w.start) for p, w in zip(region, self.region, strict=True))
        width = self.region[2].stop - self.region[2].start
        rows = [np.unpackbits(plane[y], axis=1, count=width)[:, x] for plane in self.planes[z]]
        return np.stack(rows).astype(np.float32)


def threshold_of(session: Session, feature: str) -> float | None:
    """Return the probability from which the networks of a feature draw it; ``None`` where no network is on."""
    thresholds = [shown.threshold for shown in shown_models(session.project) if shown.usable and shown.label == feature]
    return max(thresholds) if thresholds else None


def prediction_request(session: Session, within_crop: bool) -> PredictionRequest:
    """Return what `prediction_job` needs for the chosen feature: the region drawn on the slice, or the whole volume.

    Raises
    ------
    ParameterProblem
        No network of the feature is on, its predictions would be mixed with others, or no region is drawn.
    """
    on = target(session)
    threshold, name = threshold_of(session, on.feature.name), name_in_networks(session.project, on.feature)
    if threshold is None or name is None:
        remedy = f"train or open a network that finds {on.feature.name}, and switch it on in the Train tab"
        raise ParameterProblem("prediction", f"no network of {on.feature.name} is on", remedy)
    view, (depth, height, width) = session.view, on.tomogram.shape
    if within_crop and view.crop is None and view.z_range is None:
        raise ParameterProblem("region", "none is drawn", "press C and draw one, or take the slice or the volume")
    y0, y1, x0, x1 = (view.crop if within_crop else None) or (0, height, 0, width)
    z0, z1 = (view.z_range if within_crop else None) or (0, depth)
    region = slice(z0, min(z1, depth)), slice(y0, min(y1, height)), slice(x0, min(x1, width))
    networks = tuple(shown.entry.path for shown in shown_models(session.project) if shown.usable)
    tomogram = session.volume(on.tomogram.id)
    return PredictionRequest(tomogram, networks, active_graph(session), name, threshold, region)


def prediction_job(request: PredictionRequest) -> Job[Masks]:
    """Predict slice after slice, and keep which voxels reach the threshold."""
    from ais_app.core.model.package import load_model
    from ais_app.core.prediction.predict import predict_volume

    models = [load_model(path) for path in request.networks]
    slices = predict_volume(models, request.tomogram, region=request.region, interactions=request.graph,
                            features=[request.feature])  # fmt: skip
    masks, total = Masks(request.region), request.region[0].stop - request.region[0].start
    try:
        yield Progress(0, total, "preparing")
        for current in slices:
            masks.add(current.planes[request.feature] >= request.threshold)
            yield Progress(len(masks.planes), total, f"slice {current.z}")
    finally:
        slices.close()
    return masks


def taking_masks(session: Session, labels: LabelStore, masks: Masks, title: str) -> Iterator[None]:
    """Replace the labels of a region by masks, as one step of undo, for `Project.steps`.

    What is marked as ignore stays. No slice becomes annotated: a person marks those that they have looked at.
    """
    with session.project.group(f"{title} {labels.feature.name} on {labels.tomogram.name}"):
        for strip in strips(masks.region, labels.shape):
            start = strip[0].start, strip[1].start, strip[2].start
            edit = from_probability(labels, masks.part(strip), start_zyx=start)
            if edit.changed.any():
                labels.apply(edit)
            yield


def take_slice(
    session: Session, plane: np.ndarray, z: int, corner_yx: tuple[int, int], threshold: float | None = None
) -> None:
    """Take what networks predict of a slice, (h, w) 0 … 1 from `corner_yx` on, as labels; it becomes annotated."""
    on = target(session)
    used = threshold if threshold is not None else threshold_of(session, on.feature.name)
    edit = prediction_edit(on.labels, plane, 0.5 if used is None else used, z, corner_yx)
    python = f"take_slice(session, plane, {z}, {corner_yx}, {used})  # plane: probabilities of the slice"
    commit(session, on.labels, edit, python, "labels_in")


# files


def volume_job(
    path: Path, shape: tuple[int, int, int], value: float | None, threshold: float | None
) -> Job[np.ndarray]:
    """Read a segmentation as labels.

    Parameters
    ----------
    path
        On the tomogram's grid.
    shape
        (z, y, x) of the tomogram.
    value, threshold
        Which voxels are the feature: those of this number, or of at least this number. Without either the file must
        hold labels 0, 1, 2.

    Returns
    -------
    ndarray
        (z, y, x) uint8: 0, 1, 2.
    """
    data = open_tomogram(path).data
    if tuple(data.shape) != tuple(shape):
        remedy = "labels must be on the tomogram's own grid"
        raise ParameterProblem(path, f"has {tuple(data.shape)} voxels, the tomogram {tuple(shape)}", remedy)
    labels = np.zeros(shape, np.uint8)
    for z in range(0, shape[0], TILE[0]):
        yield Progress(z, shape[0], f"slice {z}")
        block = np.asarray(data[z : z + TILE[0]])
        if value is not None:
            labels[z : z + TILE[0]] = block == value
        elif threshold is not None:
            labels[z : z + TILE[0]] = block >= threshold
        else:
            labels[z : z + TILE[0]] = _checked(block, path)
    return labels


def _checked(block: np.ndarray, path: Path) -> np.ndarray:
    wrong = ~np.isin(block, (0, FEATURE, IGNORE))
    if wrong.any():
        remedy = "take the voxels of one number, or of at least a number"
        raise ParameterProblem(path, f"holds {block[wrong].flat[0]:g}, which is no label (0, 1, 2)", remedy)
    return block.astype(np.uint8)


def taking_volume(session: Session, labels: LabelStore, volume: np.ndarray) -> Iterator[None]:
    """Replace all labels of a feature by a volume of 0, 1, 2, as one step of undo, for `Project.steps`.

    Every slice becomes annotated.
    """
    return session.project.importing_labels(labels.tomogram, labels.feature, volume)


def positions_job(path: Path, entry: TomogramEntry) -> Job[np.ndarray]:
    """Read the particles of a tomogram from a coordinate file: (n, 3) voxel indices z, y, x."""
    from ais_app.core.coordinates import read_particles
    from ais_app.core.tomogram import tomogram_name

    yield Progress(0, 1, "reading")
    size = np.array(entry.require_voxel_size_zyx())
    try:
        particles = read_particles(path)
    except ParameterProblem:
        particles = read_particles(path, voxel_size=entry.voxel_size)  # the file does not say what its voxels are
    names = [tomogram_name(str(name)) if name else "" for name in particles.tomograms]
    chosen = np.array([name in ("", entry.name) for name in names], dtype=bool)
    if not chosen.any():
        others = ", ".join(sorted(set(names))) or "none"
        raise ParameterProblem(path, f"holds no particle of {entry.name}", f"its tomograms: {others}")
    positions: np.ndarray = particles.positions_zyx[chosen] / size
    return positions


@command("Place boxes of feature {feature}")
def place_boxes(session: Session, tomogram: int, feature: int, positions: Sequence[Sequence[float]]) -> None:
    """Place boxes of a feature at voxel indices z, y, x, as one step of undo."""
    session.project.add_boxes(tomogram, feature, [Box((z, y, x)) for z, y, x in positions])
