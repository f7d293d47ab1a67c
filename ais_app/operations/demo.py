"""The whole path on two small phantoms: annotate, train, segment, pick, mesh, report.

phantom 1 ─► labels on a few slices ─► a network per feature ─┐
phantom 2 ────────────────────────────────────────────────────┴► segmentations ─► picks, surfaces ─► scores, report
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ais_app.core.coordinates import read_particles
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, R, direct
from ais_app.core.params import Params, param
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.prediction.interactions import Competition, InteractionGraph
from ais_app.core.probability import open_probabilities
from ais_app.core.scoring import PickScore, dice, score_picks
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.surfaces.mesh import MeshParams
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.demo_report import write_report
from ais_app.operations.mesh import mesh_job
from ais_app.operations.per_file import FileResult
from ais_app.operations.pick import coordinate_path, pick_job
from ais_app.operations.segment import segment_job, segmentation_path
from ais_app.operations.simulate import SimulatedFiles, simulate_job
from ais_app.operations.train import Trained, train_job
from ais_app.state.project import Project

FEATURES = ("membrane", "ribosome")
RIBOSOME_RADIUS = 125.0  # Å
TRAINED_ON, SEGMENTED = "phantom_1", "phantom_2"
COMPETITION = InteractionGraph((Competition(emit=FEATURES, absorb=FEATURES),))


@dataclass(frozen=True)
class DemoParams(Params):
    """Size of the demo; the defaults take under four minutes on two cores."""

    shape: tuple[int, int, int] = param((64, 256, 256), "Size of the two phantoms, z,y,x", unit="voxels", low=32)
    snr: float = param(0.3, "Signal to noise of the tomograms", low=1e-3)
    slices: int = param(7, "Slices that are annotated", low=1, high=64)
    boxes: int = param(40, "Training boxes for each feature", low=4)
    epochs: int = param(16, "Epochs for each network", low=1)
    seed: int = param(0, "Seed of phantoms and training", low=0, high=2**31 - 2)

    def training(self, feature: str) -> TrainParams:
        """How the network of a feature is trained: a ribosome is seen whole at half the resolution, a membrane not."""
        params = TrainParams("unet_s", depth=5, epochs=self.epochs, boxes=self.boxes, seed=self.seed)
        return replace(params, voxel_size=20.0, box_size=48) if feature == "ribosome" else params


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Parameters
    ----------
    report
        ``report.html``.
    project
        The project with the annotations.
    dice
        Feature to Dice against the truth, on the phantom that no network had seen.
    picks
        Ribosome picks against the truth, matched within half a radius.
    seconds
        Stage to the time it took.
    """

    report: Path
    project: Path
    dice: Mapping[str, float]
    picks: PickScore
    seconds: Mapping[str, float]


def demo_job(out_dir: str | Path = "ais-app-demo", params: DemoParams | None = None) -> Job[DemoResult]:
    """Annotate, train, segment, pick and mesh on small phantoms, and write a report.

    Parameters
    ----------
    out_dir
        Folder of the results; files of an earlier demo are replaced.
    params
        Size of the phantoms and of the training.

    Returns
    -------
    DemoResult
        Report, project and scores.

    Raises
    ------
    FileProblem
        The folder cannot be written to.
    """
    params, folder = params or DemoParams(), Path(out_dir)
    stages = _Stages(3 + len(FEATURES))
    phantoms = {}
    for number, name in enumerate((TRAINED_ON, SEGMENTED)):
        contents = SimulateParams(shape=params.shape, snr=params.snr)
        simulating = simulate_job(folder / name, contents, params.seed + number)
        phantoms[name] = yield from stages.run("simulate", f"simulate {name}", simulating, share=0.5)
    project = annotate(folder / "demo.aisproj", phantoms[TRAINED_ON], params.slices)
    trained = {}
    for feature in FEATURES:
        training = train_job(project, feature, folder / "models" / f"{feature}.aismodel", params.training(feature))
        trained[feature] = yield from stages.run("train", f"train {feature}", training)
    files = yield from _used(folder, phantoms[SEGMENTED].tomogram, [made.model for made in trained.values()], stages)
    return _judged(folder, project, phantoms[SEGMENTED], files, trained, stages.seconds)


demo = direct(demo_job)


def _used(folder: Path, tomogram: Path, models: list[Path], stages: _Stages) -> Job[dict[str, Path]]:
    """Segment with the models in competition, pick and mesh; return the segmentations by feature."""
    graph = COMPETITION.save(folder / "interactions.json")
    segmenting = segment_job([tomogram], models, folder / "segmentations", interactions=graph, skip_existing=False)
    yield from stages.run("segment", f"segment {SEGMENTED}", _checked(segmenting))
    files = {name: segmentation_path(tomogram, folder / "segmentations", name) for name in FEATURES}
    blobs = BlobParams(min_volume=1e6, min_spacing=1.4 * RIBOSOME_RADIUS)
    picking = pick_job([files["ribosome"]], folder / "picks", blobs, formats=["star", "relion5"])
    yield from stages.run("pick and mesh", "pick ribosomes", _checked(picking), share=0.5)
    surface = MeshParams(dust=500, smoothing=10, keep_faces=0.3)
    meshing = mesh_job([files["membrane"]], folder / "surfaces", surface)
    yield from stages.run("pick and mesh", "surface of the membranes", _checked(meshing), share=0.5)
    return files


def annotate(path: Path, phantom: SimulatedFiles, slices: int) -> Path:
    """Make a project with labels on a few slices of a phantom, as a person would paint them; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with Project.create(path) as project:
        entry = project.add_tomogram(phantom.tomogram, name=TRAINED_ON)
        depth = entry.shape[0]
        chosen = np.linspace(0.15 * depth, 0.85 * depth, slices).round().astype(int).tolist()
        for feature in FEATURES:
            project.import_labels(entry, feature, phantom.masks[feature], slices=chosen)
    return path


class _Stages:
    """Runs jobs one after another as one, and keeps the time of each stage."""

    def __init__(self, count: int) -> None:
        self.seconds: dict[str, float] = {}
        self._done, self._count = 0.0, count

    def run(self, stage: str, title: str, job: Job[R], share: float = 1.0) -> Job[R]:
        start = time.perf_counter()
        try:
            step = next(job)
            while True:
                part = share * step.done / step.total if step.total else 0.0
                words = f"{title}: {step.message}" if step.message else title
                yield Progress(self._done + part, self._count, words, step.values)
                step = next(job)
        except StopIteration as finished:
            result: R = finished.value
            return result
        finally:
            job.close()
            self._done += share
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def _checked(job: Job[list[FileResult]]) -> Job[list[FileResult]]:
    """Raise what a job over files has only noted."""
    results = yield from job
    for result in results:
        if result.error is not None:
            raise result.error
    return results


def _judged(
    folder: Path,
    project: Path,
    truth: SimulatedFiles,
    files: Mapping[str, Path],
    trained: Mapping[str, Trained],
    seconds: Mapping[str, float],
) -> DemoResult:
    masks = {name: open_tomogram(truth.masks[name]).read() > 0 for name in FEATURES}
    probabilities = {name: open_probabilities(file).read() for name, file in files.items()}
    agreement = {name: dice(probabilities[name] > 0.5, masks[name]) for name in FEATURES}
    picked = read_particles(coordinate_path(files["ribosome"], folder / "picks", "star"))
    placed = read_particles(truth.coordinates["ribosome"])
    score = score_picks(picked.positions_zyx, placed.positions_zyx, RIBOSOME_RADIUS / 2)
    tomogram = open_tomogram(truth.tomogram)
    report = write_report(folder, tomogram, masks, probabilities, picked, agreement, score, trained, seconds)
    return DemoResult(report, project, agreement, score, dict(seconds))
