"""Time of extracting a surface: ``python benchmarks/meshing.py``.

A map of 200 x 512 x 512 voxels with 5 million voxels inside of 1,400 balls. scikit-image's marching cubes on the same
map is measured in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from picking import make_map


def best(function: Callable[[], object], repeats: int = 3) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    from skimage.measure import marching_cubes

    from ais_app.core.surfaces.mesh import MeshParams, make_mesh

    size = (10.0, 10.0, 10.0)
    volume = make_map((200, 512, 512), 1410, 0)
    start = time.perf_counter()
    make_mesh(volume[:32], size, MeshParams())
    print(f"first call, with compiling where nothing is cached: {time.perf_counter() - start:.2f} s")
    surface = make_mesh(volume, size, MeshParams())
    print(f"{(volume >= 0.5).sum():,} voxels inside, {len(surface.faces):,} triangles\n")
    print("| what | seconds (best of 3) |\n|---|---|")
    rows = {
        "ais-app, closed surface": lambda: make_mesh(volume, size, MeshParams()),
        "ais-app, dust below 100 nm³ hidden": lambda: make_mesh(volume, size, MeshParams(dust=100)),
        "ais-app, 10 rounds of smoothing": lambda: make_mesh(volume, size, MeshParams(smoothing=10)),
        "ais-app, binned by 2": lambda: make_mesh(volume, size, MeshParams(binning=2)),
        "scikit-image marching_cubes": lambda: marching_cubes(volume, 0.5, spacing=size),
    }
    for name, function in rows.items():
        print(f"| {name} | {best(function):.2f} |", flush=True)


if __name__ == "__main__":
    main()
