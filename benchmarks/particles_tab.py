"""How long the window halts while somebody works with thousands of particles.

    python benchmarks/particles_tab.py [--runs 5] [--picks 5000]     needs a screen; without one: xvfb-run -a python …

A project of two phantoms (seeds 11 and 31) whose picks lie around the true complexes. Mouse and keys go through the
Particles tab, as somebody sends them: tab, scrolling, sorting, rejecting, tilts, an average, clusters, lasso, a class,
undo, and all of it again after the project was closed. Of each action the longest time between two turns of the event
loop, in the median of the runs and at worst; the worst without the time in which the machine itself stood still
(`machine_halts.py`); and how much of that the main thread worked. The rest it waited for the interpreter, a core, or
OpenGL, which without a graphics card is software. Every run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PyQt6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget

from ais_app.core.coordinates import read_particles
from ais_app.core.particle_set import Particles
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.operations.simulate import simulate
from ais_app.state.commands import particles
from ais_app.state.project import Project
from ais_app.views.app import SWITCH_SECONDS
from ais_app.views.garbage import Garbage
from ais_app.views.main_window import MainWindow
from ais_app.views.preloading import Preloading
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench
from ais_app.workers.library_loading import LibraryFinder

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "views"))

from gallery_view import drag  # noqa: E402
from machine_halts import MachineHalts  # noqa: E402
from watchdog import Watchdog  # noqa: E402

SEEDS = (11, 31)
SIZE = (1280, 800)  # px
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
GIVE_UP = 120.0  # s
PAUSE = 8  # ms between two places of the pointer


def make_project(folder: Path, picks: int) -> Path:
    """Write the phantoms, and a project with picks around their complexes."""
    random = np.random.default_rng(0)
    with Project.create(folder / "p.aisproj") as project:
        project.add_feature("complex")
        for seed in SEEDS:
            out = folder / f"TS_{seed}"
            simulate(out, SimulateParams(shape=(64, 256, 256), snr=0.3), seed)
            entry = project.add_tomogram(out / "tomogram.mrc", name=out.name)
            known = [read_particles(path) for path in sorted(out.glob("*.star"))]
            places = np.concatenate([each.positions_zyx for each in known])
            chosen = places[random.integers(0, len(places), picks // len(SEEDS))]
            found = Particles(chosen + random.normal(0, 6, chosen.shape), scores=random.uniform(0, 1, len(chosen)))
            project.add_picks(entry, "complexes", found, feature="complex", radius=130.0)
    return folder / "p.aisproj"


class User:
    """Works in a window, and notes how long it halted."""

    def __init__(self, folder: Path, machine: MachineHalts) -> None:
        self._machine = machine
        self.workbench = Workbench(folder / "settings", folder / "drafts")
        self.window = MainWindow(self.workbench)
        self.window.resize(*SIZE)
        self.window.show()
        self.window.activateWindow()
        self.noted: list[tuple[str, float, float, float]] = []

    def does(self, name: str, act: Callable[[], object], until: Callable[[], bool] = lambda: True) -> None:
        """Do something, wait until it is done and half a second more; note the longest halt."""
        with Watchdog() as dog:
            act()
            self.waits(0.5, until)
        alone = [
            (away - self._machine.within(start, start + away), own) for start, away, own in dog.halts
        ] or [(dog.longest, 0.0)]  # fmt: skip
        self.noted.append((name, 1000 * dog.longest, *(1000 * seconds for seconds in max(alone))))

    def waits(self, seconds: float, until: Callable[[], bool] = lambda: True) -> None:
        """Let the event loop run."""
        loop, timer, begun = QEventLoop(), QTimer(), time.monotonic()

        def look() -> None:
            waited = time.monotonic() - begun
            if waited > GIVE_UP:
                raise SystemExit(f"{self.noted[-1:]}: what should come next has not come in {GIVE_UP:g} s")
            if waited > seconds and until():
                loop.quit()

        timer.timeout.connect(look)
        timer.start(10)
        loop.exec()

    def clicks(self, widget: QWidget) -> None:
        """Click in the middle of a widget."""
        QTest.mouseClick(widget, LEFT)

    def wheels(self, widget: QWidget, steps: int) -> None:
        """Turn the wheel downwards."""
        middle = QPointF(widget.rect().center())
        for _ in range(steps):
            event = QWheelEvent(
                middle, QPointF(widget.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, -120),
                Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            application().sendEvent(widget, event)
            QTest.qWait(PAUSE)


def work(user: User, project: Path, preloading: Preloading) -> None:
    """Go through the tab."""
    window, session = user.window, user.workbench.session
    tab = window.tabs[-1]
    area, panel = tab.data, tab.panel
    grid, gallery = area.grid, session.gallery

    def all_tiles() -> bool:
        return bool((area.tiles.state > 0).all()) and not area.tiles.busy

    window.open_files([project])
    user.waits(2, lambda: not preloading.busy)  # all that comes once has come
    open_tab = lambda: window.actions_by_id.trigger("tab.particles")  # noqa: E731
    user.does("open the tab", open_tab, lambda: grid.isVisible() and len(gallery.order) > 0)
    user.does("scroll while tiles are cut", lambda: user.wheels(grid.viewport(), 120))
    user.waits(0, all_tiles)
    user.does("scroll, tiles there", lambda: user.wheels(grid.viewport(), 200))
    for key in ("score", "quality", "tomogram", "place"):
        user.does(f"sort by {key}", lambda key=key: area.sort.setCurrentIndex(area.sort.findData(key)))
    control = Qt.KeyboardModifier.ControlModifier
    user.does("select all", lambda: (grid.setFocus(), QTest.keyClick(grid, Qt.Key.Key_A, control)))
    frame = [QPoint(3, 3)] + [QPoint(20 + 8 * step, 20 + 6 * step) for step in range(50)]
    user.does("frame", lambda: drag(grid.viewport(), frame, pause=PAUSE))
    user.does("reject", lambda: QTest.keyClick(grid, Qt.Key.Key_R))
    user.does("undo", lambda: window.actions_by_id.trigger("edit.undo"))
    tilts = panel.average.tilts
    user.does("estimate the tilts", lambda: user.clicks(tilts.estimate), lambda: not panel.jobs.running("wedge"))
    particles.select(session, np.arange(200))
    user.does(
        "average 200", lambda: user.clicks(panel.average.average),
        lambda: panel.jobs.average is not None and not panel.jobs.running("average"),
    )  # fmt: skip
    particles.select(session, [])
    panel.clusters.count.setValue(12)
    particles.set_box(session, edge=24)
    user.waits(0, all_tiles)
    clusters = panel.clusters
    user.does("group all into 12", lambda: user.clicks(clusters.group), lambda: len(clusters.rows) == 12)
    panel.bring_into_view(clusters.map)
    user.waits(0.3)
    room, middle = clusters.map.rect(), clusters.map.rect().center()
    around = [
        QPoint(int(middle.x() + 0.45 * room.width() * np.cos(a)), int(middle.y() + 0.4 * room.height() * np.sin(a)))
        for a in np.linspace(0, 2 * np.pi, 60)
    ]
    user.does("lasso", lambda: drag(clusters.map, around, pause=PAUSE))
    user.does("click a cluster", lambda: user.clicks(clusters.rows[0].strip))
    user.does("sort by cluster", lambda: area.sort.setCurrentIndex(area.sort.findData("cluster")))

    def name() -> None:
        for number in (0, 3):
            clusters.rows[number].on.setChecked(True)
        QTest.keyClicks(clusters.name, "ribosome")
        QTest.keyClick(clusters.name, Qt.Key.Key_Return)

    user.does("name two clusters", name)
    for _ in range(2):
        user.does("undo naming, undo grouping", lambda: window.actions_by_id.trigger("edit.undo"))
    for _ in range(2):
        user.does("redo both", lambda: window.actions_by_id.trigger("edit.redo"))
    user.does("close the project", session.close)
    user.does("open it again", lambda: window.open_files([project]), lambda: len(clusters.rows) == 12)


def once(picks: int) -> None:
    """One run; prints what was noted, as JSON."""
    sys.setswitchinterval(SWITCH_SECONDS)
    LibraryFinder().install()
    held = application()
    with tempfile.TemporaryDirectory() as name, MachineHalts(Path(name)) as machine:
        project = make_project(Path(name), picks)
        user = User(Path(name), machine)
        # nobody moves a pointer here, and nobody is away
        garbage, preloading = Garbage(user.window, away=1e9), Preloading(user.window)
        if not machine.raised:
            sys.stderr.write("not root: halts of the machine may be those of a program that keeps all cores busy\n")
        work(user, project, preloading)
        preloading.close()
        garbage.close()
        user.window.shut_down()
        user.window.close()
        held.processEvents()
    sys.stdout.write(json.dumps(user.noted) + "\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--picks", type=int, default=5000)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        once(options.picks)
        return
    command = [sys.executable, __file__, "--once", "--picks", str(options.picks)]
    found: dict[str, list[list[tuple[float, ...]]]] = {}
    for run in range(options.runs):
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ).stdout
        for name, *times in json.loads(said.splitlines()[-1]):
            runs = found.setdefault(name, [[] for _ in range(options.runs)])
            runs[run].append(tuple(times))
    sys.stdout.write("| | median | longest | of the program | of it own |\n|---|---|---|---|---|\n")
    for name, runs in found.items():
        clocks = [max(clock for clock, _, _ in run) for run in runs]  # of what is done more than once, the worse
        alone, own = max(times[1:] for run in runs for times in run)
        sys.stdout.write(f"| {name} | {median(clocks):.0f} | {max(clocks):.0f} | {alone:.0f} | {own:.0f} |\n")


if __name__ == "__main__":
    main()
