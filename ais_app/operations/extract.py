"""Cut training boxes out of a project into a training set of Ais (.scnt)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ais_app.core import provenance
from ais_app.core.ais.training_set import AisBox, write_ais_training_set
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.training.boxes import DEFAULT_BOXES, cut_box
from ais_app.core.training.data import Ground, on_grid
from ais_app.core.training.sampling import Site, person_sites, placed_sites
from ais_app.core.training.split import Area
from ais_app.operations.labelled import labelled_tomograms
from ais_app.state.project import Project


@dataclass(frozen=True)
class ExtractParams(Params):
    """Which boxes to cut."""

    box_size: int = param(64, "Edge of a box", unit="voxels", low=8, high=2048)
    depth: int = param(1, "Slices of a box; odd", unit="slices", low=1, high=255)
    boxes: int | None = param(None, "Boxes in all: those that a person did not place are placed on the labels", low=1)
    negatives: float = param(
        0.5, "Boxes without the feature for each one with it, of those placed here", low=0, high=100
    )
    voxel_size: float | None = param(
        None, "Rescale every tomogram to this voxel size; that of the first tomogram if not given", unit="Å", low=0.01
    )
    seed: int = param(0, "The same seed gives the same boxes", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth % 2 == 0:
            raise ParameterProblem("depth", f"{self.depth} slices have no middle", "choose an odd number")


def extract_job(project: str | Path, feature: str, out: str | Path, params: ExtractParams | None = None) -> Job[Path]:
    """Cut boxes and write them as a training set that Ais and `ais_app.train` read.

    Parameters
    ----------
    project
        The project file.
    feature
        Its boxes are cut; where a person placed none, boxes are placed on the annotated slices.
    out
        ``.scnt`` to write.
    params
        Size and number.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ProjectProblem
        The project has no such feature, it is annotated nowhere, or a tomogram is not found.
    ParameterProblem
        There is no place for a box, or no voxel size is known.
    """
    params, out = params or ExtractParams(), Path(out)
    yield Progress(0, 0, "placing boxes")
    with Project.open(project, read_only=True) as opened:
        grounds, voxel_size = on_grid(labelled_tomograms(opened, feature), params.voxel_size)
        if voxel_size is None:
            remedy = "give it with --voxel-size, or set it in the project"
            raise ParameterProblem(project, "no tomogram with annotations has a known voxel size", remedy)
        sites = _sites(grounds, params)
        files = [g.source.tomogram.path for g in grounds if g.source.tomogram.path is not None]
        arguments = {"project": project, "feature": feature, "out": out, "params": params}
        notes = {"boxes": len(sites), "voxel_size": voxel_size}
        record = provenance.record("extract", out, arguments, [project, *files], notes)
        yield Progress(0, len(sites), "cutting boxes")
        write_ais_training_set(out, _cut(sites, feature, params), voxel_size, [feature])
    record.write(out)
    return out


extract = direct(extract_job)


def _sites(grounds: Sequence[Ground], params: ExtractParams) -> list[Site]:
    areas = []
    for ground in grounds:
        slices = {*ground.slices, *(box[0] for box in ground.boxes)}
        areas.append(Area(ground, tuple(sorted(slices)), (0, ground.shape[2])))
    sites = person_sites(areas, params.box_size)
    wanted = params.boxes if params.boxes is not None else (0 if sites else DEFAULT_BOXES)
    if wanted > len(sites):
        sites += placed_sites(areas, wanted - len(sites), params.negatives, params.box_size, params.seed)
    if not sites:
        raise ParameterProblem("boxes", "there is no place for one", "annotate whole slices, or place boxes")
    # two boxes at one place would have one name in the file
    return list({(id(site.ground), site.z, site.y, site.x): site for site in sites}.values())


def _cut(sites: Sequence[Site], feature: str, params: ExtractParams) -> Iterator[AisBox]:
    for site in sites:
        image, label = cut_box(site, params.box_size, params.depth, raw=True)
        trusted = min(params.box_size, site.trusted or params.box_size)
        yield AisBox(image, label, site.ground.source.name, feature, (site.z, site.y, site.x), trusted)
