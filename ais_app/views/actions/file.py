"""Actions about files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog

from ais_app.state.commands import projects
from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

FILTERS = (
    "Everything that opens (*.aisproj *.mrc *.map *.rec *.st *.mrcs *.mrc.gz *.mrc.bz2 *.tif *.tiff *.em *.hdf *.h5"
    " *.scns *.aismodel *.scnm *.scnmgroup *.star *.csv *.tsv *.txt *.tbl *.mod);;Projects (*.aisproj);;All files (*)"
)


def _open(window: MainWindow) -> None:
    chosen, _ = QFileDialog.getOpenFileNames(window, "Open", str(_folder(window)), FILTERS)
    window.open_files([Path(path) for path in chosen])


def _open_zarr(window: MainWindow) -> None:
    chosen = QFileDialog.getExistingDirectory(window, "Open an OME-Zarr folder", str(_folder(window)))
    if chosen:
        window.open_files([Path(chosen)])


def _new(window: MainWindow) -> None:
    path = _ask_project(window, "New project", "project.aisproj")
    if path is not None:
        projects.new_project(window.workbench.session, path)
        window.workbench.settings.note_recent(path)


def _save_as(window: MainWindow) -> None:
    session = window.workbench.session
    path = _ask_project(window, "Save the project as", f"{session.title}.aisproj")
    if path is not None:
        projects.save_as(session, path)
        window.workbench.settings.note_recent(path)


def _ask_project(window: MainWindow, title: str, name: str) -> Path | None:
    chosen, _ = QFileDialog.getSaveFileName(window, title, str(_folder(window) / name), "Projects (*.aisproj)")
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix == projects.PROJECT_SUFFIX else path.with_name(path.name + projects.PROJECT_SUFFIX)


def _folder(window: MainWindow) -> Path:
    session = window.workbench.session
    return session.folder() if session.has_project else Path.home()


def _import_coordinates(window: MainWindow) -> None:
    from ais_app.views.dialogs.coordinates_in import CoordinatesIn  # pandas, below it, takes a second to import

    kinds = "Coordinates (*.star *.csv *.tsv *.txt *.coords *.xyz *.tbl *.em *.mod *.json *.gz);;All files (*)"
    chosen, _ = QFileDialog.getOpenFileName(window, "Import coordinates", str(_folder(window)), kinds)
    if chosen:
        CoordinatesIn(window, window.workbench, Path(chosen)).open()


def _export_coordinates(window: MainWindow) -> None:
    from ais_app.views.dialogs.coordinates_out import CoordinatesOut

    CoordinatesOut(window, window.workbench).open()


def _has_tomogram(window: MainWindow) -> bool:
    return window.workbench.session.tomogram is not None


def _has_project(window: MainWindow) -> bool:
    return window.workbench.session.has_project


ACTIONS = (
    Action("file.open", "&Open…", _open, "mdi6.folder-open-outline", "Ctrl+O", "Open tomograms, projects, networks"),
    Action("file.open_zarr", "Open OME-&Zarr folder…", _open_zarr, tip="Open a volume that is a folder"),
    Action("file.new", "&New project…", _new, "mdi6.file-plus-outline", "Ctrl+N", "Make an empty project"),
    Action(
        "file.save_as", "Save project &as…", _save_as, "mdi6.content-save-outline", "Ctrl+Shift+S",
        "Give the project a place and a name; every change is saved at once", enabled=_has_project,
    ),
    Action(
        "file.import_coordinates", "&Import coordinates…", _import_coordinates, "mdi6.map-marker-plus-outline",
        tip="Picks from the file of another program; see where they lie first", enabled=_has_tomogram,
    ),
    Action(
        "file.export_coordinates", "&Export coordinates…", _export_coordinates, "mdi6.map-marker-right-outline",
        tip="Picks and boxes into the file of another program", enabled=_has_tomogram,
    ),
    Action(
        "file.close", "&Close project", lambda window: window.workbench.session.close(), enabled=_has_project,
        tip="Close the project; everything is in its file already",
    ),
    Action("file.quit", "&Quit", lambda window: window.close(), key="Ctrl+Q", tip="Leave the program"),
)  # fmt: skip
MENU = (
    "file.open", "file.open_zarr", "file.new", SEPARATOR, "file.import_coordinates", "file.export_coordinates",
    SEPARATOR, "file.save_as", "file.close", SEPARATOR, "file.quit",
)  # fmt: skip
