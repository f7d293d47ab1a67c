"""Commands about the Render tab: surfaces, picks, slice, volume, light, camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ais_app.core.errors import ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.scene.camera import Camera
from ais_app.core.scene.scene import ClipPlane, Scene, ScenePicks, SceneSlice, SceneSurface, SceneVolume
from ais_app.core.tomogram import tomogram_name
from ais_app.state import scene_store as store
from ais_app.state.log import command
from ais_app.state.records import PickSet
from ais_app.state.session import Session

if TYPE_CHECKING:  # pandas, below it, takes a second to import
    from ais_app.core.particle_set import Particles

VIEWS = {"x": (90.0, 0.0), "y": (180.0, 0.0), "z": (0.0, 90.0)}  # azimuth and elevation of the eye


def refresh(session: Session) -> Scene:
    """List new exports and picks of the tomogram in view; return the scene."""
    scene = store.listed_scene(session)
    if session.tomogram is not None:
        store.put_scene(session, scene)
    return scene


@command("Show {path} as a surface")
def add_surface(session: Session, path: str | Path, voxel_size: float | None = None) -> str:
    """Add a segmentation to the scene; return the name of its surface.

    Parameters
    ----------
    path
        Probability 0…1, 0…127 or 0…255, or a mask.
    voxel_size
        Å; where the file does not say it. That of the tomogram is taken where both have the same shape.

    Raises
    ------
    FileProblem
        It is no volume that can be read.
    ParameterProblem
        Its voxel size is not known.
    """
    path = Path(path).resolve()
    scene, entry = store.listed_scene(session), session.tomogram
    volume = open_tomogram(path, voxel_size=voxel_size)
    if volume.voxel_size_zyx is None and entry is not None and volume.shape == entry.shape:
        voxel_size = entry.voxel_size
    elif volume.voxel_size_zyx is None:
        raise ParameterProblem(path, "the voxel size is not known", "set it in the header: ais-app convert")
    known = next((surface.name for surface in scene.surfaces if surface.source == str(path)), None)
    store.leave_out(session, path, False)
    if known is None:
        name = tomogram_name(path) if entry is None else store.feature_of(path, entry)
        scene = store.with_surface(session, scene, name, str(path), voxel_size)
    store.put_scene(session, scene)
    return known or scene.surfaces[-1].name


def add_prediction(session: Session, name: str, level: float) -> str:
    """Add a surface of a prediction that is in memory only; return its name."""
    scene = store.listed_scene(session)
    known = next((surface.name for surface in scene.surfaces if not surface.source and surface.name == name), None)
    if known is None:
        scene = store.with_surface(session, scene, name, "")
        last = scene.surfaces[-1]
        settings = replace(last.settings, level=min(max(level, 0.001), 1.0))
        scene = replace(scene, surfaces=(*scene.surfaces[:-1], replace(last, settings=settings)))
        store.put_scene(session, scene)
    return known or scene.surfaces[-1].name


@command("Take surface {name} out of the scene")
def remove_surface(session: Session, name: str) -> None:
    """Take a surface out; its file stays."""
    scene = store.scene_of(session)
    surface = _surface(scene, name)
    if surface.source:
        store.leave_out(session, Path(surface.source), True)
    store.put_scene(session, replace(scene, surfaces=tuple(s for s in scene.surfaces if s.name != name)))


@command("Surface {name}: {settings}")
def change_surface(session: Session, name: str, **settings: Any) -> None:
    """Change level, dust (Å³), smoothing, binning, colour, opacity or visible of a surface; see `SurfaceSettings`."""
    scene = store.scene_of(session)
    changed = replace(_surface(scene, name), settings=replace(_surface(scene, name).settings, **settings))
    surfaces = tuple(changed if surface.name == name else surface for surface in scene.surfaces)
    store.put_scene(session, replace(scene, surfaces=surfaces))


@command("Picks {name}: {fields}")
def change_picks(session: Session, name: str, **fields: Any) -> None:
    """Change how a set of picks is drawn: style, size (Å), template, colour, opacity, visible; see `ScenePicks`."""
    scene = store.scene_of(session)
    picks = tuple(replace(each, **fields) if each.name == name else each for each in scene.picks)
    store.put_scene(session, replace(scene, picks=picks))


@command("Scene: {fields}")
def change_scene(session: Session, **fields: Any) -> None:
    """Change background, transparent, bounding_box, axes or scale_bar of the scene; see `Scene`."""
    store.put_scene(session, replace(store.scene_of(session), **fields))


@command("Light: {fields}")
def change_lights(session: Session, **fields: Any) -> None:
    """Change ambient, diffuse, specular or outline; see `Lights`."""
    scene = store.scene_of(session)
    store.put_scene(session, replace(scene, lights=replace(scene.lights, **fields)))


@command("Clip along {axis} at {place}")
def clip(session: Session, axis: str | None, place: float = 0.5, flipped: bool = False) -> None:
    """Hide what lies beyond a plane.

    Parameters
    ----------
    axis
        What the plane is perpendicular to: ``"x"``, ``"y"``, ``"z"``; ``None`` for no clipping.
    place
        From 0, one face of the tomogram, to 1, the other.
    flipped
        Hide what lies before it instead.
    """
    scene = store.scene_of(session)
    box = store.box_of(scene)
    if axis is None or box is None:
        store.put_scene(session, replace(scene, clip_planes=()))
        return
    along = "xyz".index(axis)
    point, normal = [float(value) for value in (box[0] + box[1]) / 2], [0.0, 0.0, 0.0]
    point[along] = float(box[0][along] + place * (box[1][along] - box[0][along]))
    normal[along] = 1.0 if flipped else -1.0
    plane = ClipPlane(point_xyz=(point[0], point[1], point[2]), normal_xyz=(normal[0], normal[1], normal[2]))
    store.put_scene(session, replace(scene, clip_planes=(plane,)))


@command("Slice of the scene: {fields}")
def change_slice(session: Session, **fields: Any) -> None:
    """Show a slice of the tomogram in the scene, or change it: axis, index, opacity, visible; see `SceneSlice`."""
    scene, entry = store.scene_of(session), session.tomogram
    if entry is None:
        return
    start = SceneSlice(name=entry.name, source=str(entry.path), axis="z", index=session.view.z, visible=False)
    before = scene.slices[0] if scene.slices else start
    axis = fields.get("axis", before.axis)
    if axis != before.axis and "index" not in fields:
        fields["index"] = getattr(session.view, axis)
    length = entry.shape["zyx".index(axis)]
    index = min(max(int(fields.get("index", before.index)), 0), length - 1)
    store.put_scene(session, replace(scene, slices=(replace(before, **{**fields, "index": index}),)))


def move_slice(session: Session, step: int) -> None:
    """Move the slice in the scene; a hidden one is shown first."""
    scene = store.scene_of(session)
    if scene.slices and scene.slices[0].visible:
        change_slice(session, index=scene.slices[0].index + step)
    else:
        change_slice(session, visible=True)


@command("Volume of the scene: {fields}")
def change_volume(session: Session, **fields: Any) -> None:
    """Show the tomogram as a volume, or change how: style, opacity, low, high, visible; see `SceneVolume`."""
    scene, entry = store.scene_of(session), session.tomogram
    if entry is None:
        return
    start = SceneVolume(name=entry.name, source=str(entry.path), style="minip", colours="gray_r", visible=False)
    before = scene.volumes[0] if scene.volumes else start
    store.put_scene(session, replace(scene, volumes=(replace(before, **fields),)))


def look(session: Session, camera: Camera) -> None:
    """Look at the scene from elsewhere."""
    if session.tomogram is not None:
        store.put_scene(session, replace(store.scene_of(session), camera=camera))


@command("Look along {axis}")
def look_along(session: Session, axis: str) -> None:
    """Look along an axis, with the whole tomogram in the picture."""
    azimuth, elevation = VIEWS[axis]
    scene = store.scene_of(session)
    look(session, store.whole(scene, replace(scene.camera, azimuth=azimuth, elevation=elevation)))


@command("Field of view {degrees}")
def set_perspective(session: Session, degrees: float) -> None:
    """Choose the field of view in degrees, the whole tomogram in it; 0 is a parallel view, of one scale everywhere."""
    scene = store.scene_of(session)
    look(session, store.whole(scene, replace(scene.camera, field_of_view=degrees)))


@command("Show the whole scene")
def look_at_everything(session: Session) -> None:
    """Look at the scene as at first."""
    scene = store.scene_of(session)
    fresh = replace(store.START, field_of_view=scene.camera.field_of_view)
    look(session, store.whole(scene, fresh))


@command("Keep picks {name}")
def keep_picks(
    session: Session,
    name: str,
    particles: Particles,
    source: Any = None,
    feature: str | None = None,
    diameter: float | None = None,
) -> PickSet:
    """Store picks of the tomogram in view in the project, in place of a set of this name.

    Parameters
    ----------
    name
        Of the set.
    particles
        Å from the centre of voxel (0, 0, 0) of the tomogram.
    source
        How they were made, JSON-able.
    feature
        What they are of; where the project has no such feature, none.
    diameter
        Å.
    """
    project, entry = session.project, session.tomogram
    if entry is None:
        raise ParameterProblem("picks", "there is no tomogram in view", "open one first")
    known = {each.name for each in project.features}
    radius = None if diameter is None else diameter / 2
    kept = project.add_picks(
        entry, name, particles, source, feature=feature if feature in known else None, radius=radius, replace=True
    )
    refresh(session)
    return kept


@command("Add a pick to {name}")
def add_pick(session: Session, name: str, position_zyx: tuple[float, float, float]) -> int:
    """Add a pick, Å from the centre of voxel (0, 0, 0); return its id."""
    import numpy as np

    from ais_app.core.particle_set import Particles

    added = session.project.pick_store(_pick_set(session, name)).add(Particles(np.array([position_zyx])))
    return int(added[0])


@command("Remove picks {ids} of {name}")
def remove_picks(session: Session, name: str, ids: list[int]) -> None:
    """Remove picks by their ids."""
    session.project.pick_store(_pick_set(session, name)).remove(ids)


@command("Remove picks {name}")
def remove_pick_set(session: Session, name: str) -> None:
    """Remove a set of picks, as one step of undo."""
    session.project.remove_picks(_pick_set(session, name))


def _pick_set(session: Session, name: str) -> PickSet:
    entry = session.tomogram
    sets = [] if entry is None else session.project.picks(entry)
    for pick_set in sets:
        if pick_set.name == name:
            return pick_set
    raise ParameterProblem("picks", f"there is no set {name}", "it was removed: undo brings it back")


def _surface(scene: Scene, name: str) -> SceneSurface:
    for surface in scene.surfaces:
        if surface.name == name:
            return surface
    raise ParameterProblem("surface", f"there is none called {name}", "it was taken out of the scene")


def picks_look(scene: Scene, name: str) -> ScenePicks:
    """Return how a set of picks is drawn."""
    return next((picks for picks in scene.picks if picks.name == name), ScenePicks(name=name))
