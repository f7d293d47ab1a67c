"""The demo from within the window: a job in the folder of drafts, and its project opened at the end. Offline.

It begins at once, in a place that is said; the message takes it elsewhere, and the one at the end saves its project.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog

from ais_app.core.jobs import Job, Progress
from ais_app.core.params import Params

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow
    from ais_app.workers.job_runner import JobHandle

TITLE = "Demo"


def start_demo(window: MainWindow, folder: Path | None = None, params: Params | None = None) -> JobHandle:
    """Start the demo, or point at the one that runs.

    Parameters
    ----------
    window
        Where its project is opened.
    folder
        Where its files go; a new one among the drafts when ``None``.
    params
        `ais_app.operations.demo.DemoParams`.
    """
    workbench = window.workbench
    for running in workbench.jobs.active:
        if running.title == TITLE:
            workbench.notify("The demo runs already; see the status line")
            return running
    place = folder or workbench.drafts / _name()
    is_fresh = not place.exists()
    before = workbench.session.project.path if workbench.session.has_project else None

    def make() -> Job[Any]:
        # imported on the job's thread: it takes torch with it
        from ais_app.operations.demo import demo_job

        return demo_job(place, params)  # type: ignore[arg-type]

    def done(result: Any) -> None:
        session = workbench.session
        if not session.has_project if before is None else session.is_open(before):
            window.open_files([result.project])
            words = f"The demo is done: membranes found with a Dice of {result.dice['membrane']:.2f}"
            workbench.notify(words, button="Open the report", act=lambda: _show(result.report))
            words = f"Its project lies in {place}; save it under another name to go on with it"
            workbench.notify(words, button="Save as…", act=lambda: window.actions_by_id.trigger("file.save_as"))
        else:
            words = f"The demo is done; it lies in {place}"
            workbench.notify(words, "warning", button="Open it", act=lambda: window.open_files([result.project]))

    handle = workbench.jobs.start(TITLE, make, on_result=done)
    words = f"The demo takes some four minutes; its files go to {place}"
    workbench.notify(
        words, button="Elsewhere…", act=lambda: _elsewhere(window, handle, place if is_fresh else None, params)
    )
    return handle


def _name() -> str:
    return f"demo-{time.strftime('%Y%m%d-%H%M%S')}"


def _elsewhere(window: MainWindow, handle: JobHandle, before: Path | None, params: Params | None) -> None:
    """Ask for a folder and begin again there; what was made of the demo so far is removed."""
    chosen = QFileDialog.getExistingDirectory(window, "Where are the files of the demo to go?", str(Path.home()))
    if not chosen:
        return
    if not handle.is_active:
        window.workbench.notify("The demo has ended already")
        return

    def clear() -> Job[None]:
        yield Progress(0, 1, f"removing {before}")
        assert before is not None  # asked below
        shutil.rmtree(before, ignore_errors=True)  # a folder of its own, made a moment ago

    def begin_again() -> None:
        if before is not None:
            window.workbench.jobs.start("Remove the beginning of the demo", clear, quiet=True)
        start_demo(window, Path(chosen) / _name(), params)

    handle.cancelled.connect(begin_again)
    handle.stop()


def _show(page: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))
