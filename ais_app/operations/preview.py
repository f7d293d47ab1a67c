"""Pictures of tomograms with their segmentations laid over a slice: what a person looks through first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.display.colours import OKABE_ITO, rgb
from ais_app.core.errors import FileProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.pictures import grey, overlay, save_png
from ais_app.core.probability import open_probabilities
from ais_app.core.tomogram import Tomogram, tomogram_name
from ais_app.operations.companions import feature_of, tomogram_of
from ais_app.operations.per_file import FileResult, each_file, input_files


@dataclass(frozen=True)
class PreviewParams(Params):
    """What a preview shows."""

    z: int | None = param(None, "The slice; without it the middle one", unit="0-based", low=0)
    depth: int = param(3, "Average this many slices of the tomogram", unit="slices", low=1, high=99)
    threshold: float = param(0.5, "Probability from which a pixel is coloured", unit="0…1", low=0, high=1)
    size: int = param(1024, "Longest side; larger slices are binned", unit="pixels", low=16)


def preview_job(
    tomograms: Sequence[str | Path],
    out_dir: str | Path,
    params: PreviewParams | None = None,
    *,
    segmentations: Sequence[str | Path] = (),
    colours: Mapping[str, str] | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Write a picture of a slice of each tomogram with its segmentations laid over it.

    Parameters
    ----------
    tomograms
        Files, folders or globs.
    out_dir
        Folder of the results, ``<tomogram>_preview.png``; made where it is missing.
    params
        Slice, threshold, size.
    segmentations
        Files, folders or globs; each tomogram takes those that are called ``<tomogram>__<feature>``.
    colours
        Feature to ``#rrggbb``; others take the next of a colour-blind-safe sequence.
    skip_existing
        Leave tomograms out whose picture is there.

    Returns
    -------
    list of FileResult
        One per tomogram; a failure is in its ``error``.

    Raises
    ------
    ParameterProblem
        Two tomograms have the same name.
    FileProblem
        A folder or glob holds no volume.
    """
    chosen = params or PreviewParams()
    layers = input_files(segmentations) if segmentations else []

    def work(path: Path) -> Job[str]:
        yield Progress(0, 1, "drawing")
        own = [layer for layer in layers if tomogram_of(layer) == tomogram_name(path)]
        painted = coloured(own, colours)
        picture = slice_picture(open_tomogram(path), painted, chosen)
        output = preview_path(path, out_dir)
        save_png(picture, output)
        arguments: dict[str, Any] = {"tomograms": [str(path)], "out_dir": str(out_dir), "params": chosen}
        arguments |= {"segmentations": [str(layer) for layer in own], "colours": colours}
        provenance.record("preview", output, arguments, [path, *own]).write(output)
        return ", ".join(feature_of(layer) for layer in own) or "no segmentation"

    inputs = [path for path in input_files(tomograms) if path not in layers]
    targets = {path: [preview_path(path, out_dir)] for path in inputs}
    return (yield from each_file(inputs, targets.__getitem__, work, skip_existing=skip_existing))


preview = direct(preview_job)


def preview_path(tomogram: str | Path, out_dir: str | Path) -> Path:
    """Return where the picture of a tomogram goes: ``<tomogram>_preview.png``."""
    return Path(out_dir) / f"{tomogram_name(tomogram)}_preview.png"


def coloured(
    segmentations: Sequence[str | Path], colours: Mapping[str, str] | None = None
) -> list[tuple[str, Tomogram]]:
    """Open segmentations, each with the colour of its feature.

    Raises
    ------
    ParameterProblem
        A colour is not ``#rrggbb``.
    FileProblem
        A file cannot be read, or holds no probabilities.
    """
    known = dict(colours or {})
    for colour in known.values():
        rgb(colour)  # refuses what is none
    for path in segmentations:
        if feature_of(path) not in known:
            used = [colour.upper() for colour in known.values()]
            known[feature_of(path)] = min(OKABE_ITO, key=used.count)
    return [(known[feature_of(path)], open_probabilities(path)) for path in segmentations]


def slice_picture(tomogram: Tomogram, layers: Sequence[tuple[str, Tomogram]], params: PreviewParams) -> np.ndarray:
    """Draw one slice with layers over it.

    Parameters
    ----------
    tomogram
        Grey values.
    layers
        ``#rrggbb`` and probabilities 0…1 on the tomogram's grid, the last on top.
    params
        Slice, threshold, size.

    Returns
    -------
    ndarray
        (h, w, 3) float32, 0 to 1, y as in the volume.

    Raises
    ------
    FileProblem
        A layer is not on the tomogram's grid.
    """
    z = tomogram.shape[0] // 2 if params.z is None else params.z
    factor = -(-max(tomogram.shape[1:]) // params.size)
    picture = grey(_shrunk(np.nan_to_num(tomogram.slab(z, params.depth).mean(axis=0)), factor))
    for colour, layer in layers:
        if layer.shape != tomogram.shape:
            problem = f"has {layer.shape} voxels (z y x), the tomogram has {tomogram.shape}"
            raise FileProblem(layer.path or layer.name, problem, "a segmentation lies on its tomogram's grid")
        picture = overlay(picture, {colour: _shrunk(layer.slab(z)[0], factor)}, params.threshold)
    return picture


def _shrunk(plane: np.ndarray, factor: int) -> np.ndarray:
    """Average squares of pixels; what is left over at the far edges is cut off."""
    height, width = (side // factor for side in plane.shape)
    squares = plane[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return squares.mean(axis=(1, 3))
