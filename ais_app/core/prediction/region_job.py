"""Predicted volumes in memory, binned, for surfaces of the live prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.model.package import Model
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.plan import inside
from ais_app.core.prediction.predict import predict_volume
from ais_app.core.tomogram import Region, Tomogram
from ais_app.core.volume.binning import bin_mean

AS_BYTES = 255


def predict_region_job(
    models: Sequence[Model],
    graph: InteractionGraph | None,
    tomogram: Tomogram,
    region: Region | None = None,
    binning: int = 1,
    *,
    as_bytes: bool = False,
    params: PredictionParams | None = None,
) -> Job[dict[str, np.ndarray]]:
    """Predict a region and bin it while it comes; only the binned volumes are ever in memory.

    Parameters
    ----------
    models, graph, tomogram, region, params
        As `predict_volume`.
    binning
        Voxels per edge of a cube that becomes one voxel: the mean of those of its voxels that are in the region.
    as_bytes
        Return uint8, 0 to 255, which takes a quarter of the memory, instead of float32, 0 to 1.

    Yields
    ------
    Progress
        In slices.

    Returns
    -------
    dict
        Feature to (z, y, x), each axis of the region divided by the binning and rounded up. The centre of voxel
        (0, 0, 0) lies ``bin_offset`` from that of the region's first voxel.

    Raises
    ------
    ParameterProblem, ModelProblem
        As `predict_volume`.
    """
    if binning < 1:
        raise ParameterProblem("binning", f"{binning} is no number of voxels", "give 1 or more")
    zs, rows, columns = inside(tomogram, region or (slice(None),) * 3)
    shape = tuple(-(-(part.stop - part.start) // binning) for part in (zs, rows, columns))
    volumes: dict[str, np.ndarray] = {}
    waiting: dict[str, list[np.ndarray]] = {}
    slices = predict_volume(models, tomogram, region=(zs, rows, columns), interactions=graph, params=params)
    try:
        total = zs.stop - zs.start
        yield Progress(0, total, "preparing")
        for current in slices:
            done = current.z + 1 - zs.start
            for name, plane in current.planes.items():
                waiting.setdefault(name, []).append(plane)
                if done % binning == 0 or done == total:
                    volume = volumes.setdefault(name, np.empty(shape, np.uint8 if as_bytes else np.float32))
                    mean = bin_mean(np.stack(waiting.pop(name)), binning)[0]
                    volume[(done - 1) // binning] = np.rint(mean * AS_BYTES) if as_bytes else mean
            yield Progress(done, total, f"slice {current.z}")
    finally:
        slices.close()
    return volumes
