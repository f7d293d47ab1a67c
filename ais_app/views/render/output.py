"""The buttons that save: picture, film, surfaces, ChimeraX, coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.params import Params, param
from ais_app.core.scene.scene import Scene
from ais_app.state.particle_classes import kept
from ais_app.state.scene_store import resolved
from ais_app.views.render.saving import MOST_PIXELS, Filming, save_coordinates, save_picture, save_surfaces
from ais_app.views.render.space import Space
from ais_app.views.widgets.forms import ParamsForm

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles

MESHES = "GLB (*.glb);;Wavefront OBJ (*.obj);;PLY (*.ply);;STL (*.stl)"


@dataclass(frozen=True)
class PictureParams(Params):
    """A picture."""

    width: int = param(1920, "Width of the picture", unit="px", low=16, high=MOST_PIXELS)
    height: int = param(1080, "Height of the picture", unit="px", low=16, high=MOST_PIXELS)
    transparent: bool = param(True, "Leave the background out, so that it can be laid over anything")


@dataclass(frozen=True)
class FilmParams(Params):
    """A film."""

    width: int = param(1280, "Width of the film", unit="px", low=16, high=4096)
    height: int = param(720, "Height of the film", unit="px", low=16, high=4096)
    frames: int = param(180, "How many pictures", low=2, high=10000)
    fps: float = param(30.0, "Pictures per second", low=1, high=120)
    degrees: float = param(360.0, "How far the scene turns", unit="°", low=-3600, high=3600)


class Output(QWidget):
    """What is saved, and where.

    Attributes
    ----------
    filming
        Makes films.
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space
        self.filming = Filming(space)
        self.picture_params, self.film_params = PictureParams(), FilmParams()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        self.buttons: dict[str, QPushButton] = {}
        for place, (name, words, tip, action) in enumerate((
            ("picture", "Picture…", "Save a PNG of any size, with or without background", self.ask_picture),
            ("film", "Film…", "Save a film of the scene as it turns (MP4, GIF)", self.ask_film),
            ("surfaces", "Surfaces…", "Save the surfaces that are shown, in Å (GLB, OBJ, PLY, STL)", self.ask_surfaces),
            ("chimerax", "ChimeraX…", "Save a script that opens maps, surfaces and picks in place", self.ask_chimerax),
            ("coordinates", "Coordinates…", "Save picks for RELION 5 and other programs", self.ask_coordinates),
        )):  # fmt: skip
            button = QPushButton(words)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, action=action: self._space.workbench.attempt(action))
            self.buttons[name] = button
            grid.addWidget(button, place // 2, place % 2)
        space.refreshed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Offer what there is to save."""
        scene = self._space.scene
        there = scene.shape_zyx is not None
        for button in self.buttons.values():
            button.setEnabled(there)
        self.buttons["surfaces"].setEnabled(any(surface.settings.visible for surface in scene.surfaces))
        self.buttons["coordinates"].setEnabled(bool(scene.picks))

    # asking

    def ask_picture(self) -> None:
        """Ask for size and place of a picture."""
        params = self._ask("Save a picture", self.picture_params)
        path = None if params is None else self._where("Save the picture", "png", "PNG (*.png)")
        if params is not None and path is not None:
            self.picture_params = params
            save_picture(self._space, path, params.width, params.height, params.transparent)
            self._space.workbench.notify(f"{path} was saved")

    def ask_film(self) -> None:
        """Ask for size, length and place of a film."""
        params = self._ask("Save a film of a turn", self.film_params)
        path = None if params is None else self._where("Save the film", "mp4", "MP4 (*.mp4);;GIF (*.gif)")
        if params is not None and path is not None:
            self.film_params = params
            self.filming.start(path, params.width, params.height, params.frames, params.fps, params.degrees)

    def ask_surfaces(self) -> None:
        """Ask where the surfaces go."""
        path = self._where("Save the surfaces", "glb", MESHES)
        if path is not None:
            self.save_surfaces(path)

    def ask_chimerax(self) -> None:
        """Ask where the script goes."""
        path = self._where("Save a script for ChimeraX", "cxc", "ChimeraX commands (*.cxc)")
        if path is not None:
            self.save_chimerax(path)

    def ask_coordinates(self) -> None:
        """Ask which picks are saved for which program, and where."""
        from ais_app.core.coordinates import coordinate_formats

        formats, sets = coordinate_formats(), [picks.name for picks in self._space.scene.picks]
        if not sets:
            raise ParameterProblem("picks", "there are none", "keep some first")

        @dataclass(frozen=True)
        class Choice(Params):
            picks: str = param(sets[0], "Set of picks", choices=sets)
            format: str = param("relion5", "Program that reads the file", choices=tuple(formats))

        chosen = self._ask("Save coordinates", Choice())
        if chosen is None:
            return
        format = formats[chosen.format]
        suffix = format.suffix.lstrip(".")
        path = self._where("Save coordinates", suffix, f"{format.title} (*.{suffix})", chosen.picks)
        if path is not None:
            self.save_coordinates(path, chosen.picks, chosen.format)

    # saving

    def save_surfaces(self, path: Path) -> None:
        """Save the surfaces that are shown into one file, in a job."""
        wanted = {s.name: s.settings for s in self._space.scene.surfaces if s.settings.visible}
        content = self._space.content
        self._start(f"Save {path.name}", lambda: save_surfaces(content, wanted, path))

    def save_chimerax(self, path: Path) -> None:
        """Save a script for ChimeraX, with meshes of what it cannot open itself, in a job."""
        from ais_app.core.scene.chimerax import can_open

        session, scene, content = self._space.workbench.session, self._space.scene, self._space.content
        scene = scene.with_paths(lambda source: str(resolved(session, source)))
        picks: dict[str, Particles] = {
            each.name: kept(content.shown_picks[each.name].particles)
            for each in scene.picks if each.name in content.shown_picks
        }  # fmt: skip
        in_memory = [s for s in scene.surfaces if s.settings.visible and not (s.source and can_open(s.source))]
        levels = {s.name: (content.surfaces[s.name].levels, s.settings) for s in in_memory}
        scene = _without_hidden(scene)

        def job() -> Job[Path]:
            from ais_app.core.scene.chimerax import write_chimerax
            from ais_app.core.surfaces.mesh_files import write_mesh

            yield Progress(0, 1, "writing")
            meshes = {}
            for number, (name, (found, settings)) in enumerate(levels.items()):
                if found is not None:
                    meshes[name] = write_mesh(path.with_name(f"{path.stem}_{number}.glb"), found.mesh(settings))
            return write_chimerax(path, scene, picks=picks, meshes=dict(meshes))[0]

        self._start(f"Save {path.name}", job)

    def save_coordinates(self, path: Path, name: str, format: str) -> None:
        """Save a set of picks for another program, in a job."""
        shown = self._space.content.shown_picks.get(name)
        if shown is None:
            raise ParameterProblem("picks", f"there is no set {name}", "keep some first")
        self._start(f"Save {path.name}", lambda: save_coordinates(kept(shown.particles), path, format))

    def _start(self, title: str, job: Callable[[], Job[Path]]) -> None:
        workbench = self._space.workbench
        workbench.jobs.start(title, job, on_result=lambda path: workbench.notify(f"{path} was saved"))

    def _ask(self, title: str, params: Params) -> Any:
        dialog = _ParamsDialog(title, params, self)
        return dialog.form.value() if dialog.exec() == QDialog.DialogCode.Accepted else None

    def _where(self, title: str, suffix: str, kinds: str, name: str = "") -> Path | None:
        session = self._space.workbench.session
        stem = f"{self._space.scene.tomogram or 'scene'}{f'_{name}' if name else ''}"
        chosen, _ = QFileDialog.getSaveFileName(self, title, str(session.folder() / f"{stem}.{suffix}"), kinds)
        path = Path(chosen) if chosen else None
        return path if path is None or path.suffix else path.with_suffix(f".{suffix}")


class _ParamsDialog(QDialog):
    """A form, and whether to go on."""

    def __init__(self, title: str, params: Params, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.form = ParamsForm(params)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        proceed = buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert proceed is not None  # it was asked for
        proceed.setText("Choose where…")
        proceed.setProperty("role", "primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(self.form)
        column.addWidget(buttons)
        self.setMinimumWidth(360)


def _without_hidden(scene: Scene) -> Scene:
    """Leave out surfaces that are not shown: what is in memory only has no mesh then."""
    return replace(scene, surfaces=tuple(s for s in scene.surfaces if s.settings.visible or s.source))
