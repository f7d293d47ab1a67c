"""Inner loops are compiled once for an installation, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from ais_app.core import compiled

LOOK = "from ais_app.core.compiled import is_current; print(is_current())"
# Says which loops are compiled in this process, while a surface is made, picks are found and a slice is filtered.
USE = """
import numpy as np
from numba.core import event

class Heard(event.Listener):
    names = []
    def on_start(self, event):
        self.names.append(str(event.data["dispatcher"].py_func.__name__))
    def on_end(self, event): pass

with event.install_listener("numba:compile", Heard()):
    from ais_app.core.display.view_slice import FilterSetting, SliceRequest, read_slice
    from ais_app.core.jobs import run
    from ais_app.core.pickers.blobs import BlobParams
    from ais_app.core.scene.surface import SurfaceSettings, surface_job
    from ais_app.core.scene.thresholding import LivePicks
    from ais_app.core.tomogram import Tomogram

    volume = Tomogram(np.pad(np.ones((9, 9, 9), np.float32), 5), (7.0, 7.0, 7.0))
    run(surface_job(volume, SurfaceSettings(level=0.4, smoothing=2)))
    LivePicks(volume.data, volume.voxel_size_zyx).pick(BlobParams(threshold=0.4))
    for name in ("gaussian", "median", "non_local_means"):
        read_slice(volume, SliceRequest("y", 4, 3, (FilterSetting(name),)))
print(Heard.names)
"""


def test_afterwards_a_window_compiles_nothing(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert _said(LOOK) == "False"
    subprocess.run(compiled.command(), check=True, timeout=300)
    assert _said(LOOK) == "True"
    assert _said(USE) == "[]"


def _said(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=120, capture_output=True, text=True
    ).stdout.strip()
