"""Sample filaments: trace them in a segmentation and place particles along them."""

from __future__ import annotations

from dataclasses import replace

from ais_app.core.coordinates import Particles
from ais_app.core.filaments import FilamentParams, sample_filaments, trace_filaments
from ais_app.core.pickers import Picker
from ais_app.core.tomogram import ZYX, LazyArray, mean_size


def pick_filaments(volume: LazyArray, voxel_size_zyx: ZYX, params: FilamentParams) -> Particles:
    """Trace the filaments of a segmentation and sample them.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1.
    voxel_size_zyx
        Å.
    params
        Lengths in Å.

    Returns
    -------
    Particles
        As `sample_filaments` gives them, longest filament first.
    """
    z, y, x = volume.shape
    filaments = trace_filaments(volume, voxel_size_zyx, params)
    return replace(
        sample_filaments(filaments, (z, y, x), voxel_size_zyx, params),
        shape_zyx=(z, y, x),
        voxel_size=mean_size(voxel_size_zyx),
    )


PICKER = Picker("filaments", "Filaments: samples along traced axes", FilamentParams, pick_filaments)
