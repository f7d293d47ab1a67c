"""All of a three-dimensional picture as plain values: stored with the project, drawn and exported again.

    Scene.to_dict() ──► JSON ──► Scene.from_dict()          in a project
    write_scene(path, scene) ──► read_scene(path)           a file, with paths relative to it

The frame of the scene is that of the headers of its files: Å, x y z, the centre of the first voxel where ChimeraX and
IMOD put it. Everything that is drawn is named by its file; numbers and looks stand beside it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import read_json, write_json
from ais_app.core.params import Params, param
from ais_app.core.scene.camera import XYZ, Camera
from ais_app.core.scene.json_values import from_json, json_value
from ais_app.core.scene.surface import SurfaceSettings
from ais_app.core.surfaces.mesh import rgb_of
from ais_app.core.tomogram import ZYX

FORMAT_VERSION = 1
_KIND = "ais-app scene"


@dataclass(frozen=True)
class SceneSurface:
    """A surface.

    Parameters
    ----------
    name
        Of the feature.
    source
        File of probabilities; empty for a prediction that was never written.
    settings
        Level, dust, smoothing, look.
    voxel_size
        Å; where the file does not say it or says it wrongly.
    """

    name: str
    source: str = ""
    settings: SurfaceSettings = field(default_factory=SurfaceSettings)
    voxel_size: float | None = None

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return self.settings.visible


@dataclass(frozen=True)
class SceneVolume(Params):
    """A volume shown as such."""

    name: str = param("", "Name")
    source: str = param("", "File of the volume")
    style: str = param("mip", "How rays add it up", choices=("mip", "attenuated_mip", "minip", "translucent"))
    low: float | None = param(None, "Grey value shown as nothing; none: chosen")
    high: float | None = param(None, "Grey value shown in full; none: chosen")
    colours: str = param("grays", "Colour map")
    opacity: float = param(1.0, "Opacity", unit="0…1", low=0, high=1)
    visible: bool = param(True, "Show the volume")
    voxel_size: float | None = param(None, "Where the file does not say it", unit="Å", low=0.01)


@dataclass(frozen=True)
class SceneSlice(Params):
    """A slice of a tomogram in the scene."""

    name: str = param("", "Name")
    source: str = param("", "File of the tomogram")
    axis: str = param("z", "What it is perpendicular to", choices=("z", "y", "x"))
    index: int = param(0, "Which slice along that axis", unit="voxels", low=0)
    low: float | None = param(None, "Grey value shown black; none: chosen")
    high: float | None = param(None, "Grey value shown white; none: chosen")
    opacity: float = param(1.0, "Opacity", unit="0…1", low=0, high=1)
    visible: bool = param(True, "Show the slice")
    voxel_size: float | None = param(None, "Where the file does not say it", unit="Å", low=0.01)


@dataclass(frozen=True)
class ScenePicks(Params):
    """A set of picks."""

    name: str = param("", "Name")
    source: str = param("", "Coordinate file")
    format: str = param("auto", "Format of the file; auto finds it from the content")
    style: str = param("balls", "What is drawn at each pick", choices=("balls", "arrows", "map"))
    size: float = param(200.0, "Diameter of the particle, length of arrows", unit="Å", low=0.01)
    template: str = param("", "Map that is drawn at each pick")
    template_level: float = param(0.5, "Density at which the surface of that map lies")
    colour: str = param("#e69f00", "Colour", unit="#rrggbb")
    opacity: float = param(1.0, "Opacity", unit="0…1", low=0, high=1)
    visible: bool = param(True, "Show the picks")

    def __post_init__(self) -> None:
        super().__post_init__()
        rgb_of(self.colour)


@dataclass(frozen=True)
class Lights(Params):
    """How surfaces are lit; the light comes from where the eye is."""

    ambient: float = param(0.35, "Light from everywhere", unit="0…1", low=0, high=1)
    diffuse: float = param(0.65, "Light from the eye", unit="0…1", low=0, high=1)
    specular: float = param(0.2, "Gloss", unit="0…1", low=0, high=1)
    outline: float = param(0.0, "Dark outline around surfaces", unit="px", low=0, high=10)


@dataclass(frozen=True)
class ClipPlane(Params):
    """A plane that hides one side of the scene."""

    point_xyz: XYZ = param((0.0, 0.0, 0.0), "A point of the plane", unit="Å")
    normal_xyz: XYZ = param((0.0, 0.0, -1.0), "Into the side that stays")
    enabled: bool = param(True, "Clip")


@dataclass(frozen=True)
class Scene:
    """A scene.

    Parameters
    ----------
    tomogram
        Name of the tomogram; the picks in coordinate files of several are those of this one.
    first_voxel_zyx
        Å; where the centre of its first voxel lies in the scene: added to the positions of picks.
    voxel_size_zyx, shape_zyx
        Of the tomogram, Å and voxels, for the bounding box; ``None`` where there is none.
    surfaces, volumes, slices, picks
        What is shown.
    camera, lights, clip_planes
        How.
    background
        ``#rrggbb``; pictures are saved without one where `transparent`.
    bounding_box, axes, scale_bar
        Whether they are drawn.
    """

    tomogram: str = ""
    first_voxel_zyx: ZYX = (0.0, 0.0, 0.0)
    voxel_size_zyx: ZYX | None = None
    shape_zyx: tuple[int, int, int] | None = None
    surfaces: tuple[SceneSurface, ...] = ()
    volumes: tuple[SceneVolume, ...] = ()
    slices: tuple[SceneSlice, ...] = ()
    picks: tuple[ScenePicks, ...] = ()
    camera: Camera = field(default_factory=Camera)
    lights: Lights = field(default_factory=Lights)
    clip_planes: tuple[ClipPlane, ...] = ()
    background: str = "#1f2124"
    transparent: bool = False
    bounding_box: bool = True
    axes: bool = True
    scale_bar: bool = True

    def __post_init__(self) -> None:
        rgb_of(self.background)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        values = {name: json_value(value) for name, value in dataclasses.asdict(self).items()}
        return {"kind": _KIND, "format_version": FORMAT_VERSION, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scene:
        """Make a scene from `to_dict`'s values.

        Raises
        ------
        ParameterProblem
            It is no scene, of a newer version, or a value is missing, unknown or out of bounds.
        """
        version = values.get("format_version")
        if values.get("kind") != _KIND or not isinstance(version, int):
            raise ParameterProblem("scene", "this is no scene of ais-app")
        if version > FORMAT_VERSION:
            raise ParameterProblem("scene", f"is of a newer version ({version})", "update ais-app")
        rest = {name: value for name, value in values.items() if name not in {"kind", "format_version"}}
        return from_json(cls, rest, "scene")

    def with_paths(self, change: Callable[[str], str]) -> Scene:
        """Return the scene with every path of a file changed."""

        def moved(path: str) -> str:
            return change(path) if path else ""

        return replace(
            self,
            surfaces=tuple(replace(surface, source=moved(surface.source)) for surface in self.surfaces),
            volumes=tuple(replace(volume, source=moved(volume.source)) for volume in self.volumes),
            slices=tuple(replace(one, source=moved(one.source)) for one in self.slices),
            picks=tuple(replace(p, source=moved(p.source), template=moved(p.template)) for p in self.picks),
        )


def write_scene(path: str | Path, scene: Scene) -> Path:
    """Write a scene as JSON; the paths in it become relative to the file where that is possible."""
    folder = Path(path).resolve().parent
    return write_json(path, scene.with_paths(lambda source: relative_path(source, folder)).to_dict())


def read_scene(path: str | Path) -> Scene:
    """Read a scene; its paths are absolute afterwards.

    Raises
    ------
    FileProblem
        The file is missing, no scene, or of a newer version.
    """
    folder = Path(path).resolve().parent
    content = read_json(path)
    if not isinstance(content, dict):
        raise FileProblem(path, "is no scene of ais-app")
    try:
        scene = Scene.from_dict(content)
    except ParameterProblem as error:
        raise FileProblem(path, f"{error.subject}: {error.problem}", error.remedy) from error
    return scene.with_paths(lambda source: os.path.normpath(folder / source))


def relative_path(path: str | Path, folder: Path) -> str:
    """Return a path relative to a folder, with ``/``; the whole path where it is on another drive."""
    try:
        return Path(os.path.relpath(Path(path).resolve(), folder.resolve())).as_posix()
    except ValueError:
        return Path(path).resolve().as_posix()
