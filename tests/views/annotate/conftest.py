"""The Annotate tab in a real window: nothing is open at first; `blank` is a slice that nobody has painted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ais_app.state.commands import tomograms
from ais_app.state.view_state import ViewState
from ais_app.views.workbench import Workbench

sys.path.insert(0, str(Path(__file__).parent))
from mouse_and_keys import Z
from window_view import shown_window


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory):
    """One window for all tests of a file: only what it shows is made anew for each of them."""
    folder = tmp_path_factory.mktemp("window")
    with shown_window(Workbench(folder / "settings", folder / "drafts")) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(window, qtbot):
    """Nothing is open, and every setting of the view is as at the first start."""
    session, first = window.workbench.session, ViewState()
    session.close()
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is None)
    for name in ("tool", "planes", "brush_3d", "ignoring", "over_background", "sensitivity"):
        setattr(session.view, name, getattr(first, name))
    window.notifications.dismiss_all()


@pytest.fixture
def blank(opened, qtbot):
    """The window at a slice of the feature membrane that nobody has painted."""
    session = opened.workbench.session
    session.view.feature = session.project.feature("membrane").id
    tomograms.go_to(session, z=Z)
    qtbot.waitUntil(lambda: opened.slices.panes["z"].shown_index == Z)
    return opened
