"""Actions about the tomogram in view."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog

from ais_app.state.commands import tomograms
from ais_app.state.records import TomogramEntry
from ais_app.views.actions.action import SEPARATOR, Action
from ais_app.views.widgets.copy_button import copy_text

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _has_tomogram(window: MainWindow) -> bool:
    return window.workbench.session.view.tomogram is not None


def _has_project(window: MainWindow) -> bool:
    return window.workbench.session.has_project


def _step(id: str, text: str, slices: int, key: str) -> Action:
    words = "next" if slices > 0 else "previous"
    tip = f"Show the {words} slice" if abs(slices) == 1 else f"Go {abs(slices)} slices {'on' if slices > 0 else 'back'}"
    return Action(
        id, text, lambda window: tomograms.step(window.workbench.session, slices), key=key, tip=tip,
        enabled=_has_tomogram, repeats=True,
    )  # fmt: skip


def _neighbour(step: int):  # type: ignore[no-untyped-def]
    return lambda window: tomograms.show_neighbour(window.workbench.session, step)


def _edge(end: bool):  # type: ignore[no-untyped-def]
    def run(window: MainWindow) -> None:
        session = window.workbench.session
        entry = session.tomogram
        if entry is not None:
            tomograms.go_to(session, z=entry.shape[0] - 1 if end else 0)

    return run


def _entries(window: MainWindow) -> list[TomogramEntry]:
    """Return the tomograms that are chosen in the list, else the one in view."""
    project = window.workbench.session.project
    return [project.tomogram(tomogram) for tomogram in window.side.chosen]


def _close(window: MainWindow) -> None:
    tomograms.close(window.workbench.session, [entry.id for entry in _entries(window)])


def _voxel_size(window: MainWindow) -> None:
    from ais_app.views.dialogs.voxel_size import VoxelSizeDialog

    VoxelSizeDialog(window, _entries(window)).open()


def _relink(window: MainWindow) -> None:
    """Ask for a folder and look through it as a job: it may be large, and on a slow disk."""
    workbench = window.workbench
    project = workbench.project
    chosen = QFileDialog.getExistingDirectory(window, "Where are the tomograms now?", str(workbench.session.folder()))
    if not chosen:
        return
    looking = project.relink_job(chosen)

    def take(found: dict[str, Path | None]) -> None:
        if not workbench.session.is_open(project.path):
            workbench.notify(f"{project.path.name} is not open any more: what was found in {chosen} was not noted")
        elif workbench.attempt(lambda: tomograms.take_relinked(workbench.session, chosen, found)):
            window.side.survey.look_again()
            _say_found(window, chosen, found)

    workbench.jobs.start(f"Look for missing tomograms in {chosen}", lambda: looking, on_result=take)


def _say_found(window: MainWindow, folder: str, found: dict[str, Path | None]) -> None:
    missing = [name for name, path in found.items() if path is None]
    count = len(found) - len(missing)
    if not found:
        window.workbench.notify("No tomogram is missing")
    elif missing:
        words = f"{count} of {len(found)} missing tomograms were found in {folder}; look in another folder for the rest"
        window.workbench.notify(words, "warning", details="\n".join(missing))
    else:
        window.workbench.notify(f"{count} missing {'tomogram was' if count == 1 else 'tomograms were'} found")


def _show_in_folder(window: MainWindow) -> None:
    for folder in sorted({str(entry.path.parent) for entry in _entries(window)}):
        QDesktopServices.openUrl(QUrl.fromLocalFile(folder))


def _copy_path(window: MainWindow) -> None:
    copy_text("\n".join(str(entry.path) for entry in _entries(window)))


ACTIONS = (
    _step("slice.next", "Next slice", 1, "Right; PgUp"),
    _step("slice.previous", "Previous slice", -1, "Left; PgDown"),
    _step("slice.next_5", "Five slices on", 5, "Shift+Right; Shift+PgUp"),
    _step("slice.previous_5", "Five slices back", -5, "Shift+Left; Shift+PgDown"),
    Action("tomogram.next", "Next tomogram", _neighbour(1), key="Down", tip="Show the next tomogram of the list",
           enabled=_has_tomogram, repeats=True),
    Action("tomogram.previous", "Previous tomogram", _neighbour(-1), key="Up", enabled=_has_tomogram, repeats=True,
           tip="Show the previous tomogram of the list"),
    Action("slice.first", "First slice", _edge(False), key="Alt+Home", tip="Go to the first slice",
           enabled=_has_tomogram),
    Action("slice.last", "Last slice", _edge(True), key="Alt+End", tip="Go to the last slice", enabled=_has_tomogram),
    Action("tomogram.voxel_size", "Set &voxel size…", _voxel_size, "mdi6.ruler-square", enabled=_has_tomogram,
           tip="Set the voxel size instead of what the file says; can be undone"),
    Action("tomogram.relink", "&Look for missing tomograms…", _relink, "mdi6.link-variant", enabled=_has_project,
           tip="Choose the folder that moved tomograms are in now"),
    Action("tomogram.show_in_folder", "Show in &folder", _show_in_folder, "mdi6.folder-outline",
           enabled=_has_tomogram, tip="Open the folder of the file"),
    Action("tomogram.copy_path", "Copy &path", _copy_path, "mdi6.content-copy", enabled=_has_tomogram,
           tip="Copy where the file is"),
    Action("tomogram.close", "&Close tomogram", _close, "mdi6.close", enabled=_has_tomogram,
           tip="Take it and its annotations out of the project; can be undone"),
)  # fmt: skip
MENU = (
    "slice.next", "slice.previous", "slice.next_5", "slice.previous_5", "slice.first", "slice.last", SEPARATOR,
    "tomogram.next", "tomogram.previous", SEPARATOR, "tomogram.voxel_size", "tomogram.relink",
    "tomogram.show_in_folder", "tomogram.copy_path", SEPARATOR, "tomogram.close",
)  # fmt: skip
LIST_MENU = (
    "tomogram.show_in_folder", "tomogram.copy_path", SEPARATOR, "tomogram.voxel_size", "tomogram.relink", SEPARATOR,
    "tomogram.close",
)  # fmt: skip
