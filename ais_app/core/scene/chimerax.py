"""A script for UCSF ChimeraX that opens a scene in place: maps, surfaces, picks, colours, dust, camera, light.

Syntax as in the ChimeraX user guide (commands open, volume, surface dust, color, transparency, camera, view, clip,
lighting; Meng et al., Protein Science 32, e4792, 2023). A command file is run in its own folder, so paths are relative
to it. Models get their numbers in the order in which they are opened: the script belongs into an empty session.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.files import write_text
from ais_app.core.io import open_tomogram
from ais_app.core.particle_set import Particles
from ais_app.core.probability import scale_of
from ais_app.core.scene import chimerax_files
from ais_app.core.scene.instances import instances
from ais_app.core.scene.scene import Scene, ScenePicks, SceneSlice, SceneSurface, SceneVolume, relative_path
from ais_app.core.surfaces.mesh import first_voxel_zyx
from ais_app.core.tomogram import Tomogram

# what ChimeraX reads, and how it is to be read where it would take the suffix for something else
_MAP_FORMATS = {
    ".mrc": "", ".map": "", ".ccp4": "", ".rec": "mrc", ".st": "mrc", ".mrcs": "mrc",
    ".tif": "", ".tiff": "", ".hdf": "", ".h5": "", ".hdf5": "",
}  # fmt: skip
_ASPECT = 4 / 3  # of ChimeraX's window, whose horizontal angle is asked for
_SHRINKING = 10  # rounds of ChimeraX's smoothing, which shrinks, at most


def write_chimerax(
    path: str | Path,
    scene: Scene,
    *,
    picks: Mapping[str, Particles] | None = None,
    meshes: Mapping[str, str | Path] | None = None,
) -> list[Path]:
    """Write a ChimeraX command file and what it needs beside it.

    Parameters
    ----------
    path
        The script, .cxc.
    scene
        Sources are opened where they are; what is not visible is opened and hidden.
    picks
        Name of a set of picks to its particles, of this tomogram; sets without an entry are left out.
    meshes
        Name of a surface, or of a set of picks drawn as maps, to a file of its mesh (GLB, STL or OBJ), which is
        opened instead. For surfaces that are in no file, or in one that ChimeraX does not read.

    Returns
    -------
    list of Path
        The script and the files written for it, ``<script>_<name>.cmm`` or ``.bild``.

    Raises
    ------
    ParameterProblem
        A visible surface has neither a mesh nor a file that ChimeraX reads.
    FileProblem
        A file cannot be read or written, or its name cannot be written in a script.
    """
    script = _Script(Path(path), dict(picks or {}), dict(meshes or {}))
    for surface in scene.surfaces:
        script.surface(surface)
    for volume in scene.volumes:
        script.image(volume)
    for one in scene.slices:
        script.image(one)
    for chosen in scene.picks:
        script.picks(chosen, scene)
    if scene.bounding_box and scene.shape_zyx is not None and scene.voxel_size_zyx is not None:
        script.box(scene)
    lines = [
        f"# {scene.tomogram or 'scene'}, by ais-app. Open in an empty session: models are numbered.",
        *script.lines,
    ]
    lines += [*_look(scene), *(_clipping(scene) if len(script) else ()), *_camera(scene)]
    return [write_text(path, "\n".join(lines) + "\n"), *script.written]


def can_open(source: str | Path) -> bool:
    """Return whether ChimeraX reads a volume of this name."""
    return Path(source).suffix.lower() in _MAP_FORMATS


def quoted_path(path: str) -> str:
    """Return a path as one word of a command.

    ChimeraX ends a quoted word at a quote that a space or the end of the line follows, and knows no escapes in paths.

    Raises
    ------
    FileProblem
        No kind of quote can hold it.
    """
    word = f"./{path}" if path.startswith("~") or path == "browse" else path
    for quote in ('"', "'"):
        if not re.search(rf"{quote}\s|[\r\n]", word):
            return f"{quote}{word}{quote}"
    raise FileProblem(path, "has a name that a ChimeraX script cannot hold", "rename it, without quotes or line ends")


class _Script:
    """The commands so far, and how many models they open."""

    def __init__(self, path: Path, picks: dict[str, Particles], meshes: dict[str, str | Path]) -> None:
        self.path, self.particles, self.meshes = path, picks, meshes
        self.lines: list[str] = []
        self.written: list[Path] = []
        self._models = 0

    def __len__(self) -> int:
        return self._models

    def surface(self, surface: SceneSurface) -> None:
        """Open a surface: the mesh where there is one, otherwise the map with its level."""
        settings = surface.settings
        if surface.name in self.meshes:
            model = self._open(self.meshes[surface.name], surface.name)
            self._coloured(model, settings.colour, settings.opacity)
        elif surface.source and can_open(surface.source):
            volume = open_tomogram(surface.source, voxel_size=surface.voxel_size)
            model = self._map(surface.source, surface.name, volume)
            level = settings.level * scale_of(volume)
            self.lines.append(
                f"volume {model} style surface step {settings.binning} level {level:.6g} color {settings.colour}"
                f" transparency {1 - settings.opacity:.4g}"
            )
            if settings.smoothing:
                rounds = min(settings.smoothing, _SHRINKING)
                self.lines.append(f"volume {model} surfaceSmoothing true smoothingIterations {rounds}")
            if settings.dust > 0:
                # Å³ enclosed by each connected piece of the surface, which must be there to be measured
                self.lines.append(f"volume {model} calculateSurfaces true")
                self.lines.append(f"surface dust {model} size {settings.dust:.6g} metric volume")
        else:
            problem = f"ChimeraX does not read {surface.source}" if surface.source else "is in no file"
            raise ParameterProblem(surface.name, problem, "export its mesh with the script")
        self._hidden(model, settings.visible)

    def image(self, shown: SceneVolume | SceneSlice) -> None:
        """Open a volume as an image, or one slice of it."""
        if not can_open(shown.source):
            text = f"{shown.source or shown.name}: ChimeraX does not read it, the script leaves it out"
            warnings.warn(DataWarning(f"{text}; convert it to .mrc"), stacklevel=3)
            return
        volume = open_tomogram(shown.source, voxel_size=shown.voxel_size)
        model = self._map(shown.source, shown.name, volume)
        low, high = _contrast(shown, volume)
        words = [f"volume {model} style image level {low:.6g},0 level {high:.6g},1 color white"]
        if isinstance(shown, SceneSlice):
            words.append(f"planes {shown.axis},{shown.index}")
        elif shown.style == "mip":
            words.append("maximumIntensityProjection true")
        self.lines.append(" ".join(words))
        self._hidden(model, shown.visible)

    def picks(self, shown: ScenePicks, scene: Scene) -> None:
        """Open picks as a mesh, as arrows or as markers."""
        if shown.name in self.meshes:
            model = self._open(self.meshes[shown.name], shown.name)
            self._coloured(model, shown.colour, shown.opacity)
        elif shown.name not in self.particles:
            return
        else:
            placed = instances(self.particles[shown.name], scene.first_voxel_zyx)
            if shown.style == "arrows":
                text, suffix = chimerax_files.arrows(placed, shown.size, shown.colour, shown.opacity), ".bild"
            else:
                text, suffix = chimerax_files.marker_set(shown.name, placed, shown.size, shown.colour), ".cmm"
            model = self._open(self._beside(shown.name, suffix, text), shown.name)
            if suffix == ".cmm" and shown.opacity < 1:
                self.lines.append(f"transparency {model} {100 * (1 - shown.opacity):.4g} target a")
        self._hidden(model, shown.visible)

    def box(self, scene: Scene) -> None:
        """Draw the edges of the tomogram, at the outer faces of its voxels."""
        assert scene.shape_zyx is not None  # asked for by the caller
        assert scene.voxel_size_zyx is not None
        size = np.array(scene.voxel_size_zyx)
        low = np.array(scene.first_voxel_zyx) - size / 2
        high = low + size * scene.shape_zyx
        dark = sum(int(scene.background[i : i + 2], 16) for i in (1, 3, 5)) < 384
        text = chimerax_files.box(low[::-1], high[::-1], "#9aa0a6" if dark else "#5f6770")
        self._open(self._beside("box", ".bild", text), "bounding box")

    def _map(self, source: str, name: str, volume: Tomogram) -> str:
        """Open a map and put it where the program has it, whatever ChimeraX makes of its header."""
        model = self._open(source, name, _MAP_FORMATS[Path(source).suffix.lower()])
        sizes = ",".join(f"{size:.6g}" for size in volume.require_voxel_size_zyx()[::-1])
        origin = ",".join(f"{value:.6g}" for value in first_voxel_zyx(volume)[::-1])
        self.lines.append(f"volume {model} voxelSize {sizes} origin {origin} region all step 1")
        return model

    def _open(self, source: str | Path, name: str, form: str = "") -> str:
        self._models += 1
        word = quoted_path(relative_path(source, self.path.resolve().parent))
        kind = f" format {form}" if form else ""
        self.lines.append(f'open {word} name "{_plain_name(name)}"{kind}')
        return f"#{self._models}"

    def _beside(self, name: str, suffix: str, text: str) -> Path:
        file = self.path.with_name(f"{self.path.stem}_{re.sub(r'[^0-9A-Za-z.-]+', '_', name) or 'picks'}{suffix}")
        self.written.append(write_text(file, text))
        return file

    def _coloured(self, model: str, colour: str, opacity: float) -> None:
        self.lines.append(f"color {model} {colour} target s")
        if opacity < 1:
            self.lines.append(f"transparency {model} {100 * (1 - opacity):.4g} target s")

    def _hidden(self, model: str, visible: bool) -> None:
        if not visible:
            self.lines.append(f"hide {model} models")


def _plain_name(name: str) -> str:
    """Return a name without what quotes, escapes or ends a word."""
    return " ".join(re.sub(r'["\\\x00-\x1f]', " ", name).split()) or "unnamed"


def _contrast(shown: SceneVolume | SceneSlice, volume: Tomogram) -> tuple[float, float]:
    """Return the grey values for black and white; where the scene has none, from the middle slice."""
    if shown.low is not None and shown.high is not None:
        return shown.low, shown.high
    low, high = np.percentile(volume.slab(volume.shape[0] // 2), [0.5, 99.5])
    return (float(low) if shown.low is None else shown.low), (float(high) if shown.high is None else shown.high)


def _look(scene: Scene) -> Iterator[str]:
    lights = scene.lights
    yield f"set bgColor {scene.background}"
    yield f"lighting simple ambientIntensity {lights.ambient:.4g} intensity {lights.diffuse:.4g} fillIntensity 0"
    yield "lighting direction 0,0,-1 depthCue false"
    yield f"material specularReflectivity {lights.specular:.4g}"
    yield (
        f"graphics silhouettes true width {lights.outline:.4g}" if lights.outline > 0 else "graphics silhouettes false"
    )


def _clipping(scene: Scene) -> Iterator[str]:
    """Yield up to two planes: ChimeraX has a front and a back one that move with the scene."""
    planes = [plane for plane in scene.clip_planes if plane.enabled]
    for which, plane in zip(("front", "back"), planes, strict=False):
        point, normal = (",".join(f"{v:.6g}" for v in vector) for vector in (plane.point_xyz, plane.normal_xyz))
        # without a model ChimeraX takes the axis in the coordinates of the screen
        yield f"clip {which} 0 position {point} axis {normal} coordinateSystem #1"
    if len(planes) > 2:
        text = f"{len(planes)} clip planes: ChimeraX has two, the script leaves the others out"
        warnings.warn(DataWarning(text), stacklevel=3)


def _camera(scene: Scene) -> Iterator[str]:
    camera = scene.camera
    # ChimeraX wants the horizontal angle; the shorter side is the vertical one
    seen = replace(camera, field_of_view=camera.field_of_view or 30.0)
    across = 2 * np.rad2deg(np.arctan(_ASPECT * np.tan(np.deg2rad(seen.field_of_view) / 2)))
    yield f"camera mono fieldOfView {across:.5g}"
    yield "view matrix camera " + ",".join(f"{value:.7g}" for value in seen.pose().ravel())
    yield "cofr " + ",".join(f"{value:.6g}" for value in camera.centre_xyz)
    if camera.field_of_view == 0:
        yield "camera ortho"  # keeps the width that is seen at the centre of rotation
