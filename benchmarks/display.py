"""How long what is shown takes: slices, filters, contrast, thumbnails, overlays; the file is in the page cache.

    python benchmarks/display.py [--slices 300] [--side 1000] [--folder /tmp]

Prints milliseconds, the median and the best of nine.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ais_app.core.display.colours import OKABE_ITO, composite, labels_rgba, probability_rgba
from ais_app.core.display.contrast import Histogram, auto_contrast, sample_of
from ais_app.core.display.thumbnail import thumbnail_job
from ais_app.core.display.view_slice import FilterSetting, SliceRequest, read_slice
from ais_app.core.filters import filters
from ais_app.core.io import create_volume, open_tomogram
from ais_app.core.jobs import run
from ais_app.core.tomogram import Tomogram

VOXEL_SIZE = 10.0


def show(title: str, task: Callable[..., object], times: int = 9) -> None:
    task(0)  # compiles and imports
    taken = []
    for number in range(1, times + 1):
        start = time.perf_counter()
        task(number)
        taken.append(1e3 * (time.perf_counter() - start))
    print(f"{title:48}{np.median(taken):9.1f}{min(taken):9.1f}", flush=True)


def slices(path: Path, middle: int) -> None:
    tomogram = open_tomogram(path)
    for (axis, name), slab in itertools.product({"z": "XY", "y": "XZ", "x": "YZ"}.items(), (1, 5)):
        show(
            f"{name} slice" + (f", mean of {slab}" if slab > 1 else ""),
            lambda i, axis=axis, slab=slab: read_slice(tomogram, SliceRequest(axis, middle + 7 * i, slab)),
        )
    for three_d in (False, True):
        chain = (FilterSetting("gaussian", {"sigma": 20.0, "three_d": three_d}),)
        show(
            f"XY slice, Gaussian in {3 if three_d else 2}D",
            lambda i, chain=chain: read_slice(tomogram, SliceRequest("z", middle + i, 1, chain)),
        )
    show("sample for the contrast", lambda i: sample_of(open_tomogram(path)))
    sample = sample_of(tomogram)
    show("contrast of the sample", lambda i: auto_contrast(sample))
    show("histogram of the sample", lambda i: Histogram.of(sample))
    show("thumbnail", lambda i: run(thumbnail_job(open_tomogram(path))))


def planes(side: int) -> None:
    plane = np.random.default_rng(1).standard_normal((1, side, side), dtype=np.float32)
    sizes = (VOXEL_SIZE,) * 3
    for found in filters().values():
        show(f"filter: {found.name}", lambda i, found=found: found.apply(plane, sizes, found.params()))
    small, broad = FilterSetting("median", {"radius": VOXEL_SIZE}), FilterSetting("gaussian", {"sigma": 60.0})
    show("filter: median, radius of one voxel", lambda i: small.filter.apply(plane, sizes, small.parameters()))
    smooth = broad.filter.apply(plane, sizes, broad.parameters())[0]
    prob = (smooth - smooth.min()) / np.ptp(smooth)
    for mode in ("overlay", "contour", "heat"):
        show(f"probability: {mode}", lambda i, mode=mode: probability_rgba(prob, OKABE_ITO[0], 0.5, 0.7, mode))
    labels = (prob > 0.6).astype(np.uint8)
    labels[prob < 0.3] = 2
    show("labels, filled and hatched", lambda i: labels_rgba(labels, OKABE_ITO[0]))
    layers = [probability_rgba(prob, colour, 0.6) for colour in OKABE_ITO[:4]]
    show("four overlays in one picture", lambda i: composite(layers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        path, rng = Path(name) / "a.mrc", np.random.default_rng(1)
        shape = (options.slices, options.side, options.side)
        like = Tomogram(np.empty((1, 1, 1), np.float32), (VOXEL_SIZE,) * 3)
        with create_volume(path, shape, np.dtype(np.float32), like=like) as writer:
            for z in range(options.slices):
                writer.write(z, rng.standard_normal(shape[1:], dtype=np.float32))
        print(f"{options.slices} x {options.side} x {options.side} float32\n\n{'task':48}{'median':>9}{'best':>9}")
        slices(path, options.slices // 3)
        planes(options.side)


if __name__ == "__main__":
    main()
