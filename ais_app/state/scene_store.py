"""The scene of the Render tab: kept in the project for each tomogram, outside of its history.

What lies in the folders of results is listed by itself; what a person took out of the list stays out.

    <tomogram>__<feature>.mrc in the folder of exports ─┐
    pick sets of the tomogram ──────────────────────────┼──► listed_scene ──► project.display("scene:<id>")
    what a person added or changed ─────────────────────┘
"""

from __future__ import annotations

from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.core.errors import AisAppError, ProjectProblem
from ais_app.core.scene.camera import Camera, around
from ais_app.core.scene.scene import ClipPlane, Scene, ScenePicks, SceneSurface
from ais_app.core.scene.surface import SurfaceSettings
from ais_app.core.surfaces.mesh import first_voxel_zyx, rgb_of
from ais_app.core.tomogram import ZYX, Tomogram, tomogram_name
from ais_app.state.records import PickSet, TomogramEntry
from ais_app.state.session import Session

PREFIX = "scene:"
LEFT_OUT = "scene-left-out:"
LAST = "scene-last"  # the tomogram whose scene was changed last: others begin with its looks
EXPORTS = "export"  # display setting: the folder of exports chosen last
FOLDER = "segmented"
START = Camera(azimuth=-18.0, elevation=52.0)  # x to the right, y away from the eye, as one looks at a map on a table
PICK_DIAMETER = 200.0  # Å, of a set that does not say


def scene_of(session: Session) -> Scene:
    """Return the scene of the tomogram in view as it was left; a new one where there is none, empty without tomogram.

    Raises
    ------
    ParameterProblem
        What the project holds is no scene that this version knows.
    """
    entry = session.tomogram
    if entry is None:
        return Scene(camera=START)
    stored = session.project.display(f"{PREFIX}{entry.id}")
    return _new(session, entry) if stored is None else Scene.from_dict(stored)


def put_scene(session: Session, scene: Scene) -> None:
    """Keep the scene of the tomogram in view."""
    entry = session.tomogram
    if entry is None:
        raise ProjectProblem("scene", "there is no tomogram in view", "open one first")
    session.project.set_display(f"{PREFIX}{entry.id}", scene.to_dict())
    session.project.set_display(LAST, entry.id)


def is_scene(session: Session, name: str) -> bool:
    """Return whether a display setting is the scene of the tomogram in view."""
    return name == f"{PREFIX}{session.view.tomogram}"


def listed_scene(session: Session) -> Scene:
    """Return the scene with everything that belongs into it now: new exports and picks in, picks that are gone out.

    Where another voxel size was set it is in the new frame, and seen whole.
    """
    scene, entry = scene_of(session), session.tomogram
    if entry is None:
        return scene
    scene = _framed(session, entry, scene)
    sets = session.project.picks(entry)
    known = {picks.name: picks for picks in scene.picks}
    scene = replace(scene, picks=tuple(known.get(s.name) or _new_picks(session, s) for s in sets))
    there = {Path(surface.source) for surface in scene.surfaces if surface.source} | left_out(session)
    for path in exported(session, entry):
        if path not in there:
            scene = with_surface(session, scene, feature_of(path, entry), str(path))
    return scene


def with_surface(
    session: Session, scene: Scene, name: str, source: str, voxel_size: float | None = None
) -> Scene:  # fmt: skip
    """Return the scene with one more surface, in the colour of its feature; a name that is taken gets a number."""
    names = {surface.name for surface in scene.surfaces}
    unique = next(n for n in (name, *(f"{name} {i}" for i in range(2, len(names) + 3))) if n not in names)
    features = {feature.name: feature.colour for feature in session.project.features}
    taken = {surface.settings.colour.lower() for surface in scene.surfaces}
    free = [colour for colour in FEATURE_COLOURS if colour.lower() not in taken]
    colour = features.get(name) or (free or FEATURE_COLOURS)[0]
    settings = SurfaceSettings(colour=colour.lower())
    surface = SceneSurface(unique, source, _looks_of(session, unique) or settings, voxel_size)
    return replace(scene, surfaces=(*scene.surfaces, surface))


def exported(session: Session, entry: TomogramEntry) -> list[Path]:
    """Return the segmentations of a tomogram in the folders where results go."""
    found: dict[str, Path] = {}
    for folder in result_folders(session):
        if folder.is_dir():
            for path in sorted(folder.glob(f"{escape(entry.name)}__*.mrc")):
                found.setdefault(path.name, path.resolve())
    return list(found.values())


def result_folders(session: Session) -> list[Path]:
    """Return where results of the project may be: where it exports to, and beside it."""
    chosen = session.project.display(EXPORTS)
    folders = [Path(chosen)] if chosen else []
    return [*folders, session.folder() / FOLDER, session.folder()]


def resolved(session: Session, source: str) -> Path:
    """Return where a file of the scene is now: where it was, or in a folder of results under the same name."""
    path = Path(source)
    if path.exists():
        return path
    places = (folder / path.name for folder in result_folders(session))
    return next((place for place in places if place.exists()), path)


def left_out(session: Session) -> set[Path]:
    """Return the exports that a person took out of the list."""
    return {Path(path) for path in session.project.display(f"{LEFT_OUT}{session.view.tomogram}", [])}


def leave_out(session: Session, path: Path, wanted: bool) -> None:
    """Leave an export out of the list, or list it again."""
    paths = left_out(session) | {path} if wanted else left_out(session) - {path}
    name = f"{LEFT_OUT}{session.view.tomogram}"
    session.project.set_display(name, sorted(str(each) for each in paths) or None)


def feature_of(path: Path, entry: TomogramEntry) -> str:
    """Return the feature that a file of a segmentation is of, by its name."""
    name = tomogram_name(path)
    return name.removeprefix(f"{entry.name}__") or name


def frame_of(session: Session, entry: TomogramEntry) -> ZYX:
    """Return where the centre of the tomogram's first voxel lies in the scene, Å; 0 where its file is not found."""
    try:
        volume = session.volume(entry.id)
    except AisAppError:  # the slice view says what is wrong with the file; its results can be shown all the same
        return (0.0, 0.0, 0.0)
    return (0.0, 0.0, 0.0) if volume.voxel_size_zyx is None else first_voxel_zyx(volume)


def whole(scene: Scene, camera: Camera | None = None) -> Camera:
    """Return a camera with all of the tomogram in the picture, looking as `camera` or that of the scene does."""
    box = box_of(scene)
    return (camera or scene.camera) if box is None else around(box[0], box[1], camera or scene.camera)


def box_of(scene: Scene) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the least and the greatest corner of the tomogram, (3,) each, x y z in Å; ``None`` without one."""
    if scene.voxel_size_zyx is None or scene.shape_zyx is None:
        return None
    size, shape = np.array(scene.voxel_size_zyx), np.array(scene.shape_zyx)
    low = np.array(scene.first_voxel_zyx) - size / 2
    return low[::-1], (low + size * shape)[::-1]


def mismatch(scene: Scene, volume: Tomogram) -> str:
    """Return in words how a volume lies elsewhere than the tomogram; empty where both cover the same."""
    if scene.voxel_size_zyx is None or scene.shape_zyx is None or volume.voxel_size_zyx is None:
        return ""
    extents = [[n * s / 10 for n, s in zip(shape, sizes, strict=True)] for shape, sizes in
               ((volume.shape, volume.voxel_size_zyx), (scene.shape_zyx, scene.voxel_size_zyx))]  # fmt: skip
    slack = [2 * max(a, b) / 10 for a, b in zip(volume.voxel_size_zyx, scene.voxel_size_zyx, strict=True)]
    if all(abs(a - b) <= s for a, b, s in zip(*extents, slack, strict=True)):
        return ""
    own, other = (" × ".join(f"{length:.4g}" for length in reversed(extent)) for extent in extents)
    return f"covers {own} nm (x y z), the tomogram {other} nm"


def _new(session: Session, entry: TomogramEntry) -> Scene:
    """Return the scene of a tomogram that was not looked at yet: with the looks of the one shown last."""
    looks = _last(session) or Scene(camera=START)
    rest: dict[str, Any] = {"surfaces": (), "volumes": (), "slices": (), "picks": (), "clip_planes": ()}
    return _framed(session, entry, replace(looks, tomogram=entry.name, voxel_size_zyx=None, shape_zyx=None, **rest))


def _framed(session: Session, entry: TomogramEntry, scene: Scene) -> Scene:
    """Return a scene in the frame that its tomogram has now; all of it is seen where that is another one."""
    if (scene.voxel_size_zyx, scene.shape_zyx) == (entry.voxel_size_zyx, entry.shape):
        return scene
    frame: dict[str, Any] = {"voxel_size_zyx": entry.voxel_size_zyx, "shape_zyx": entry.shape}
    now = replace(scene, first_voxel_zyx=frame_of(session, entry), **frame)
    box, before = box_of(now), box_of(scene)
    planes = () if box is None or before is None else (_carried(plane, before, box) for plane in scene.clip_planes)
    return replace(now, camera=whole(now), clip_planes=tuple(planes))


def _carried(plane: ClipPlane, before: tuple[np.ndarray, np.ndarray], box: tuple[np.ndarray, np.ndarray]) -> ClipPlane:
    """Return a plane at the same place of a box that is as large now as another was before."""
    share = (np.array(plane.point_xyz) - before[0]) / (before[1] - before[0])
    x, y, z = (box[0] + share * (box[1] - box[0])).tolist()
    return replace(plane, point_xyz=(x, y, z))


def _last(session: Session) -> Scene | None:
    """Return the scene that was changed last, of whichever tomogram."""
    stored = session.project.display(f"{PREFIX}{session.project.display(LAST)}")
    return None if stored is None else Scene.from_dict(stored)


def _looks_of(session: Session, name: str) -> SurfaceSettings | None:
    """Return how a feature of this name looked in the scene shown last."""
    before = _last(session)
    surfaces = () if before is None else before.surfaces
    return next((surface.settings for surface in surfaces if surface.name == name), None)


def _new_picks(session: Session, pick_set: PickSet) -> ScenePicks:
    """Return how a set looks at first: as large as it says, lighter than its feature, whose surface it lies in."""
    colours = {each.id: each.colour for each in session.project.features}
    radii = session.project.pick_store(pick_set).read().radii
    known = np.empty(0) if radii is None else radii[np.isfinite(radii)]
    diameter = 2 * float(np.median(known)) if len(known) else PICK_DIAMETER
    colour = lighter(colours.get(pick_set.feature or 0) or "#e69f00")
    return ScenePicks(name=pick_set.name, size=diameter, colour=colour)


def lighter(colour: str) -> str:
    """Return a colour, ``#rrggbb``, that stands out from a surface of the given one."""
    red, green, blue = ((value + 255) // 2 for value in rgb_of(colour))
    return f"#{red:02x}{green:02x}{blue:02x}"
