"""The window as it is at the first start, shared by the tests of a file; a gate that jobs wait at."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QDialog

from ais_app.views.main_window import MainWindow
from ais_app.views.shell.palette import CommandPalette
from ais_app.views.workbench import Workbench

sys.path.insert(0, str(Path(__file__).parent))
from window_view import shown_window


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory) -> Iterator[MainWindow]:
    """One window for all tests of a file: making it takes longer than any of them."""
    folder = tmp_path_factory.mktemp("shell")
    with shown_window(Workbench(folder / "settings", folder / "drafts")) as made:
        yield made


@pytest.fixture
def window(shared: MainWindow, qtbot) -> Iterator[MainWindow]:
    """The window as it is at the first start."""
    shared.activateWindow()
    for left in shared.workbench.drafts.glob("*"):
        left.unlink()
    shared.workbench.settings.recent = []
    yield shared
    for job in shared.workbench.jobs.active:
        job.stop()
    qtbot.waitUntil(lambda: not shared.workbench.jobs.active)
    shared.jobs_panel.clear()
    qtbot.waitUntil(lambda: shared.status.jobs.title.text() == "No jobs")  # it takes its time to say so
    shared.jobs_panel.hide()
    for dialog in shared.findChildren((QDialog, CommandPalette)):
        dialog.close()
    shared.workbench.session.close()
    shared.notifications.dismiss_all()
    shared.notifications.history.clear()
    shared.workbench.session.log.lines.clear()
    shared.workbench.session.view.tab = "annotate"
    shared.set_unread(0)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def gate():
    """Jobs go on when this is set."""
    event = threading.Event()
    yield event
    event.set()
