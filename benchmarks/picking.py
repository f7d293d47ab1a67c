"""Time and memory of picking blobs: ``python benchmarks/picking.py [--no-reference]``.

A map of 200 x 512 x 512 voxels with 600 blobs and 3,000 specks is made from a seed and stored as `ais-app segment`
stores it. Each way of picking it runs in a process of its own, whose anonymous memory (RssAnon) is sampled. The
reference is the same recipe on the whole volume, as one would write it with SciPy and scikit-image. On a machine that
does other things as well, the processor seconds tell more than those of the clock.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SIZE = 10.0  # Å
MIN_VOLUME = 5e5  # Å³
SPACING = 150.0  # Å
SHAPE, BLOBS, SPECKS = (200, 512, 512), 600, 3000


def make_map(shape: tuple[int, int, int], blobs: int, specks: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    volume = np.zeros(shape, dtype=np.float32)
    taken = np.zeros(tuple(n // 8 + 2 for n in shape), dtype=bool)
    for count, low, high, room in ((blobs, 8.0, 11.0, 2), (specks, 1.0, 2.0, 0)):
        placed = 0
        while placed < count:
            centre = rng.uniform(0, np.array(shape) - 1)
            cell = (centre // 8).astype(int)
            near = tuple(slice(max(0, c - room), c + room + 1) for c in cell)
            if taken[near].any():
                continue
            taken[tuple(cell)] = True
            radius = rng.uniform(low, high)
            start = np.maximum(np.floor(centre - radius - 2), 0).astype(int)
            stop = np.minimum(np.ceil(centre + radius + 3), shape).astype(int)
            region = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
            axes = np.ogrid[region]
            away = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)))
            volume[region] = np.maximum(volume[region], np.clip((radius - away) / 2 + 0.5, 0, 1))
            placed += 1
    return volume


def pick_here(path: Path) -> int:
    from ais_app.core.pickers.blobs import BlobParams, pick_blobs
    from ais_app.core.probability import open_probabilities

    volume = open_probabilities(path)
    size = volume.require_voxel_size_zyx()
    return len(pick_blobs(volume.data, size, BlobParams(min_volume=MIN_VOLUME, min_spacing=SPACING)))


def pick_with_scikit_image(path: Path) -> int:
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.measure import regionprops
    from skimage.segmentation import watershed

    from ais_app.core.probability import open_probabilities

    values = np.asarray(open_probabilities(path).data[:])
    mask = values >= 0.5
    depth = ndimage.distance_transform_edt(mask)
    markers = np.zeros(mask.shape, dtype=np.int32)
    peaks = peak_local_max(depth, min_distance=5, labels=ndimage.label(mask)[0], exclude_border=False)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-depth, markers, mask=mask)
    groups = [g for g in regionprops(labels, values) if g.area * SIZE**3 >= MIN_VOLUME]
    return len([g.centroid_weighted for g in groups])


WAYS = {"ais-app": pick_here, "scikit-image": pick_with_scikit_image}


def anonymous_memory() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1e6
    return float("nan")


def child(way: str, path: Path) -> None:
    """Pick once and print count, seconds on the clock and of the processor, and the peak of anonymous memory, GB."""
    pick = WAYS[way]
    with tempfile.TemporaryDirectory() as folder:
        pick(store(make_map((24, 48, 48), 3, 3), Path(folder) / "small.mrc"))  # imports and first-time set-up
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], anonymous_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter(), time.process_time()
    count = pick(path)
    seconds, busy = time.perf_counter() - start[0], time.process_time() - start[1]
    done.set()
    watcher.join()
    print(count, seconds, busy, peak[0])


def store(volume: np.ndarray, path: Path) -> Path:
    from ais_app.core.probability import create_probabilities
    from ais_app.core.tomogram import Tomogram

    with create_probabilities(path, volume.shape, like=Tomogram(volume, (SIZE,) * 3)) as writer:
        writer.write(0, volume)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-reference", action="store_true", help="leave the slow reference out")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cases = [("as stated", SHAPE, BLOBS, SPECKS), ("twice the voxels", (400, 512, 512), BLOBS, SPECKS)]
    cases.append(("twice the blobs", SHAPE, 2 * BLOBS, 2 * SPECKS))
    print("| map | way | blobs | particles | seconds | processor seconds | anonymous memory, GB |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, shape, blobs, specks in cases:
            path = store(make_map(shape, blobs, specks), Path(folder) / "TS_01__blob.mrc")
            for way in WAYS if name == "as stated" and not options.no_reference else ["ais-app"]:
                repeats = options.repeats if way == "ais-app" else 1
                runs = [measured(way, path) for _ in range(repeats)]
                count, seconds, busy, memory = min(runs, key=lambda run: run[2])
                print(
                    f"| {name} | {way} | {blobs} | {count:.0f} | {seconds:.2f} | {busy:.2f} | {memory:.2f} |",
                    flush=True,
                )


def measured(way: str, path: Path) -> list[float]:
    command = [sys.executable, __file__, "--child", way, str(path)]
    return [float(word) for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
