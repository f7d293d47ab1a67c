"""Memory while somebody scrolls through 500 tomograms for minutes: does it grow.

    python benchmarks/soak.py [--minutes 10] [--tomograms 500]      needs a screen; without one: xvfb-run -a python …

The window is open on a project of links to a few tomograms of 60 x 400 x 400 voxels. One tomogram after the other is
chosen in the list, its slices are scrolled through in three planes, and the list itself is scrolled. A line a minute:
anonymous memory of the process (not the pages of the files), and how many slices were shown. The first minute fills the
caches, which have limits; what counts is the difference between the later ones.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ais_app.core.io import create_volume
from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import tomograms
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

SHAPE, FILES = (60, 400, 400), 5


def make_project(folder: Path, count: int) -> Path:
    """Write a few tomograms and a project of many that are links to them."""
    rng = np.random.default_rng(0)
    grid = Tomogram(np.empty((1, 1, 1), np.float32), voxel_size_zyx=(10.0, 10.0, 10.0))
    for number in range(FILES):
        with create_volume(folder / f"file_{number}.mrc", SHAPE, np.float32, like=grid) as writer:
            for z in range(SHAPE[0]):
                writer.write(z, rng.normal(100, 20, (1, *SHAPE[1:])).astype(np.float32))
    with Project.create(folder / "many.aisproj") as project:
        for number in range(count):
            link = folder / f"TS_{number:03}.mrc"
            link.symlink_to(folder / f"file_{number % FILES}.mrc")
            project.add_tomogram(link)
        project.add_feature("membrane")
        return project.path


def anonymous() -> float:
    """Return the anonymous memory of this process in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def scroll(window: MainWindow, minutes: float) -> None:
    """Go through everything, again and again."""
    session, app = window.workbench.session, application()
    session.view.planes = "xyz"
    start, shown, minute = time.perf_counter(), 0, 0
    bar = window.side.list.verticalScrollBar()
    while minute < minutes:
        for number, entry in enumerate(session.project.tomograms):
            tomograms.show(session, entry.id)
            bar.setValue(bar.maximum() * number // max(1, len(session.project.tomograms)))
            for _ in range(8):
                tomograms.step(session, 1)
                app.processEvents()
                time.sleep(0.005)
                shown += 1
            if time.perf_counter() - start >= 60 * minute:
                print(f"minute {minute:3}   {anonymous():7.0f} MB   {shown:7} slices", flush=True)
                minute += 1
            if minute > minutes:
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--tomograms", type=int, default=500)
    arguments = parser.parse_args()
    app = application()
    with tempfile.TemporaryDirectory() as name:
        path = make_project(Path(name), arguments.tomograms)
        window = MainWindow(Workbench(Path(name) / "settings", Path(name) / "drafts"))
        window.resize(1600, 1000)
        window.show()
        window.open_files([path])
        scroll(window, arguments.minutes)
        window.shut_down()
        window.close()
        app.quit()


if __name__ == "__main__":
    sys.exit(main())
