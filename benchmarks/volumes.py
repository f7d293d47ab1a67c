"""How fast volumes are read, measured, binned and written, against copying the same bytes in memory.

    python benchmarks/volumes.py [--slices 60] [--side 1000] [--folder /tmp]

Prints one row per task: seconds, MB of input per second, times the copy, and how far the process grew.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.jobs import run
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.moments import moments_job
from ais_app.core.volume.preflight import preflight
from ais_app.core.volume.resample import binned, rescaled
from ais_app.operations.convert import ConvertParams, convert


def timed(task: Callable[[], object]) -> tuple[float, float]:
    """Seconds, the better of two runs, and MB by which memory that is not a mapped file grew at most."""
    process, grown, done = psutil.Process(), [0.0], threading.Event()
    before = process.memory_info()

    def watch() -> None:
        while not done.wait(0.005):
            now = process.memory_info()
            grown.append((now.rss - now.shared - before.rss + before.shared) / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    done.set()
    watcher.join()
    return min(seconds), max(grown)


def all_slices(tomogram: Tomogram) -> None:
    for z in range(tomogram.shape[0]):
        np.asarray(tomogram.data[z])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=60)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        volume = np.random.default_rng(1).normal(size=(options.slices, options.side, options.side)).astype(np.float32)
        size, copy = volume.nbytes / 1e6, np.empty_like(volume)
        like = Tomogram(volume, (10.0,) * 3)
        path = write_volume(folder / "a.mrc", volume, like=like)
        packed = write_volume(folder / "a.ome.zarr", volume, like=like)
        opened = open_tomogram(path)
        tasks: dict[str, Callable[[], object]] = {
            "copy in memory (numpy)": lambda: np.copyto(copy, volume),
            "write to disk (numpy tofile)": lambda: volume.tofile(folder / "raw"),
            "open, one slice in the middle": lambda: open_tomogram(path).slab(options.slices // 2),
            "range, mean, deviation (numpy, 4 calls)": lambda: (
                volume.min(),
                volume.max(),
                volume.mean(),
                volume.std(),
            ),
            "range, mean, deviation": lambda: run(moments_job(opened.data)),
            "preflight (a dozen slices)": lambda: preflight(opened),
            "bin by 2": lambda: all_slices(binned(opened, 2)),
            "rescale 10 to 13.68 Å": lambda: all_slices(rescaled(opened, 13.68)),
            "write MRC": lambda: write_volume(folder / "b.mrc", volume, like=like),
            "convert MRC to MRC": lambda: convert([path], folder / "c.mrc"),
            "convert MRC to MRC, bin 2": lambda: convert([path], folder / "c.mrc", ConvertParams(bin=2)),
            "convert MRC to int8": lambda: convert([path], folder / "c.mrc", ConvertParams(dtype="int8")),
            "convert MRC to TIFF": lambda: convert([path], folder / "c.tif"),
            "convert MRC to OME-Zarr": lambda: convert([path], folder / "c.ome.zarr"),
            "read OME-Zarr": lambda: run(moments_job(open_tomogram(packed).data)),
        }
        print(f"{options.slices} x {options.side} x {options.side} float32, {size:.0f} MB\n")
        print(f"{'task':42}{'s':>8}{'MB/s':>8}{'x copy':>8}{'MB more':>9}")
        first = None
        for title, task in tasks.items():
            seconds, grown = timed(task)
            first = first or seconds
            print(f"{title:42}{seconds:8.3f}{size / seconds:8.0f}{seconds / first:8.1f}{grown:9.0f}", flush=True)


if __name__ == "__main__":
    main()
