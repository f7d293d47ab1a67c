"""Write the report of the queue and show it."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog, QWidget

from ais_app.core.jobs import Job, Progress
from ais_app.views.workbench import Workbench


def make_report(workbench: Workbench, parent: QWidget, folder: Path) -> None:
    """Ask where the page goes, write it off the main thread, and offer to open it."""
    queue = workbench.exports.queue
    if queue is None:
        return
    chosen, _ = QFileDialog.getSaveFileName(parent, "Report", str(folder / "report.html"), "Web pages (*.html)")
    if not chosen:
        return
    path = Path(chosen)

    def job() -> Job[Path]:
        from ais_app.batch.queue import Queue
        from ais_app.batch.report import write_report

        yield Progress(0, 1, "collecting")
        with Queue.open(queue.path) as opened:
            return write_report(opened, path)

    def show(written: Path) -> None:
        workbench.notify(
            f"The report is written: {written}",
            button="Open",
            act=lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(written))),
        )

    workbench.jobs.start("Write the report", job, on_result=show, on_error=lambda e: workbench.notify(str(e), "error"))
