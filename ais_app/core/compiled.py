"""Compile every inner loop once for an installation, in a process of its own.

numba compiles a loop when it is first called, for seconds, and no other thread of that process goes on meanwhile: a
window would halt. What is compiled is kept on disk (numba's cache), so a process that only does that helps all later
ones:

    python -m ais_app.core.compiled
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

FOLDERS = ("display", "filtering", "picking", "prediction", "scene", "surfaces")


def command() -> list[str]:
    """Return the command line of the process that compiles."""
    return [sys.executable, "-m", __name__]


def is_current() -> bool:
    """Whether this installation has compiled its loops since they last changed."""
    note = _note()
    return note.exists() and note.read_text(encoding="utf-8") == _fingerprint()


def compile_all() -> None:
    """Call every loop that a window may need on a few voxels, and note that it was done."""
    from ais_app.core.display.blending import lay_over
    from ais_app.core.filtering.chain import FilterSetting, filtered
    from ais_app.core.filters import filters
    from ais_app.core.pickers.blobs import BlobParams
    from ais_app.core.prediction.envelope import lower_envelope
    from ais_app.core.scene import surface
    from ais_app.core.scene.pick_editing import ray_meets_surface
    from ais_app.core.scene.thresholding import LivePicks

    size = (10.0, 10.0, 10.0)
    surface.prepare()
    triangle = np.eye(3, dtype=np.float32), np.arange(3, dtype=np.int32)[None]
    ray_meets_surface(np.zeros(3), np.ones(3), *triangle)
    LivePicks(np.pad(np.ones((6, 6, 6), np.float32), 5), size).pick(BlobParams())
    lower_envelope(np.ones((4, 4), np.float32), 1.0, 1.0)
    lay_over(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
    for name in filters():
        for shape in ((1, 16, 16), (16, 16, 16)):
            filtered(np.ones(shape, np.float32).__getitem__, shape, size, [FilterSetting(name)])
    note = _note()
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(_fingerprint(), encoding="utf-8")


def _fingerprint() -> str:
    """Return what changes when anything would have to be compiled anew."""
    digest = hashlib.blake2b(digest_size=12)
    words = [platform.python_version(), platform.machine(), *(version(name) for name in ("numba", "numpy"))]
    digest.update(" ".join(words).encode())
    for folder in FOLDERS:
        for path in sorted(_core().joinpath(folder).glob("*.py")):
            about = path.stat()
            digest.update(f"{path} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()


def _core() -> Path:
    return Path(__file__).parent


def _note() -> Path:
    """Return where the fingerprint is kept: one for each place the program is installed at."""
    place = hashlib.blake2b(str(_core()).encode(), digest_size=6).hexdigest()
    return Path(user_cache_dir("ais-app", appauthor=False)) / f"compiled-{place}.txt"


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # nobody waits for it
    compile_all()
