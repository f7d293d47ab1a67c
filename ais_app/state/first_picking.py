"""What picking begins with: the size of a particle, as far as a project tells it.

Networks find thousands of specks beside the particles. What is much smaller than a particle, or nearer to another one
than two of them can be, is left out from the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ais_app.core.pickers.blobs import BlobParams
from ais_app.state.scene_store import PICK_DIAMETER
from ais_app.state.session import Session

SMALLEST = 0.5  # of the particle's radius: balls smaller than this are no particles


@dataclass(frozen=True)
class FirstPicking:
    """What picking begins with.

    Parameters
    ----------
    params
        How blobs are found.
    radius
        Å, of a particle.
    words
        Where the radius comes from.
    """

    params: BlobParams
    radius: float
    words: str


def first_picking(session: Session, name: str, threshold: float) -> FirstPicking:
    """Return what picking from a segmentation begins with: a particle as large as the brush of its feature.

    A person paints a ribosome with a brush of its size.

    Parameters
    ----------
    session
        Its project knows the features.
    name
        Of the segmentation. Where no feature has it a particle is `PICK_DIAMETER` across.
    threshold
        Probability from which a voxel counts.
    """
    features = session.project.features
    # "ribosome (live)" and "ribosome 2" are of the ribosome
    own = [each for each in features if name == each.name or name.startswith(f"{each.name} ")]
    feature = max(own, key=lambda each: len(each.name), default=None)
    radius = PICK_DIAMETER / 2 if feature is None else feature.brush_radius
    width = f"{2 * radius / 10:.3g} nm"
    source = "no feature has this name" if feature is None else f"as wide as the brush of {feature.name}"
    params = BlobParams(
        threshold=threshold,
        min_volume=float(f"{4 / 3 * math.pi * (SMALLEST * radius) ** 3:.2g}"),
        min_spacing=radius,
    )
    return FirstPicking(
        params, radius, f"Begins with a particle {width} across ({source}): smaller than half of that is left out."
    )
