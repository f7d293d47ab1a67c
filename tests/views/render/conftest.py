"""The Render tab in a real window, on a project of two tomograms; a ball is segmented in one of them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.prediction.parameters import PredictionParams
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.render.panel import RenderPanel
from ais_app.views.workbench import Workbench

sys.path.insert(0, str(Path(__file__).parent))
from ball_view import SHAPE, balls, settled, write_probabilities, write_volume
from window_view import shown_window


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tomogram, and a segmentation of it in the folder of exports."""
    folder = tmp_path_factory.mktemp("render")
    (folder / "segmented").mkdir()
    noise = np.random.default_rng(0).normal(size=SHAPE)
    for name in ("TS_01", "TS_02"):
        write_volume(folder / f"{name}.mrc", noise)
    write_probabilities(folder / "segmented" / "TS_01__ball.mrc", balls())
    return folder


@pytest.fixture
def lamella(files: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "lamella"
    shutil.copytree(files, folder)
    with Project.create(folder / "lamella.aisproj") as project:
        project.add_tomogram(folder / "TS_01.mrc")
        project.add_tomogram(folder / "TS_02.mrc")
        project.add_feature("ball", "#e69f00")
    return folder / "lamella.aisproj"


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    """One window for all tests of a file; each opens a project of its own."""
    folder = tmp_path_factory.mktemp("window")
    engine = PredictionParams(engine="torch")  # OpenVINO takes seconds to take over each network
    with shown_window(Workbench(folder / "settings", folder / "drafts", engine)) as made:
        yield made


@pytest.fixture
def shown(window: MainWindow, lamella: Path, qtbot) -> Iterator[RenderPanel]:
    """The panel of the Render tab with the ball in space."""
    window.open_files([lamella])
    window.workbench.session.view.tab = "render"
    panel = window.tabs[3].panel
    assert isinstance(panel, RenderPanel)
    panel.picking.on.setChecked(False)
    settled(panel, qtbot)
    yield panel
    panel.output.filming.stop()
    panel.space.show()
    settled(panel, qtbot)
    window.workbench.session.close()
