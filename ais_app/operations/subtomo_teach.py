"""Train a network that segments from groups of subtomograms that a person chose: no voxel is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ais_app.core import provenance
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import check_file_writable, check_not_input
from ais_app.core.jobs import Job, JobCancelled, Progress, direct
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, save_model
from ais_app.core.params import Params, param
from ais_app.core.particles.classify import decode, encode
from ais_app.core.particles.clusters import decoded_masks, load_clusters, weak_data
from ais_app.core.particles.correlation import compute_device
from ais_app.core.particles.grouping import GroupingParams, binning_of, prepare_job
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.operations.subtomo_cluster import CLUSTERS, ENCODER
from ais_app.operations.training_cubes import contrast_in_tomograms


@dataclass(frozen=True)
class TeachParams(Params):
    """How a network learns from groups."""

    architecture: str = param("edss3d", "Network of volumes")
    level: float = param(0.5, "Share of a decoded cube's highest density that belongs to it", low=0.05, high=0.95)
    epochs: int = param(40, "Passes over the subtomograms, at most", low=1, high=100_000)
    patience: int = param(20, "It stops after so many without a better held-out loss", low=1, high=100_000)
    batch: int = param(16, "Subtomograms in one step", low=1, high=4096)
    loss: str = param("bce+dice", "What is minimised", choices=("bce+dice", "bce", "dice", "focal", "focal+dice"))
    validation_share: float = param(0.1, "Share of the subtomograms that is held out", low=0.01, high=0.9)
    seed: int = param(0, "The same seed on the same machine gives the same network", low=0, high=2**31 - 1)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


def subtomo_teach_job(
    stack: str | Path,
    groups: str | Path,
    chosen: Sequence[int],
    out: str | Path,
    params: TeachParams | None = None,
    *,
    feature: str = "particle",
    encoder: str | Path | None = None,
    resume: bool = True,
) -> Job[Path]:
    """Train a network from groups.

    Zeng et al. (2018), Journal of Structural Biology 202, 150, section 2.4: the decoded subtomograms of the chosen
    groups, which have little noise left, say which voxels are the particle; as many others are background.

    Parameters
    ----------
    stack
        The stack that was grouped.
    groups
        Folder that `subtomo_cluster` wrote.
    chosen
        Numbers of the groups that show the feature, from 1, as in the picture.
    out
        Model package to write. It also segments whole tomograms of the same kind.
    params
        See `TeachParams`.
    feature
        What the network finds.
    encoder
        Network that encoded the subtomograms, where `groups` holds none.
    resume
        Go on with the training where the same call was stopped: it is kept in ``<out>.checkpoint`` until all is done.

    Raises
    ------
    ParameterProblem
        No group is chosen, or one that is not there, or the groups are of another stack.
    FileProblem
        The folder holds no groups, or no network to decode them with.
    """
    from ais_app.core.training.parameters import TrainParams
    from ais_app.core.training.trainer import train_job

    params, out, stack = params or TeachParams(), Path(out), Path(stack)
    check_file_writable(out, "a model: NAME.aismodel")
    network = Path(groups) / ENCODER if encoder is None else Path(encoder)
    check_not_input([out], [stack, Path(groups) / CLUSTERS, network])
    opened, clusters = SubtomogramStack.open(stack), load_clusters(Path(groups) / CLUSTERS)
    if not network.exists():
        remedy = "group by autoencoder, or give the network with --encoder"
        raise FileProblem(network, "is not there: nothing can decode the groups", remedy)
    _check(opened, clusters.assignment.size, len(clusters.centres), chosen)
    decoder = load_model(network)
    edge = int(decoder.card.parameters["size"])
    where = str(compute_device(params.device))
    cubes = yield from prepare_job(opened.cubes, GroupingParams(edge=edge))
    yield Progress(0, 0, "decoding")
    masks = decoded_masks(
        decode(decoder, encode(decoder, cubes, device=where), device=where), dark=False, level=params.level
    )
    settings = TrainParams(
        architecture=params.architecture, box_size=edge, depth=edge, epochs=params.epochs, patience=params.patience,
        batch=params.batch, draws=1, loss=params.loss, validation="area", validation_share=params.validation_share,
        seed=params.seed, device=params.device, shift=0.0, scale=0.0,
    )  # fmt: skip
    voxel_size = opened.voxel_size * binning_of(opened.edge, edge)
    sign = contrast_in_tomograms(opened)  # so that it segments these too
    data = weak_data(sign * cubes, masks, clusters, [number - 1 for number in chosen], settings, voxel_size=voxel_size)
    known = architecture(params.architecture).parameters
    card = ModelCard(params.architecture, {"classes": 1} if "classes" in known else {}, depth=edge, feature=feature)
    kept = checkpoint_path(out)
    if not resume:
        kept.unlink(missing_ok=True)
    result = yield from train_job(replace(data, contrast=sign), settings, card, kept=kept)
    if not result.finished:
        raise JobCancelled
    save_model(result.model, out)
    arguments: dict[str, Any] = {"stack": str(stack), "groups": str(groups), "chosen": list(chosen), "out": out.name}
    arguments |= {"params": params, "feature": feature, "encoder": None if encoder is None else str(encoder)}
    notes = {"metrics": result.model.card.training["metrics"], "cubes": data.record["cubes"]}
    provenance.record("subtomo_teach", out, arguments, [stack, Path(groups) / CLUSTERS, network], notes).write(out)
    kept.unlink(missing_ok=True)
    return out


subtomo_teach = direct(subtomo_teach_job)


def _check(stack: SubtomogramStack, grouped: int, count: int, chosen: Sequence[int]) -> None:
    if grouped != len(stack):
        problem = f"{grouped:,} subtomograms were grouped, the stack has {len(stack):,}"
        raise ParameterProblem("groups", problem, "give the stack they were made of")
    wrong = [number for number in chosen if not 1 <= number <= count]
    if wrong or not chosen:
        problem = f"there is no group {', '.join(map(str, wrong))}" if wrong else "none is chosen"
        raise ParameterProblem("groups", problem, f"choose from 1 to {count}; clusters.png shows them")
