"""Turn segmentations into surfaces: files of probabilities in, .obj, .ply, .stl or .glb out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.probability import open_probabilities
from ais_app.core.surfaces.mesh import MeshParams, mesh_tomogram
from ais_app.core.surfaces.mesh_files import MESH_FORMATS, write_mesh
from ais_app.core.tomogram import tomogram_name
from ais_app.operations.per_file import FileResult, each_file, input_files


def mesh_job(
    segmentations: Sequence[str | Path],
    out_dir: str | Path,
    params: MeshParams | None = None,
    *,
    formats: Sequence[str] = ("obj",),
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Extract the surfaces of segmentations.

    Parameters
    ----------
    segmentations
        Files, folders or globs: probabilities as 0…1, 0…127 or 0…255, or masks.
    out_dir
        Folder of the results, ``<segmentation>.obj`` and so on; made where it is missing.
    params
        Level, dust, smoothing, decimation.
    formats
        Of ``"obj"``, ``"ply"``, ``"stl"``, ``"glb"``.
    voxel_size
        Å; replaces what the files say.
    skip_existing
        Leave segmentations out whose results are there.

    Returns
    -------
    list of FileResult
        One per segmentation; a failure is in its ``error``. No surface is no failure: the file is empty.

    Raises
    ------
    ParameterProblem
        A format is not known, or two inputs have the same name.
    FileProblem
        A folder or glob holds no volume.
    """
    chosen = params or MeshParams()
    for name in formats:
        if name not in MESH_FORMATS:
            raise ParameterProblem("format", f"{name!r} is not known", f"known: {', '.join(MESH_FORMATS)}")

    def targets(path: Path) -> list[Path]:
        return [Path(out_dir) / f"{tomogram_name(path)}.{name}" for name in formats]

    def work(path: Path) -> Job[str]:
        yield Progress(0, 2, "surface")
        volume = open_probabilities(open_tomogram(path, voxel_size=voxel_size))
        surface = mesh_tomogram(volume, chosen)
        yield Progress(1, 2, "writing")
        arguments = {"segmentations": [str(path)], "out_dir": str(out_dir), "params": chosen, "formats": list(formats)}
        arguments["voxel_size"] = voxel_size
        counts = {"vertices": len(surface.vertices_xyz), "faces": len(surface.faces)}
        for output in targets(path):
            write_mesh(output, surface)
            provenance.record("mesh", output, arguments, [path], counts).write(output)
        if not counts["faces"]:
            return f"no surface: nothing reaches the level {chosen.level:g} (or all of it is dust)"
        return f"{counts['faces']:,} triangles, {surface.area / 100:.4g} nm²"

    return (yield from each_file(input_files(segmentations), targets, work, skip_existing=skip_existing))


mesh = direct(mesh_job)
