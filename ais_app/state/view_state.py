"""How a person looks at a tomogram: which slice, which feature, which tool. Views follow it, commands set it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from psygnal import SignalGroupDescriptor

TABS = ("annotate", "train", "export", "render", "particles")
AXES = ("z", "y", "x")


@dataclass
class ViewState:
    """What the window shows; each field has an event of its own: ``view.events.z.connect(...)``.

    Parameters
    ----------
    tab
        One of `TABS`.
    tomogram, feature
        Ids in the project; ``None`` when nothing is chosen.
    z, y, x
        Voxel at the crossing of the three planes.
    planes
        Which planes are shown: ``"xy"`` or ``"xyz"`` (XY with XZ and YZ).
    slab
        Slices that are averaged for display; odd.
    linear
        Interpolate between voxels instead of showing them as squares.
    y_up
        y grows upwards, as in IMOD and ChimeraX.
    contrast
        Grey values shown as black and white; ``None`` chooses them from the data.
    contrast_locked
        Keep the grey values when another tomogram is shown.
    invert
        Swap black and white.
    filters
        The display filters in order: mappings with name, params, enabled.
    filters_on
        Apply them.
    tool
        Name of the tool in the hand, see `ais_app.views.annotate`.
    brush_3d
        The brush is a ball instead of a disk.
    ignoring
        Tools mark what they paint as ignore (2): left out of training.
    over_background
        Tools leave alone what is painted already, of any feature.
    sensitivity
        Of the flood brush, 0 to 1.
    follow_dark
        The live-wire follows what is darker than its surroundings; bright ridges when ``False``.
    labels_on, predictions_on, boxes_on, picks_on
        What is drawn over the slice.
    crop
        (y0, y1, x0, x1) voxels that prediction and export are restricted to; ``None`` for all.
    z_range
        (first, last + 1) slices for export; ``None`` for all.
    scale_bar, axes_marker, cross
        What is drawn beside the image.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    tab: str = "annotate"
    tomogram: int | None = None
    feature: int | None = None
    z: int = 0
    y: int = 0
    x: int = 0
    planes: str = "xy"
    slab: int = 1
    linear: bool = False
    y_up: bool = True
    contrast: tuple[float, float] | None = None
    contrast_locked: bool = False
    invert: bool = False
    filters: tuple[dict[str, Any], ...] = ()
    filters_on: bool = True
    tool: str = "brush"
    brush_3d: bool = False
    ignoring: bool = False
    over_background: bool = False
    sensitivity: float = 0.5
    follow_dark: bool = True
    labels_on: bool = True
    predictions_on: bool = True
    boxes_on: bool = True
    picks_on: bool = True
    crop: tuple[int, int, int, int] | None = None
    z_range: tuple[int, int] | None = None
    scale_bar: bool = True
    axes_marker: bool = True
    cross: bool = False
