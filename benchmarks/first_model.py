"""From first start to a first useful network, as somebody does it who follows docs/window/getting_started.md.

    python benchmarks/first_model.py [--features Membrane,Ribosome] [--seed 3] [--snr 0.3]
                                     needs a screen; without one: xvfb-run -a python …

A phantom of 64 x 256 x 256 voxels is dropped on the window; the features are painted on three slices with the mouse, as
the truth says; a network of each is trained with the settings that the form has by itself. Every mouse and key event is
sent to the widgets. The table says for each step what a person does, how long that takes a person, and how long they
wait for the program.

A person's time is estimated by the keystroke-level model (Card, Moran and Newell 1980, Communications of the ACM 23,
396): 0.28 s a key, 1.1 s to point, 0.2 s to press and let go, 1.35 s to think before each new thing, and 0.9 s + 0.16 s
a centimetre for a stroke.
"""

from __future__ import annotations

import time

START = time.perf_counter()

# ruff: noqa: E402 - the start of the program is timed
import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent, QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget

from ais_app.views.main_window import MainWindow
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

KEY, POINT, PRESS, THINK = 0.28, 1.1, 0.2, 1.35  # s
STROKE, CENTIMETRE, PIXELS = 0.9, 0.16, 37.8  # s a stroke, s a cm, pixels a cm
HEAD = f"{'step':34}{'actions':>9}{'person, s':>11}{'waits, s':>10}"
SLICES = (20, 32, 44)
UNSEEN = 26
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@dataclass
class Step:
    """What was done in one step of the way."""

    name: str
    actions: int = 0
    person: float = 0.0
    waited: float = 0.0


class Person:
    """Somebody with a mouse and a keyboard."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Do one step of the way, and print it."""
        self.steps.append(Step(name, person=THINK))
        yield self.steps[-1]
        print(line(self.steps[-1]), flush=True)

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Point and click."""
        QTest.mouseClick(widget, LEFT, NONE, at or widget.rect().center())
        self._did(POINT + PRESS)

    def type(self, widget: QWidget, text: str) -> None:
        """Type words."""
        QTest.keyClicks(widget, text)
        self._did(KEY * len(text))

    def key(self, widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """Press a key."""
        QTest.keyClick(widget, key, modifiers)
        self._did(KEY)

    def stroke(self, widget: QWidget, points: list[QPoint]) -> None:
        """Drag through points."""
        QTest.mousePress(widget, LEFT, NONE, points[0])
        for point in points[1:]:
            where, above = QPointF(point), QPointF(widget.mapToGlobal(point))
            application().sendEvent(
                widget, QMouseEvent(QEvent.Type.MouseMove, where, above, Qt.MouseButton.NoButton, LEFT, NONE)
            )
        QTest.mouseRelease(widget, LEFT, NONE, points[-1])
        apart = sum((b - a).manhattanLength() for a, b in zip(points, points[1:], strict=False))
        self._did(POINT + STROKE + CENTIMETRE * apart / PIXELS)

    def wait(self, done: Callable[[], bool], seconds: float = 1200) -> None:
        """Wait for the program."""
        start = time.perf_counter()
        while not done():
            application().processEvents()
            time.sleep(0.005)
            assert time.perf_counter() - start < seconds, self.steps[-1].name
        self.steps[-1].waited += time.perf_counter() - start

    def _did(self, seconds: float) -> None:
        self.steps[-1].actions += 1
        self.steps[-1].person += seconds


class Way:
    """The way, step by step."""

    def __init__(
        self, window: MainWindow, tomogram: Path, truth: dict[str, np.ndarray], features: Sequence[str]
    ) -> None:
        self.window, self.tomogram, self.truth, self.features = window, tomogram, truth, features
        self.person, self.session = Person(), window.workbench.session

    def go(self) -> list[Step]:
        """Take all of it."""
        with self.person.step("start the program") as started:
            self.window.show()
            self.person.wait(self.window.isVisible)
            started.waited = time.perf_counter() - START
        with self.person.step("drop the tomogram"):
            self._drop()
        with self.person.step("name the features"):
            self._name()
        for feature in self.features:
            paint = {"Membrane": self._trace, "Ribosome": self._dab}[feature]
            with self.person.step(f"{feature} on {len(SLICES)} slices"):
                self._paint(feature, paint)
        for feature in self.features:
            with self.person.step(f"train {feature}"):
                self._train(feature)
        with self.person.step("look at a slice without labels"):
            self._look()
        return self.person.steps

    def scores(self) -> dict[str, float]:
        """Return the Dice of what is on screen with the truth, on a slice that nobody has painted."""
        from ais_app.core.scoring import dice

        answer = self.window.workbench.preview.answer
        assert answer is not None
        return {name: dice(plane >= 0.5, self.truth[name.lower()][UNSEEN]) for name, plane in answer.planes.items()}

    @property
    def _pane(self):  # type: ignore[no-untyped-def]
        return self.window.slices.panes["z"]

    def _drop(self) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self.tomogram))])
        self.window.dropEvent(QDropEvent(QPointF(600, 400), Qt.DropAction.CopyAction, data, LEFT, NONE))
        self.person._did(POINT + 2 * PRESS)
        self.person.wait(lambda: self._pane.shown_index is not None)

    def _name(self) -> None:
        field = self.window.tabs[0].panel.features.name
        for name in self.features:
            self.person.click(field)
            self.person.type(field, name)
            self.person.key(field, Qt.Key.Key_Return)

    def _paint(self, feature: str, paint: Callable[[int], None]) -> None:
        number = [entry.name for entry in self.session.project.features].index(feature)
        self.person.key(self._pane.native, (Qt.Key.Key_1, Qt.Key.Key_2)[number])
        self.person.key(self._pane.native, Qt.Key.Key_B)
        wanted = {"Membrane": 30.0, "Ribosome": 115.0}[feature]  # Å: half a bilayer as it looks, a ribosome
        while self.session.feature.brush_radius < wanted:
            self.person.key(self._pane.native, Qt.Key.Key_BracketRight)
        while self.session.feature.brush_radius > 1.3 * wanted:
            self.person.key(self._pane.native, Qt.Key.Key_BracketLeft)
        for z in SLICES:
            self._go_to(z)
            paint(z)

    def _go_to(self, z: int) -> None:
        self.window.activateWindow()
        assert QTest.qWaitForWindowActive(self.window)
        while self.session.view.z != z:
            far = abs(self.session.view.z - z) >= 5
            key = Qt.Key.Key_Right if self.session.view.z < z else Qt.Key.Key_Left
            self.person.key(self._pane.native, key, Qt.KeyboardModifier.ShiftModifier if far else NONE)
        self.person.wait(lambda: self._pane.shown_index == z)

    def _trace(self, z: int) -> None:
        """Follow the middle of every membrane with the brush."""
        from skimage.measure import label
        from skimage.morphology import skeletonize

        pieces = label(skeletonize(self.truth["membrane"][z]), connectivity=2)
        for number in range(1, pieces.max() + 1):
            line = in_order(np.argwhere(pieces == number))
            if len(line) > 4:
                self.person.stroke(self._pane.native, [self._at(z, y, x) for y, x in line[::4]])

    def _dab(self, z: int) -> None:
        """Click on the middle of every ribosome."""
        from scipy import ndimage

        pieces, count = ndimage.label(self.truth["ribosome"][z])
        for y, x in ndimage.center_of_mass(pieces > 0, pieces, range(1, count + 1)):
            self.person.click(self._pane.native, self._at(z, y, x))

    def _at(self, z: int, y: float, x: float) -> QPoint:
        return self._pane.to_point((z, y, x)).toPoint()

    def _train(self, feature: str) -> None:
        self.person.key(self._pane.native, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        setup = self.window.tabs[1].panel.setup
        setup.feature.setCurrentText(feature)
        self.person._did(2 * (POINT + PRESS))
        self.person.click(setup.start)
        self.person.wait(lambda: self.session.project.runs[-1].state != "training")
        assert self.session.project.runs[-1].state == "finished", self.session.project.runs[-1].message

    def _look(self) -> None:
        self._go_to(UNSEEN)
        preview = self.window.workbench.preview
        self.person.wait(lambda: not preview.busy and preview.answer is not None and preview.answer.z == UNSEEN)


def in_order(points: np.ndarray) -> np.ndarray:
    """Return points of a thin line, (n, 2), so that neighbours follow each other as far as they can."""
    left, line = points.astype(float), []
    ends = [(np.abs(left - p).max(axis=1) <= 1).sum() == 2 for p in left]
    at = int(np.argmax(ends)) if any(ends) else 0
    while len(left):
        line.append(left[at])
        left = np.delete(left, at, axis=0)
        if len(left):
            apart = np.linalg.norm(left - line[-1], axis=1)
            at = int(apart.argmin())
            if apart[at] > 6:
                break
    return np.array(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", default="Membrane,Ribosome", help="in the order in which they are done")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--snr", type=float, default=0.3)
    parser.add_argument("--picture", type=Path, help="write the window as it is at the end")
    arguments = parser.parse_args()
    app = application()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        window = MainWindow(Workbench(folder / "settings", folder / "drafts"))
        window.resize(1600, 1000)
        made = time.perf_counter()
        tomogram, truth = phantom(folder, arguments.seed, arguments.snr)
        globals()["START"] = START + time.perf_counter() - made  # the phantom is no part of the start
        way = Way(window, tomogram, truth, arguments.features.split(","))
        print(HEAD, flush=True)
        steps = way.go()
        scores = way.scores()
        if arguments.picture:
            window.grab().save(str(arguments.picture))
        window.shut_down()
        window.close()
    report(steps, scores)
    app.quit()


def phantom(folder: Path, seed: int, snr: float) -> tuple[Path, dict[str, np.ndarray]]:
    """Make a tomogram and return it with the masks of its features."""
    import ais_app

    contents = ais_app.SimulateParams(shape=(64, 256, 256), snr=snr)
    ais_app.simulate(folder / "phantom", contents, seed)
    masks = {
        name: ais_app.open_tomogram(folder / "phantom" / f"{name}.mrc").read() > 0 for name in ("membrane", "ribosome")
    }
    return folder / "phantom" / "tomogram.mrc", masks


def line(step: Step) -> str:
    """Return a step as a line of the table."""
    return f"{step.name:34}{step.actions:9}{step.person:11.0f}{step.waited:10.1f}"


def report(steps: list[Step], scores: dict[str, float]) -> None:
    """Print the sums and what the networks are worth."""
    totals = (sum(s.actions for s in steps), sum(s.person for s in steps), sum(s.waited for s in steps))
    print(line(Step("in all", *totals)))
    print("Dice on a slice without labels: " + ", ".join(f"{name} {value:.2f}" for name, value in scores.items()))


if __name__ == "__main__":
    sys.exit(main())
