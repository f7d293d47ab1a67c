"""Samples along filaments, with orientations and the columns that helical processing reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ais_app.core.coordinates import Particles
from ais_app.core.filaments.axis import Filament
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.joining import JUNCTION
from ais_app.core.filaments.parameters import FilamentParams
from ais_app.core.filaments.sections import moving_frames
from ais_app.core.geometry import matrices_to_relion, rotation_about
from ais_app.core.tomogram import ZYX

STRAIGHT = 1e6  # Å, the largest radius of curvature that is written


def sample_positions(curve: Curve, spacing: float, fit_ends: bool = False) -> np.ndarray:
    """Return the arc lengths of the samples, (n,) Å.

    The spacing is exact and what is left over is split evenly between the two ends. A closed curve has no ends: its
    spacing is stretched so that it goes into the length a whole number of times; so it is with `fit_ends`, which
    puts the first and the last sample on the ends.
    """
    if curve.closed or fit_ends:
        return curve.steps(spacing)
    count = int(np.floor(curve.length / spacing * (1 + 1e-9)))
    rest = curve.length - count * spacing
    return np.clip(rest / 2 + spacing * np.arange(count + 1), 0.0, curve.length)


def rotations_along(curve: Curve, arc: np.ndarray, twist: float = 0.0) -> np.ndarray:
    """Return rotations, (n, 3, 3), that turn the reference's z axis to the tangent.

    Between samples the frame follows the curve without turning about it; on top of that each sample is turned by
    `twist` degrees about the tangent from the one before: positive for a right-handed helix. Its `rot` in RELION's
    convention falls by the same amount.
    """
    step = min(20.0, curve.length / 50)
    # the frame is carried in small steps, so that it does not depend on the spacing
    fine = np.union1d(arc, curve.steps(step))
    across, up = moving_frames(curve.tangents(fine))
    at = np.searchsorted(fine, arc)
    tangents = curve.tangents(arc)
    frames = np.stack([across[at][:, ::-1], up[at][:, ::-1], tangents[:, ::-1]], axis=-1)
    return frames @ rotation_about("z", twist * np.arange(len(arc)))


def sample_filaments(
    filaments: Sequence[Filament], shape_zyx: tuple[int, int, int], voxel_size_zyx: ZYX, params: FilamentParams
) -> Particles:
    """Sample filaments into particles.

    Parameters
    ----------
    filaments
        Numbered from 1 in this order.
    shape_zyx, voxel_size_zyx
        Of the volume they were traced in, voxels and Å.
    params
        ``spacing``, ``fit_ends``, ``twist`` and ``border_margin``.

    Returns
    -------
    Particles
        In order along each filament. ``scores`` are the filaments' mean probabilities; ``table`` has

        - ``rlnHelicalTubeID``, ``rlnHelicalTrackLengthAngst`` (Å from the filament's start), ``rlnAngleTiltPrior``,
          ``rlnAnglePsiPrior`` (degrees) and ``rlnAnglePsiFlipRatio`` (0.5: which end is which is not known),
          as RELION's helical picking writes them (He and Scheres, J. Struct. Biol. 198 (2017));
        - ``aisFilamentID``, ``aisFilamentLength`` (Å), ``aisRadiusOfCurvature`` (Å, at most 10⁶) and
          ``aisFilamentConnectivity`` (0 middle, 1 free end or border, 2 junction).
    """
    parts = [_sample(filament, number, params) for number, filament in enumerate(filaments, start=1)]
    sampled = Particles.concatenate([_no_samples(), *parts])
    size = np.asarray(voxel_size_zyx, dtype=float)
    # the face of the volume is half a voxel outside the first centre
    from_face = sampled.positions_zyx + size / 2
    depth = np.minimum(from_face, np.array(shape_zyx) * size - from_face).min(axis=1, initial=np.inf)
    return sampled[depth >= params.border_margin] if params.border_margin else sampled


def _sample(filament: Filament, number: int, params: FilamentParams) -> Particles:
    curve = filament.curve
    arc = sample_positions(curve, params.spacing, params.fit_ends)
    rotations = rotations_along(curve, arc, params.twist)
    _, tilt, psi = matrices_to_relion(rotations).T
    connectivity = np.zeros(len(arc), dtype=int)
    if not curve.closed:
        connectivity[-1] = 2 if filament.ends[1] == JUNCTION else 1
        connectivity[0] = 2 if filament.ends[0] == JUNCTION else 1
    table = {
        "rlnHelicalTubeID": np.full(len(arc), number),
        "rlnHelicalTrackLengthAngst": arc,
        "rlnAngleTiltPrior": tilt,
        "rlnAnglePsiPrior": psi,
        "rlnAnglePsiFlipRatio": np.full(len(arc), 0.5),
        "aisFilamentID": np.full(len(arc), number),
        "aisFilamentLength": np.full(len(arc), curve.length),
        "aisRadiusOfCurvature": 1 / np.maximum(curve.curvature(arc), 1 / STRAIGHT),
        "aisFilamentConnectivity": connectivity,
    }
    return Particles(
        curve.points(arc), rotations=rotations, scores=np.full(len(arc), filament.score), table=pd.DataFrame(table)
    )


def _no_samples() -> Particles:
    return Particles(np.empty((0, 3)), rotations=np.empty((0, 3, 3)), scores=np.empty(0))
