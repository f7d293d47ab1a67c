"""Look for structures that a network was never shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.files import check_not_input, check_writable, write_text
from ais_app.core.io import write_volume
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import load_model
from ais_app.core.particles.average_sums import sums_job
from ais_app.core.particles.choice import without_empty
from ais_app.core.particles.classify import class_names
from ais_app.core.particles.correlation import compute_device
from ais_app.core.particles.discover import DiscoverParams, Discovery, Found, discover
from ais_app.core.particles.labels import labels_of
from ais_app.core.particles.open_set import known_classes
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.pictures import grey
from ais_app.core.report import Report
from ais_app.core.tomogram import Tomogram
from ais_app.operations.subtomo_answers import kept_answers_job, unfinished_answers
from ais_app.operations.subtomo_classify import check_scale
from ais_app.operations.subtomo_outputs import of_whole, save_array


@dataclass(frozen=True)
class Discovered:
    """What was found.

    Parameters
    ----------
    clusters, members
        Tables: one line a cluster, by rank; one line a subtomogram.
    report
        The page to look at.
    averages
        ``cluster_NNN.mrc`` of the clusters of the first ranks, in their order.
    found
        The clusters.
    """

    clusters: Path
    members: Path
    report: Path
    averages: tuple[Path, ...]
    found: Discovery

    def __str__(self) -> str:
        new = [cluster for cluster in self.found.clusters if cluster.new]
        count = sum(cluster.size for cluster in new)
        words = f"{len(self.found.clusters):,} clusters, {len(new):,} of them new with {count:,} subtomograms"
        return f"{words} -> {self.report}"


def subtomo_discover_job(
    stack: str | Path,
    model: str | Path,
    out_dir: str | Path,
    params: DiscoverParams | None = None,
    *,
    averages: int = 12,
    trust_source: bool = False,
    resume: bool = True,
) -> Job[Discovered]:
    """Group the subtomograms of a stack, and rank the groups by how little the network's classes explain them.

    Those whose cubes are the same everywhere are left out, which is warned of.

    Parameters
    ----------
    stack
        The stack. Where it has classes, the table says in which of them each cluster is enriched.
    model
        A model package of a network that classifies, trained with something held out.
    out_dir
        Folder of ``clusters.csv``, ``members.csv``, ``report.html``, the averages, ``logits.npy``, ``features.npy``
        (NaN where a cube is empty).
    params
        See `DiscoverParams`.
    averages
        Clusters, from the first rank on, to average with the poses that the stack has.
    trust_source
        Run the source of an architecture that is packed with the model.
    resume
        Go on where the same call was stopped: what the network says of subtomograms is kept until all is done.

    Raises
    ------
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The network does not classify, not cubes of this size, or does not know how far its classes reach.
    ParameterProblem
        There are fewer than two different subtomograms.
    """
    params, folder = params or DiscoverParams(), Path(out_dir)
    yield Progress(0, 0, "reading")
    opened = without_empty(whole := SubtomogramStack.open(stack))
    network = load_model(model, trust_source=trust_source)
    check_writable(folder)
    check_not_input([folder / "clusters.csv"], [stack, model])
    check_scale(opened, network)
    known = known_classes(network, model)
    device = compute_device(params.device).type
    unfinished = unfinished_answers(folder / ".discover.unfinished.npz", stack, model, params, with_features=True)
    answers = yield from kept_answers_job(opened, network, unfinished, with_features=True, device=device, resume=resume)
    assert answers.features is not None  # asked for
    yield Progress(0, 0, "grouping")
    labels, names = labels_of(opened)
    seen = answers.logits if params.sees == "logits" else answers.features
    found = discover(seen, answers.features, known, params, labels)
    volumes = yield from _averages(opened, found, averages, device)
    files = {rank: folder / f"cluster_{rank:03d}.mrc" for rank in volumes}
    arguments: dict[str, Any] = {"stack": str(stack), "model": str(model), "out_dir": str(folder), "params": params}
    arguments |= {"averages": averages, "trust_source": trust_source}
    notes = {"clusters": len(found.clusters), "new": sum(cluster.new for cluster in found.clusters)}
    first, inputs = folder / "clusters.csv", [Path(stack), Path(model)]
    record = provenance.record("subtomo_discover", first, arguments, inputs, notes)
    for rank, volume in volumes.items():
        write_volume(files[rank], volume, like=Tomogram(volume, (opened.voxel_size,) * 3), label=record.label)
    table = write_text(folder / "clusters.csv", _clusters(found, class_names(network), names))
    members = write_text(folder / "members.csv", _members(found, opened))
    arrays = [
        save_array(folder / f"{kind}.npy", of_whole(getattr(answers, kind), opened.rows, len(whole)))
        for kind in ("logits", "features")
    ]
    report = _report(folder, found, volumes, class_names(network), names, opened)
    for path in (table, members, report, *arrays, *files.values()):
        record.write(path)
    unfinished.remove()
    return Discovered(table, members, report, tuple(files.values()), found)


subtomo_discover = direct(subtomo_discover_job)


def _averages(stack: SubtomogramStack, found: Discovery, count: int, device: str) -> Job[dict[int, np.ndarray]]:
    """Return averages of the clusters of the first ranks, by rank."""
    chosen = found.clusters[:count]
    group = np.full(len(stack), -1)
    for place, cluster in enumerate(chosen):
        group[found.assignment == cluster.number] = place
    if not chosen:
        return {}
    options: dict[str, Any] = {"groups": group, "count": len(chosen), "device": device}
    sums = yield from sums_job(stack.cubes, stack.poses, stack.wedges, stack.wedge_of, **options)
    return {cluster.rank: total.average() for cluster, total in zip(chosen, sums, strict=True)}


def _clusters(found: Discovery, known: Sequence[str], true: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["rank", "cluster", "new", "size", "unknown share", "distance", "tightness", "nearest class"]
    writer.writerow([*head, *(["enriched class", "enrichment", *(f"n {name}" for name in true)] if true else [])])
    for one in found.clusters:
        line = [one.rank, one.number, int(one.new), one.size, f"{one.unknown:.3f}", f"{one.distance:.3f}"]
        line += [f"{one.tightness:.3f}", known[one.nearest]]
        if true:
            counts = [*one.counts, *([0] * (len(true) - len(one.counts)))]
            enriched = true[one.enriched] if one.enriched >= 0 else ""
            line += [enriched, f"{one.enrichment:.2f}", *counts]
        writer.writerow(line)
    return text.getvalue()


def _members(found: Discovery, stack: SubtomogramStack) -> str:
    rank = {cluster.number: cluster.rank for cluster in found.clusters}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "tomogram", "x", "y", "z", "rank", "cluster", "unknown", "distance"])
    for row, number in enumerate(found.assignment):
        z, y, x = stack.particles.positions_zyx[row]
        place = [stack.rows[row], stack.particles.tomograms[row], *(f"{value:.2f}" for value in (x, y, z))]
        writer.writerow([*place, rank[number], int(number), int(found.unknown[row]), f"{found.distance[row]:.4f}"])
    return text.getvalue()


def _report(
    folder: Path,
    found: Discovery,
    volumes: Mapping[int, np.ndarray],
    known: Sequence[str],
    true: Sequence[str],
    stack: SubtomogramStack,
) -> Path:
    report = Report("Structures that the network was never shown", folder, embed=True)
    new = sum(one.new for one in found.clusters)
    report.text(
        f"{len(stack):,} subtomograms in {len(found.clusters):,} clusters, {new:,} of them new: most of their "
        f"subtomograms lie farther from all classes of the network than held-out subtomograms of these classes do. "
        f"They come first; within both groups those with the largest share of unknown subtomograms. Classes of the "
        f"network: {', '.join(known)}."
    )
    report.heading("Clusters")
    header = [
        "rank",
        "new",
        "subtomograms",
        "unknown",
        "distance",
        "nearest class",
        *(["most enriched in"] * bool(true)),
    ]
    report.table(header, [_row(one, known, true) for one in found.clusters])
    report.heading("Averages")
    turned = np.ptp(stack.poses.rotations, axis=0).any()
    report.text(
        "Central slices across z, y and x, with the poses that the stack has."
        if turned
        else "Central slices across z, y and x. The stack has no orientations, so that members were added up as they "
        "lie: write a cluster's members to a stack of their own and align them (ais-app subtomo average)."
    )
    for rank, volume in volumes.items():
        middle = volume.shape[0] // 2
        planes = (volume[middle], volume[:, middle], volume[:, :, middle])
        report.picture(np.concatenate([grey(plane) for plane in planes], axis=1), f"rank {rank}", zoom=4)
    return report.write()


def _row(one: Found, known: Sequence[str], true: Sequence[str]) -> list[str]:
    row = [str(one.rank), "new" if one.new else "", f"{one.size:,}", f"{one.unknown:.0%}", f"{one.distance:.2f}"]
    row.append(known[one.nearest])
    if true:
        row.append(f"{true[one.enriched]} × {one.enrichment:.1f}" if one.enriched >= 0 else "")
    return row
