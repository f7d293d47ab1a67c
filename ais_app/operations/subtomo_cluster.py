"""Group the subtomograms of a stack without labels, and show what the groups look like."""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import write_particles
from ais_app.core.errors import DataWarning
from ais_app.core.files import check_not_input, write_text
from ais_app.core.io import create_volume
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import load_model, save_model
from ais_app.core.particles.average import average_now
from ais_app.core.particles.choice import without_empty
from ais_app.core.particles.clusters import Clusters, load_clusters, matched, save_clusters
from ais_app.core.particles.grouping import Grouping, GroupingParams, group_job
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.pictures import cube_sheet
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.operations.subtomo_classify import with_voxels
from ais_app.operations.subtomo_inputs import replace_labels, replaced_line
from ais_app.operations.subtomo_outputs import check_outputs, of_whole, remove_earlier, save_array, stack_parts

CLUSTERS, CODES, ENCODER = "clusters.npz", "codes.npy", "encoder.aismodel"
_NAMES = r"cluster_\d+_(centre|average)\.mrc|encoder\.aismodel"  # what not every run writes; lists name their stack
_DRAWN = 24  # groups in the picture


@dataclass(frozen=True)
class Clustered:
    """What a grouping leaves.

    Parameters
    ----------
    table, star
        One line a subtomogram: its group, its distance from the centre, its place on the map; the particles.
    clusters
        ``clusters.npz``, for `subtomo_teach`, and to keep the numbers of groups in the next run: one for each
        subtomogram of the stack, -1 where its cube is empty.
    picture
        The middle slices of each centre and each average.
    sizes
        Subtomograms in each group.
    others
        The codes, the network if one was trained, centre and average of each group.
    replaced
        A table of the classes that the stack had before; none where it had none, or keeps them.
    """

    table: Path
    star: Path
    clusters: Path
    picture: Path
    sizes: tuple[int, ...]
    others: tuple[Path, ...] = ()
    replaced: Path | None = None

    def __str__(self) -> str:
        groups = f"{len(self.sizes)} groups of {', '.join(f'{n:,}' for n in self.sizes)}"
        return "\n".join([f"{groups} -> {self.table}, {self.picture}", *replaced_line(self.replaced)])


def subtomo_cluster_job(
    stack: str | Path,
    out_dir: str | Path,
    params: GroupingParams | None = None,
    *,
    encoder: str | Path | None = None,
    like: str | Path | None = None,
    save: bool = False,
    resume: bool = True,
) -> Job[Clustered]:
    """Group the subtomograms of a stack, but for those whose cubes are the same everywhere, which are warned of.

    Parameters
    ----------
    stack
        The stack.
    out_dir
        Folder of ``<stack>_clusters.csv`` and ``.star``, ``clusters.npz``, ``codes.npy``, ``encoder.aismodel``,
        ``clusters.png``, and ``cluster_<n>_centre.mrc`` and ``_average.mrc`` of each group, numbered from 1 as
        ``rlnClassNumber``; made where missing. Groups, and the network, of an earlier run go.
    params
        See `GroupingParams`.
    encoder
        A network that encodes cubes, to use instead of training one.
    like
        ``clusters.npz`` of an earlier run over the same subtomograms: groups keep its numbers.
    save
        Keep the groups in the stack as classes ``cluster 1`` ..., where other commands and the window find them; those
        that they replace are left as ``starting_classes.csv``.
    resume
        Go on with the training of the network where the same call was stopped: it is kept in
        ``encoder.aismodel.checkpoint`` until all is done.

    Raises
    ------
    ParameterProblem
        There are fewer subtomograms than groups, or fewer than three.
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The network does not encode cubes of this size.
    """
    params, folder, stack = params or GroupingParams(), Path(out_dir), Path(stack)
    opened = without_empty(whole := SubtomogramStack.open(stack))
    check_outputs(folder, stack if save else None)
    check_not_input([folder / CLUSTERS], [stack, *([] if like is None else [like])])
    network = None if encoder is None else load_model(encoder)
    kept = checkpoint_path(folder / ENCODER)
    if not resume:
        kept.unlink(missing_ok=True)
    found = yield from group_job(opened.cubes, params, wedges=opened.wedges, encoder=network, kept=kept)
    if like is not None:
        found = _renumbered(found, Path(like), opened.rows, len(whole))
    averages = yield from _averages(opened, found)
    result = _written(stack, opened, len(whole), found, averages, folder, trained=network is None)
    arguments: dict[str, Any] = {"stack": str(stack), "out_dir": str(folder), "params": params, "save": False}
    arguments |= {"encoder": _name(encoder), "like": _name(like)}
    inputs = [*stack_parts(stack), *(Path(path) for path in (encoder, like) if path is not None)]
    outputs = (result.table, result.star, result.clusters, result.picture, *result.others)
    for path in outputs:
        provenance.record("subtomo_cluster", path, arguments, inputs, {"sizes": list(result.sizes)}).write(path)
    remove_earlier(folder, "subtomo_cluster", _NAMES, [*outputs, *inputs])
    if save:
        names = [f"cluster {number + 1}" for number in range(len(result.sizes))]
        result = replace(result, replaced=replace_labels(opened, found.clusters.assignment, names, folder, None))
    if network is None and found.encoder is not None:  # else the training of another run is kept there
        kept.unlink(missing_ok=True)
    return result


subtomo_cluster = direct(subtomo_cluster_job)


def _name(path: str | Path | None) -> str | None:
    return None if path is None else str(path)


def _renumbered(found: Grouping, like: Path, rows: np.ndarray, count: int) -> Grouping:
    """Return the groups of `rows` of a stack numbered as in an earlier run, and their centres in that order."""
    every = matched(found.clusters.among(rows, count), load_clusters(like))
    clusters = Clusters(every.assignment[rows], every.centres)
    _, first = np.unique(clusters.assignment, return_index=True)  # where each group has its first cube
    return replace(found, clusters=clusters, centres=found.centres[found.clusters.assignment[first]])


def _averages(stack: SubtomogramStack, found: Grouping) -> Job[list[np.ndarray]]:
    averages, count = [], len(found.clusters.centres)
    for number in range(count):
        yield Progress(number, count, "averaging groups")
        rows = np.flatnonzero(found.clusters.assignment == number)
        part = stack.subset(rows)
        averages.append(average_now(part.cubes, part.poses, part.wedges, part.wedge_of).average)
    return averages


def _written(
    stack: Path,
    opened: SubtomogramStack,
    count: int,
    found: Grouping,
    averages: list[np.ndarray],
    folder: Path,
    *,
    trained: bool,
) -> Clustered:
    groups = found.clusters
    away = np.linalg.norm(found.codes - groups.centres[groups.assignment], axis=1)
    table = write_text(folder / f"{stack.stem}_clusters.csv", _csv(opened, found, away))
    placed = opened.placed()
    columns = placed.table.assign(rlnClassNumber=groups.assignment + 1, aisClusterDistance=away.round(5))
    star = write_particles(
        folder / f"{stack.stem}_clusters.star", with_voxels(replace(placed, table=columns), opened), "star"
    )
    clusters = save_clusters(folder / CLUSTERS, groups.among(opened.rows, count))
    others = [save_array(folder / CODES, of_whole(found.codes, opened.rows, count))]
    if trained and found.encoder is not None:
        others.append(save_model(found.encoder, folder / ENCODER))
    for number, (centre, average) in enumerate(zip(found.centres, averages, strict=True), start=1):
        others.append(_write(folder / f"cluster_{number}_centre.mrc", centre, opened.voxel_size * found.binning))
        others.append(_write(folder / f"cluster_{number}_average.mrc", average, opened.voxel_size))
    sizes = tuple(int(n) for n in groups.sizes)
    shown = np.argsort(-groups.sizes, kind="stable")[:_DRAWN]
    if len(sizes) > _DRAWN:
        warnings.warn(DataWarning(f"{folder}: the picture shows the {_DRAWN} largest groups"), stacklevel=2)
    rows = [(f"{n + 1}: {sizes[n]:,}", (found.centres[n], averages[n])) for n in shown.tolist()]
    picture = cube_sheet(rows, folder / "clusters.png", ("centre", "average"))
    return Clustered(table, star, clusters, picture, sizes, tuple(others))


def _write(path: Path, cube: np.ndarray, voxel_size: float) -> Path:
    like = Tomogram(cube, (voxel_size,) * 3)
    with create_volume(path, cube.shape, np.dtype(np.float32), like=like, label="group of subtomograms") as writer:
        writer.write(0, cube.astype(np.float32))
    return path


def _csv(stack: SubtomogramStack, found: Grouping, away: np.ndarray) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "tomogram", "x", "y", "z", "cluster", "distance", "map x", "map y"])
    for row, number in enumerate(found.clusters.assignment):
        z, y, x = stack.particles.positions_zyx[row]
        places = [f"{value:.2f}" for value in (x, y, z)]
        across = [f"{value:.4f}" for value in found.map[row]]
        writer.writerow(
            [stack.rows[row], stack.particles.tomograms[row], *places, int(number) + 1, f"{away[row]:.5f}", *across]
        )
    return text.getvalue()
