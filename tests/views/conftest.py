"""A window in a real X display, on projects made of phantoms."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # modules that several test files share

import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtTest import QTest
from window_view import SHAPE, at, shown_window

import ais_app
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench


@pytest.fixture(scope="session")
def qapp():
    """The application as the program makes it, instead of pytest-qt's own."""
    return application()


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tomogram.mrc, one mask per feature and truth.json."""
    out = tmp_path_factory.mktemp("phantom")
    contents = ais_app.SimulateParams(shape=SHAPE, snr=1.0, n_vesicles=1, n_double_membranes=0, n_sheets=0, n_actin=0,
                                      n_microtubules=0, n_beads=0, carbon=False)  # fmt: skip
    ais_app.simulate(out, contents, 5)
    return out


@pytest.fixture
def tomogram(phantom: Path, tmp_path: Path) -> Path:
    """A tomogram of its own, that a test may move or damage."""
    return Path(shutil.copy(phantom / "tomogram.mrc", tmp_path / "TS_01.mrc"))


@pytest.fixture
def project(phantom: Path, tomogram: Path) -> Path:
    """A project with one tomogram and the features membrane (some slices painted) and ribosome (two boxes)."""
    path = tomogram.parent / "lamella.aisproj"
    with Project.create(path) as made:
        entry = made.add_tomogram(tomogram)
        made.import_labels(entry, "membrane", phantom / "membrane.mrc", slices=[10, 16, 22])
        made.add_feature("ribosome")
        made.add_boxes(entry, "ribosome", [ais_app.Box((16, 40, 40)), ais_app.Box((16, 60, 70))])
    return path


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    """A workbench with settings and drafts of its own."""
    # torch: OpenVINO takes seconds to take over each network
    return Workbench(tmp_path / "settings", tmp_path / "drafts", PredictionParams(engine="torch"))


@pytest.fixture
def window(qtbot, workbench: Workbench) -> Iterator[MainWindow]:
    """The window as it is at the first start, shown; closed in order after the test."""
    with shown_window(workbench) as made:
        yield made


@pytest.fixture
def opened(window: MainWindow, project: Path, qtbot) -> MainWindow:
    """The window with the project open and its slice on screen."""
    window.open_files([project])
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index == window.workbench.session.view.z, timeout=5000)
    return window


@pytest.fixture
def stroke() -> Callable[..., None]:
    """Drag the mouse through voxels: ``stroke(pane, [(z, y, x), ...], button, modifiers)``."""

    def draw(pane, positions, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
        points = [at(pane, *position) for position in positions]
        QTest.mousePress(pane.native, button, modifiers, points[0])
        for point in points[1:]:
            _drag(pane, point, button, modifiers)
        QTest.mouseRelease(pane.native, button, modifiers, points[-1])

    return draw


def _drag(pane, point, button, modifiers):
    """Send a move with the button held, which QTest.mouseMove does not."""
    from PyQt6.QtCore import QPointF
    from PyQt6.QtGui import QMouseEvent

    where = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        where,
        QPointF(pane.native.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        button,
        modifiers,
    )
    application().sendEvent(pane.native, event)
