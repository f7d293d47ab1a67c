"""Subtomograms with known classes, orientations, places and masks, as a stack: benchmarks start from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_not_input, replacing
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.simulate import atoms
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.subtomograms import NOTHING, Subtomograms, simulate_subtomograms_job
from ais_app.core.simulate.templates import Template, load_template, smoothed, template_names, template_of
from ais_app.core.tomogram import Tomogram, mean_size, tomogram_name

_MAPS = (".mrc", ".map", ".ccp4", ".rec", ".mrc.gz", ".map.gz")


@dataclass(frozen=True)
class SubtomoSimulateParams(Params):
    """Boxes, particles, microscope and noise."""

    box: int = param(40, "Edge of a cube", unit="voxels", low=8, high=256)
    voxel_size: float = param(10.0, "Voxel size", unit="Å", low=2.0, high=40.0)
    number: int = param(100, "Cubes of each class", low=1, high=100000)
    snr: float = param(0.1, "Variance of signal over variance of noise in each whole cube; inf for none", low=1e-4)
    tilt: float = param(60.0, "Largest tilt; the series runs from minus to plus this", unit="°", low=5.0, high=90.0)
    tilt_step: float = param(3.0, "Angle between tilts", unit="°", low=0.25, high=30.0)
    defocus: float = param(4.0, "Underfocus; 0 leaves the contrast transfer out", unit="µm", low=0.0, high=20.0)
    dose: float = param(100.0, "Total dose, which fades detail; 0 for none", unit="e/Å²", low=0.0, high=500.0)
    shift: float = param(0.1, "Largest distance from the middle along an axis, as a share of the edge", low=0, high=0.4)
    spacing: float = param(
        1.0, "From a particle to the next, as a share of the edge; below 1 neighbours reach in", low=0.3, high=1.0
    )
    empty: bool = param(False, "Also cubes without a particle, a class of their own")
    resolution: float = param(15.0, "Of templates that are made of atoms", unit="Å", low=2.0, high=60.0)


@dataclass(frozen=True)
class SimulatedStack:
    """What was made.

    Parameters
    ----------
    path
        The stack.
    truth
        ``STACK_truth.npz``: ``labels`` (n,), ``classes`` (names), ``rotations`` (n, 3, 3), ``shifts_zyx`` (n, 3) in
        voxels, ``masks`` and ``neighbours`` (n, e, e, e) uint8.
    maps
        Class to its map without noise on the grid of the cubes, bright.
    """

    path: Path
    truth: Path
    maps: dict[str, Path]

    def __str__(self) -> str:
        return f"{', '.join(self.maps)} -> {self.path}, {self.truth.name}"


def subtomo_simulate_job(
    out: str | Path,
    params: SubtomoSimulateParams | None = None,
    *,
    templates: Sequence[str | Path] = ("ribosome", "proteasome"),
    seed: int = 0,
    known_poses: bool = False,
) -> Job[SimulatedStack]:
    """Make a stack of subtomograms of known complexes in random orientations.

    Parameters
    ----------
    out
        The stack, a folder ``NAME.zarr``; the truth and the maps are written beside it.
    params
        Boxes, microscope and noise.
    templates
        Names of shipped maps, map files, or files of atoms (see `ais_app.core.simulate.atoms`); a class each.
    seed
        The same seed gives the same cubes.
    known_poses
        Save the true poses in the stack; otherwise it has none, like a stack that was just cut out.

    Raises
    ------
    ParameterProblem
        A template is not known or too large for the box, two have one name, or an output is one of them.
    FileProblem
        A file cannot be read or written.
    """
    chosen, path = params or SubtomoSimulateParams(), Path(out)
    if path.suffix != ".zarr":
        raise ParameterProblem("out", f"{path.name} is no name of a stack", "let it end in .zarr")
    loaded = [_template(template, chosen) for template in templates]
    names = [template.name for template in loaded]
    if len(set(names)) < len(names):
        raise ParameterProblem("templates", f"two have one name ({', '.join(names)})", "rename a file")
    files = [str(each) for each in templates if Path(each).exists() and str(each) not in template_names()]
    check_not_input([path, path.with_name(f"{path.stem}_truth.npz"), *(_map_file(path, name) for name in names)], files)
    for template in loaded:
        if 2 * template.radius > chosen.box * chosen.voxel_size:
            problem = (
                f"{template.name} is {2 * template.radius:.0f} Å wide, the box {chosen.box * chosen.voxel_size:.0f} Å"
            )
            raise ParameterProblem("box", problem, "take a larger box or larger voxels")
    microscope = SimulateParams(
        **{name: getattr(chosen, name) for name in ("voxel_size", "tilt", "tilt_step", "defocus", "dose")}
    )
    options: dict[str, Any] = {"spacing": chosen.spacing, "empty": chosen.empty}
    made = yield from simulate_subtomograms_job(
        loaded, microscope, chosen.box, chosen.number, seed, chosen.shift, **options
    )
    yield Progress(1, 1, "write")
    arguments = {"out": str(path), "params": chosen, "templates": [str(t) for t in templates], "seed": seed}
    arguments |= {"known_poses": known_poses}
    return _write(path, made, loaded, chosen, known_poses, (arguments, files))


subtomo_simulate = direct(subtomo_simulate_job)


def _template(template: str | Path, params: SubtomoSimulateParams) -> Template:
    if str(template) in template_names():
        return load_template(str(template))
    path = Path(template)
    if path.name.lower().endswith(atoms.SUFFIXES):
        return atoms.template_of_atoms(path, min(5.0, params.voxel_size), params.resolution)
    if not path.name.lower().endswith(_MAPS):
        known = ", ".join(template_names())
        raise ParameterProblem("template", f"{template} is neither a known complex nor a file", f"known: {known}")
    opened = open_tomogram(path)
    density = opened.read().astype(np.float32)
    if len(set(density.shape)) > 1 or not np.isfinite(density).all() or density.max() <= 0:
        raise ParameterProblem(path, "is no cube with bright density", "crop it to a cube; invert it if it is dark")
    size = mean_size(opened.require_voxel_size_zyx("write it into the file: ais-app convert --voxel-size"))
    return template_of(np.clip(density, 0, None), size, tomogram_name(path), source=str(path))


def _write(
    path: Path,
    made: Subtomograms,
    templates: Sequence[Template],
    params: SubtomoSimulateParams,
    known_poses: bool,
    origin: tuple[dict[str, Any], list[str]],
) -> SimulatedStack:
    cubes = -(made.at(params.snr) if np.isfinite(params.snr) else made.signal)  # density is bright in stacks
    cubes -= cubes.mean((1, 2, 3), keepdims=True)
    cubes /= cubes.std((1, 2, 3), keepdims=True)
    # no tomogram is kept: the places are those of boxes side by side
    centres = np.zeros((len(made), 3))
    centres[:, 2] = (np.arange(len(made)) * params.box + params.box // 2) * params.voxel_size
    particles = Particles(
        centres, tomograms=np.full(len(made), "simulated", dtype=object), voxel_size=params.voxel_size
    )
    poses = Poses.of(made.rotations, made.shifts_zyx) if known_poses else Poses.unturned(len(made))
    arguments, files = origin
    record = provenance.record("subtomo_simulate", path, arguments, files, {"classes": list(made.classes)})
    write_stack(
        path,
        cubes.astype(np.float32),
        particles,
        [Wedge(-params.tilt, params.tilt)],
        np.zeros(len(made), np.int64),
        params.voxel_size,
        made.labels,
        poses=poses,
        notes={"class_names": list(made.classes), "contrast": "bright"},
    )
    record.write(path)
    truth = path.with_name(f"{path.stem}_truth.npz")
    with replacing(truth) as part, part.open("wb") as stream:
        np.savez_compressed(
            stream,
            labels=made.labels,
            classes=np.array(made.classes),
            rotations=made.rotations,
            shifts_zyx=made.shifts_zyx,
            masks=made.masks,
            neighbours=made.neighbours,
        )
    maps = {}
    for template in templates:
        output = _map_file(path, template.name)
        cube = map_of(template, params.box, params.voxel_size)
        maps[template.name] = write_volume(output, cube, like=Tomogram(cube, (params.voxel_size,) * 3))
    return SimulatedStack(path, truth, maps)


def _map_file(stack: Path, name: str) -> Path:
    return stack.with_name(f"{stack.stem}_{name}.mrc")


def map_of(template: Template, edge: int, voxel_size: float) -> np.ndarray:
    """Return the density of a template on a grid, (edge, edge, edge) float32, its centre at voxel ``edge // 2``."""
    from scipy.ndimage import affine_transform

    density = smoothed(template, voxel_size)
    scale = voxel_size / template.voxel_size
    offset = density.shape[0] // 2 - scale * (edge // 2)
    cube: np.ndarray = affine_transform(density, np.full(3, scale), np.full(3, offset), (edge,) * 3, order=1)
    return cube.astype(np.float32)


__all__ = ["NOTHING", "SimulatedStack", "SubtomoSimulateParams", "map_of", "subtomo_simulate", "subtomo_simulate_job"]
