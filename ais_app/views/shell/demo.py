"""The demo from within the window: a job in the folder of drafts, and its project opened at the end. Offline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from ais_app.core.jobs import Job
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
    place = folder or workbench.drafts / f"demo-{time.strftime('%Y%m%d-%H%M%S')}"
    before = workbench.session.project.path if workbench.session.has_project else None

    def make() -> Job[Any]:
        # imported on the job's thread: it takes torch with it
        from ais_app.operations.demo import demo_job

        return demo_job(place, params)  # type: ignore[arg-type]

    def done(result: Any) -> None:
        now = workbench.session.project.path if workbench.session.has_project else None
        if now == before:
            window.open_files([result.project])
            words = (
                f"The demo is done: membranes found with a Dice of {result.dice['membrane']:.2f}. It lies in {place}"
            )
            workbench.notify(words, button="Open the report", act=lambda: _show(result.report))
        else:
            words = f"The demo is done; it lies in {place}"
            workbench.notify(words, "warning", button="Open it", act=lambda: window.open_files([result.project]))

    workbench.notify(f"The demo takes some four minutes; its files go to {place}")
    return workbench.jobs.start(TITLE, make, on_result=done)


def _show(page: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))
