"""A slice area in a window of its own, on a tomogram whose voxels tell where they are or on a black one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from slice_view import known_volume, make_project, opened, settle, slice_area

from ais_app.state.commands import view

sys.path.insert(0, str(Path(__file__).parent))
from overlay_view import BLUE, RED


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory):
    with slice_area(tmp_path_factory.mktemp("area")) as made:
        yield made


@pytest.fixture
def area(shared, tmp_path, qtbot):
    """A slice area with a tomogram whose voxels tell where they are, at its middle."""
    with opened(shared, make_project(tmp_path), qtbot) as made:
        yield made


@pytest.fixture
def black_area(shared, tmp_path, qtbot):
    """A slice area on a black tomogram, with membrane in red and ribosome in blue, both opaque."""
    path = make_project(tmp_path, np.zeros_like(known_volume()))
    with opened(shared, path, qtbot) as made:
        project = made.workbench.session.project
        project.change_feature("membrane", colour=RED, opacity=1.0)
        project.change_feature("ribosome", colour=BLUE, opacity=1.0)
        view.set_contrast(made.workbench.session, 0.5, 1.0)
        for name in ("scale_bar", "axes_marker"):
            setattr(made.workbench.session.view, name, False)
        settle(made, qtbot)
        yield made


@pytest.fixture
def state(area):
    return area.workbench.session.view
