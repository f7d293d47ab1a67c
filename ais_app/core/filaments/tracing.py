"""The whole way from a probability map to filaments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.filaments.axis import Filament, trace_axis
from ais_app.core.filaments.joining import JoinLimits, Strand, join_crossings, join_gaps
from ais_app.core.filaments.parameters import FilamentParams
from ais_app.core.filaments.pruning import prune
from ais_app.core.filaments.sections import window_around
from ais_app.core.filaments.skeleton import centre_lines, fill_sections, skeleton_graph
from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX, LazyArray


def trace_filaments(volume: LazyArray, voxel_size_zyx: ZYX, params: FilamentParams) -> list[Filament]:
    """Trace the filaments of a segmentation.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1; may be lazy. NaN counts as background.
    voxel_size_zyx
        Å.
    params
        Lengths in Å.

    Returns
    -------
    list of Filament
        Longest first. Each runs from its end with the lower coordinate along the axis on which its ends are farthest
        apart.

    Raises
    ------
    ParameterProblem
        The volume has not three axes.
    """
    if len(volume.shape) != 3:
        raise ParameterProblem("volume", f"has {len(volume.shape)} axes", "give a volume (z, y, x)")
    tolerance = min(voxel_size_zyx) / 2 if params.tolerance is None else params.tolerance
    filaments = []
    for strand in _strands(volume, voxel_size_zyx, params):
        window = window_around(volume, voxel_size_zyx, strand.points_zyx, 6 * strand.radius + 4 * max(voxel_size_zyx))
        filament = trace_axis(
            _directed(strand), window, threshold=params.threshold, tolerance=tolerance, centre=params.centre
        )
        if filament.curve.length >= params.min_length:
            filaments.append(filament)
    return sorted(filaments, key=lambda f: (-round(f.curve.length, 3), *f.curve.points(np.zeros(1))[0]))


def _strands(volume: LazyArray, voxel_size_zyx: ZYX, params: FilamentParams) -> list[Strand]:
    mask = labelling.at_least(volume, params.threshold)
    if params.lumen_radius:
        mask = fill_sections(mask, voxel_size_zyx, params.lumen_radius)
    graph = skeleton_graph(centre_lines(mask, voxel_size_zyx, params.min_volume), voxel_size_zyx)
    limits = JoinLimits(params.max_bend, params.min_bend_radius)
    strands = join_crossings(prune(graph, params.spur_length), limits, params.max_overlap)
    strands = join_gaps(strands, limits, params.max_gap)
    # the ends found later add about one radius each
    return [s for s in strands if len(s.points_zyx) > 1 and s.length + 8 * s.radius >= params.min_length]


def _directed(strand: Strand) -> Strand:
    way = strand.points_zyx[-1] - strand.points_zyx[0]
    if strand.closed or way[np.argmax(np.abs(way))] >= 0:
        return strand
    return replace(strand, points_zyx=strand.points_zyx[::-1], ends=strand.ends[::-1])
