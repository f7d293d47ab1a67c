"""What each pane of the slice view must show, resolved from the state into frozen values.

ViewState ─┐
           ├─► resolve(view, overlays, axis) ──► PaneView
Overlays  ─┘        the pane compares it with the one before and touches only what differs
"""

from __future__ import annotations

from dataclasses import dataclass

from ais_app.core.annotation.boxes import Box
from ais_app.core.display.view_slice import FilterSetting, SliceRequest
from ais_app.core.tomogram import ZYX, mean_size
from ais_app.state.overlays import Overlays, PickView
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.view_state import ViewState

# which axis of the tomogram runs to the right, and which upwards, in the plane perpendicular to each
ACROSS_UP = {"z": ("x", "y"), "y": ("x", "z"), "x": ("z", "y")}
NEAR = 2  # slices from its own at which a box is still shown, faintly

Limits = tuple[float, float]


@dataclass(frozen=True)
class LabelView:
    """The labels of one feature in a pane."""

    feature: int
    colour: str
    opacity: float
    outline: bool
    version: int


@dataclass(frozen=True)
class BoxView:
    """A training box where it crosses a plane: its centre and size in voxels of the pane."""

    id: int
    feature: int
    across: float
    up: float
    width: float
    height: float
    colour: str
    strength: float
    selected: bool


@dataclass(frozen=True)
class PaneView:
    """All that one pane shows.

    Parameters
    ----------
    axis
        The axis its plane is perpendicular to.
    tomogram
        Id; ``None`` when nothing is in view, and then the rest is empty.
    shape, voxel_size_zyx
        Of the tomogram.
    request
        The plane.
    limits
        Grey values shown as black and white; ``None`` for automatic ones.
    invert, linear
        As in `ViewState`.
    flipped
        The vertical axis grows downwards.
    labels, boxes, picks
        What lies over it.
    cross
        Where the other planes cross it (across, up).
    crop
        (left, right, low, high): edges in voxels.
    predictions, scale_bar, axes_marker
        Whether they are shown.
    """

    axis: str
    tomogram: int | None = None
    shape: tuple[int, int, int] = (1, 1, 1)
    voxel_size_zyx: ZYX | None = None
    request: SliceRequest | None = None
    limits: Limits | None = None
    invert: bool = False
    linear: bool = False
    flipped: bool = False
    labels: tuple[LabelView, ...] = ()
    boxes: tuple[BoxView, ...] = ()
    picks: tuple[PickView, ...] = ()
    cross: tuple[float, float] | None = None
    crop: tuple[float, float, float, float] | None = None
    predictions: bool = True
    scale_bar: bool = True
    axes_marker: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Voxels across and up."""
        across, up = ACROSS_UP[self.axis]
        lengths = dict(zip("zyx", self.shape, strict=True))
        return lengths[across], lengths[up]

    @property
    def aspect(self) -> tuple[float, float]:
        """Length of a voxel across and up; that along x is 1, also where nothing is known."""
        size = dict(zip("zyx", self.voxel_size_zyx or (1.0, 1.0, 1.0), strict=True))
        across, up = ACROSS_UP[self.axis]
        return size[across] / size["x"], size[up] / size["x"]

    @property
    def mean_voxel(self) -> tuple[float, float, float]:
        """How many voxels one of mean size is, across, up and along the axis: radii in voxels are of mean size."""
        size = self.voxel_size_zyx or (1.0, 1.0, 1.0)
        lengths = dict(zip("zyx", (mean_size(size) / length for length in size), strict=True))
        across, up = ACROSS_UP[self.axis]
        return lengths[across], lengths[up], lengths[self.axis]


def resolve(view: ViewState, overlays: Overlays, axis: str, selected: frozenset[int] = frozenset()) -> PaneView:
    """Return what the pane perpendicular to `axis` must show; `selected` are ids of boxes."""
    if view.tomogram is None:
        return PaneView(axis, scale_bar=False, axes_marker=False)
    entry = overlays.entry(view.tomogram)
    index = min(max(getattr(view, axis), 0), entry.shape["zyx".index(axis)] - 1)
    return PaneView(
        axis,
        tomogram=entry.id,
        shape=entry.shape,
        voxel_size_zyx=entry.voxel_size_zyx,
        request=SliceRequest(axis, index, view.slab, active_filters(view)),
        limits=view.contrast,
        invert=view.invert,
        linear=view.linear,
        flipped=not view.y_up and axis != "y",
        labels=_labels(view, overlays) if view.labels_on else (),
        boxes=_boxes(view, overlays, axis, index, selected) if view.boxes_on else (),
        picks=overlays.picks(entry.id) if view.picks_on else (),
        cross=_on_plane(axis, (view.z, view.y, view.x)) if view.cross else None,
        crop=_crop(view, entry, axis),
        predictions=view.predictions_on,
        scale_bar=view.scale_bar and axis == "z",  # the three panes have one scale
        axes_marker=view.axes_marker,
    )


def active_filters(view: ViewState) -> tuple[FilterSetting, ...]:
    """Return the display filters that act."""
    if not view.filters_on:
        return ()
    return tuple(setting for setting in map(FilterSetting.from_dict, view.filters) if setting.enabled)


def _on_plane(axis: str, position_zyx: ZYX) -> tuple[float, float]:
    at = dict(zip("zyx", position_zyx, strict=True))
    across, up = ACROSS_UP[axis]
    return at[across], at[up]


def _labels(view: ViewState, overlays: Overlays) -> tuple[LabelView, ...]:
    assert view.tomogram is not None  # resolve has seen to it
    return tuple(
        LabelView(
            feature.id, feature.colour, feature.opacity, feature.outline, overlays.version(view.tomogram, feature.id)
        )
        for feature in overlays.features
        if feature.visible
    )


def _boxes(view: ViewState, overlays: Overlays, axis: str, index: int, selected: frozenset[int]) -> tuple[BoxView, ...]:
    assert view.tomogram is not None  # resolve has seen to it
    found = []
    for feature in overlays.features:
        if feature.visible:
            for box in overlays.boxes(view.tomogram, feature.id):
                strength = _strength(box, feature.box_size, axis, index)
                if strength > 0:
                    found.append(_box(box, feature, axis, strength, box.id in selected))
    return tuple(found)


def _strength(box: Box, own_size: int, axis: str, index: int) -> float:
    """Return how clearly a box is shown: 1 on its slice, less beside it; 0 where the plane does not meet it."""
    far = abs(box.centre_zyx["zyx".index(axis)] - index)
    if axis == "z":
        return 1.0 if far <= 0.5 else 0.35 if far <= NEAR + 0.5 else 0.0
    return 1.0 if far <= (box.size or own_size) / 2 else 0.0


def _box(box: Box, feature: Feature, axis: str, strength: float, selected: bool) -> BoxView:
    across, up = _on_plane(axis, box.centre_zyx)
    edge = float(box.size or feature.box_size)
    # seen from the side it is a line: boxes are squares on one slice
    width, height = (0.0 if name == "z" else edge for name in ACROSS_UP[axis])
    return BoxView(box.id or 0, feature.id, across, up, width, height, feature.colour, strength, selected)


def _crop(view: ViewState, entry: TomogramEntry, axis: str) -> tuple[float, float, float, float] | None:
    if view.crop is None and view.z_range is None:
        return None
    depth, height, width = entry.shape
    if axis == "z" and view.crop is None:
        return None
    y0, y1, x0, x1 = view.crop or (0, height, 0, width)
    z0, z1 = view.z_range or (0, depth)
    # a region that was drawn on a larger tomogram ends where this one does
    spans = {"z": (z0, min(z1, depth)), "y": (y0, min(y1, height)), "x": (x0, min(x1, width))}
    (left, right), (low, high) = (spans[name] for name in ACROSS_UP[axis])
    return left - 0.5, right - 0.5, low - 0.5, high - 0.5
