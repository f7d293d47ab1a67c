"""What a person feels in the window, timed: changing slices, scrolling, painting.

    python benchmarks/gui.py [--seconds 3] [--folder /tmp]       needs a screen; without one: xvfb-run -a python …

"Without drawing" is what the program does on its main thread until the canvas knows what to show; "with drawing" adds
the upload and OpenGL, which on a machine without a graphics card is software. Each row: median and 95th percentile.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QEventLoop, QTimer

from ais_app.core.io import create_volume
from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import tomograms
from ais_app.state.project import Project
from ais_app.views.annotate.panel import AnnotatePanel
from ais_app.views.app import SWITCH_SECONDS
from ais_app.views.slices.area import SliceArea
from ais_app.views.slices.pointer import PointerEvent
from ais_app.views.theme import DARK, apply_theme
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

PANE = (900, 900)  # px
RADIUS = 50  # voxels, of the brush


def write_noise(path: Path, shape: tuple[int, int, int]) -> Path:
    rng = np.random.default_rng(1)
    grid = Tomogram(np.empty((1, 1, 1), np.float32), voxel_size_zyx=(10.0, 10.0, 10.0))
    with create_volume(path, shape, np.float32, like=grid) as writer:
        for z in range(shape[0]):
            writer.write(z, rng.normal(100, 20, (1, *shape[1:])).astype(np.float32))
    return path


class View:
    """A slice area on a tomogram of noise, with one painted feature."""

    def __init__(self, folder: Path, shape: tuple[int, int, int]) -> None:
        self.folder = folder / f"{shape[1]}"
        self.folder.mkdir()
        path = self.folder / "P.aisproj"
        with Project.create(path) as project:
            project.add_tomogram(write_noise(self.folder / "noise.mrc", shape))
            project.add_feature("membrane")
        self.workbench = Workbench(self.folder / "settings", self.folder / "drafts")
        self.area = SliceArea(self.workbench)
        self.area.resize(PANE[0], PANE[1] + 40)
        self.area.show()
        self.workbench.open_files([path])
        self.pane = self.area.panes["z"]
        self.session = self.workbench.session
        self.count = shape[0]
        self._tick = QTimer()  # wakes whoever waits for something that sends no event
        self._tick.start(50)
        self.rest()

    def rest(self) -> None:
        """Wait until everything is shown and read ahead."""
        self.until(lambda: self.pane.shown_index == self.session.view.z and not self.area.presenter.waits)

    def until(self, done: Callable[[], bool]) -> None:
        """Let Qt go on until something is so."""
        flags = QEventLoop.ProcessEventsFlag
        deadline = time.perf_counter() + 20
        while not done():
            # asleep until something comes, as the program is
            application().processEvents(flags.AllEvents | flags.WaitForMoreEvents)
            if time.perf_counter() > deadline:
                raise TimeoutError("the slice did not arrive within 20 seconds")

    def go(self, z: int, quietly: bool = True) -> None:
        """Change the slice and wait until it is handed to the canvas; `quietly`: nothing is drawn meanwhile."""
        if quietly:
            self.area.setUpdatesEnabled(False)
        tomograms.go_to(self.session, z=z)
        self.area.presenter.refresh()
        self.until(lambda: self.pane.shown_index == z)

    def draw(self) -> None:
        """Draw the pane now."""
        if not self.area.updatesEnabled():
            self.area.setUpdatesEnabled(True)
        self.pane.native.update()
        application().processEvents()

    def close(self) -> None:
        """Stop the thread."""
        self.area.close_down()
        self.workbench.close()
        self.area.close()


def timed(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def show(title: str, seconds: list[float], limit: str = "") -> None:
    milliseconds = np.array(seconds) * 1000
    print(f"| {title:52s} | {np.median(milliseconds):7.1f} | {np.percentile(milliseconds, 95):7.1f} | {limit:9s} |")


def slice_changes(view: View) -> None:
    """Step to slices that were read ahead, and jump to slices that are in the system's page cache only."""
    rng = random.Random(1)
    for title, jump in (("a step", False), ("a jump", True)):
        alone, drawn = [], []
        view.go(view.count // 4)
        for _ in range(view.count // 2):
            view.draw()
            view.rest()
            z = view.session.view.z + 1
            if jump:
                view.area.presenter.source.clear()
                z = rng.choice([other for other in range(view.count) if other != z - 1])
            alone.append(timed(lambda z=z: view.go(z)))
            drawn.append(alone[-1] + timed(view.draw))
        show(f"slice change, {title}, without drawing", alone, "≤ 10 ms")
        show(f"slice change, {title}, with drawing", drawn)


def scrolling(view: View, seconds: float) -> None:
    """Frames a second while the slices go by as fast as they can."""
    side, frames, step = view.pane.image.shape[1] if view.pane.image is not None else 0, [], 1
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        z = view.session.view.z + step
        if not 0 <= z < view.count:
            step = -step
            continue
        frames.append(timed(lambda z=z: (view.go(z, quietly=False), view.draw())))
    rate = len(frames) / sum(frames)
    show(f"scrolling, {side}², a frame with drawing ({rate:.0f} frames/s)", frames, "≥ 30 / s")


def strokes(view: View) -> None:
    """Paint a stroke with a round brush, a disk at a time as the mouse moves."""
    view.rest()
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disk = (y**2 + x**2 <= RADIUS**2).astype(np.uint8)
    feature = view.session.project.features[0].id
    alone, drawn = [], []
    side = view.pane.image.shape[0] if view.pane.image is not None else 0
    for at in range(RADIUS, side - RADIUS, 8):
        region = (slice(at - RADIUS, at + RADIUS + 1), slice(side - at - RADIUS, side - at + RADIUS + 1))
        alone.append(timed(lambda region=region: view.pane.labels.show_patch(feature, region, disk)))
        drawn.append(alone[-1] + timed(view.draw))
    show(f"stroke to screen, radius {RADIUS}, without drawing", alone, "≤ 16 ms")
    show(f"stroke to screen, radius {RADIUS}, with drawing", drawn)


def tools(view: View, radius: float) -> AnnotatePanel:
    """Paint with the brush itself, then follow a path with the live-wire; return the panel, to be kept till the end."""
    panel = AnnotatePanel(view.workbench, view.area)
    view.session.project.change_feature("membrane", brush_radius=radius * 10)
    side = view.pane.image.shape[0] if view.pane.image is not None else 0
    for shape in ("disk", "ball"):
        view.session.view.brush_3d = shape == "ball"
        view.rest()
        spiral(view, f"brush, {side}², {shape}, radius {radius:.0f}", side)
    live_wire(view, side)
    panel.close_down()
    return panel


def spiral(view: View, title: str, side: int, moves: int = 120) -> None:
    """Paint a spiral of mouse events, then let go, which saves it."""
    tool = view.pane.tool
    assert tool is not None  # the brush, which the panel has put there
    angles = np.sqrt(np.arange(moves) * 12 / side) * 4
    reach = side / 2.5 * angles / angles[-1]
    places = zip(side / 2 + reach * np.sin(angles), side / 2 + reach * np.cos(angles), strict=True)
    first, *others = (PointerEvent("z", (view.session.view.z, y, x), "left") for y, x in places)
    tool.press(first)
    alone, drawn = [], []
    for event in others:
        alone.append(timed(partial(tool.drag, event)))
        drawn.append(alone[-1] + timed(view.draw))
    show(f"{title}, without drawing", alone, "≤ 16 ms")
    show(f"{title}, with drawing", drawn)
    show(f"{title}, saving", [timed(lambda: tool.release(others[-1]))])


def live_wire(view: View, side: int) -> None:
    """Follow the pointer with the live-wire, 100 voxels from the click on, until the path is there."""
    view.session.view.tool = "livewire"
    tool, start = view.pane.tool, side / 2
    assert tool is not None  # the live-wire, which the panel has put there
    tool.press(PointerEvent("z", (view.session.view.z, start, start), "left"))
    seen = []
    for step in range(30):
        event = PointerEvent("z", (view.session.view.z, start + 100, start + step), "")
        before = time.perf_counter()
        tool.hover(event)
        end = (round(start + step), round(start + 100))
        view.until(lambda end=end: len(view.pane.draft.points) > 50 and tuple(view.pane.draft.points[-1]) == end)
        seen.append(time.perf_counter() - before)
    tool.cancel()
    view.session.view.tool = "brush"
    show(f"live-wire, {side}², path of 100 voxels", seen, "≤ 50 ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    wanted = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)
    app = application()
    apply_theme(app, DARK)
    print(f"| {f'pane of {PANE[0]} × {PANE[1]} px':52s} | median  | 95 %    | limit     |\n|{'-' * 54}|---|---|---|")
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        view = View(Path(folder), (60, 1000, 1000))
        slice_changes(view)
        strokes(view)
        panels = [tools(view, RADIUS)]  # alive as long as their sessions
        view.close()
        view = View(Path(folder), (20, 2000, 2000))
        panels.append(tools(view, 200))
        view.close()
        for side in (512, 1024):
            view = View(Path(folder), (60, side, side))
            scrolling(view, wanted.seconds)
            view.close()


if __name__ == "__main__":
    main()
