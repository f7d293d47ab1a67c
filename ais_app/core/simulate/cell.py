"""Lay out a specimen: supports, membranes, filaments, beads, complexes, each where there is room left."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from ais_app.core.errors import DataWarning
from ais_app.core.jobs import Job, Progress
from ais_app.core.simulate.complexes import MEMBRANE_PROTEIN, add_complexes, add_membrane_proteins, parse_complexes
from ais_app.core.simulate.filaments import add_actin, add_microtubules
from ais_app.core.simulate.membranes import add_sheets, add_vesicles
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.scene import Scene
from ais_app.core.simulate.supports import add_beads, add_carbon


def build_scene(params: SimulateParams, seed: int) -> Job[Scene]:
    """Make a specimen.

    Parameters
    ----------
    params
        What to put in.
    seed
        The same seed and parameters give the same specimen. Each kind of structure draws from its own stream, so
        that more beads leave the membranes as they are.
    """
    names = [*parse_complexes(params.complexes)]
    if params.n_membrane_proteins and MEMBRANE_PROTEIN not in names:
        names.append(MEMBRANE_PROTEIN)
    scene = Scene(params, names)
    steps: list[tuple[str, Callable[[Scene, np.random.Generator], None]]] = [
        ("supports", add_carbon),
        ("sheets", add_sheets),
        ("microtubules", add_microtubules),
        ("vesicles", add_vesicles),
        ("actin", add_actin),
        ("beads", add_beads),
        ("membrane proteins", add_membrane_proteins),
    ]
    *streams, last = np.random.default_rng([seed, 0]).spawn(len(steps) + 1)
    for done, ((name, add), rng) in enumerate(zip(steps, streams, strict=True)):
        yield Progress(done, len(steps) + 1, f"lay out {name}")
        add(scene, rng)
    yield from add_complexes(scene, last)
    _warn_if_full(scene)
    return scene


def _warn_if_full(scene: Scene) -> None:
    counts = [(name, scene.placed[name], wanted) for name, wanted in scene.requested.items()]
    found = [f"{name} {placed} of {wanted}" for name, placed, wanted in counts if placed < wanted]
    occupancy = scene.params.occupancy
    if scene.unfilled > 0.1 * occupancy:
        found.append(f"complexes fill {occupancy - scene.unfilled:.3f} of {occupancy:.3f}")
    if found:
        remedy = "ask for fewer, or a larger or thicker volume"
        warnings.warn(DataWarning(f"phantom: not everything found room ({', '.join(found)}); {remedy}"), stacklevel=2)
