"""What each pane of the slice view must show, resolved from the state into frozen values.

    ViewState ─┐
               ├─► resolve(view, overlays, axis) ──► PaneView
    Overlays  ─┘        the pane compares it with the one before and touches only what differs

`Overlays` is what the project holds about a tomogram, read once and again when the project says that it has changed.
A label version rises with every change of that feature's labels: planes that were read under another version are stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.display.view_slice import FilterSetting, SliceRequest
from ais_app.core.tomogram import ZYX, mean_size
from ais_app.state import particle_classes
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.session import Session
from ais_app.state.view_state import ViewState

# which axis of the tomogram runs to the right, and which upwards, in the plane perpendicular to each
ACROSS_UP = {"z": ("x", "y"), "y": ("x", "z"), "x": ("z", "y")}
NEAR = 2  # slices from its own at which a box is still shown, faintly
PICK_RADIUS = 50.0  # Å, of picks that do not say

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


@dataclass(frozen=True, eq=False)
class PickView:
    """A set of picks; compared by identity, and made anew when it has changed.

    Parameters
    ----------
    name
        Of the set.
    colour
        ``#rrggbb``.
    positions_zyx
        (n, 3) voxel indices.
    radii
        (n,) voxels.
    colours
        (n,) of the picks, by their classes; ``None`` where all have that of the set.
    """

    name: str
    colour: str
    positions_zyx: np.ndarray
    radii: np.ndarray
    colours: tuple[str, ...] | None = None


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


class Overlays:
    """What the project holds about the tomograms, as the slice view needs it; read when asked, forgotten when changed.

    Parameters
    ----------
    session
        Whose project.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._features: tuple[Feature, ...] | None = None
        self._entries: dict[int, TomogramEntry] = {}
        self._boxes: dict[tuple[int, int], tuple[Box, ...]] = {}
        self._picks: dict[int, tuple[PickView, ...]] = {}
        self._annotated: dict[tuple[int, int], tuple[int, ...]] = {}
        self._versions: dict[tuple[int, int], int] = {}
        events = session.events
        events.opened.connect(self.forget)
        events.tomograms.connect(self.forget)
        events.features.connect(self._forget_features)
        events.boxes.connect(self._forget_boxes)
        events.picks.connect(self._forget_picks)
        events.document.connect(self._forget_classes)
        events.planes.connect(self._forget_planes)
        events.labels.connect(self._count_labels)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features in the order of the list."""
        if self._features is None:
            self._features = tuple(self.session.project.features)
        return self._features

    def entry(self, tomogram: int) -> TomogramEntry:
        """Return what the project knows of a tomogram."""
        if tomogram not in self._entries:
            self._entries[tomogram] = self.session.project.tomogram(tomogram)
        return self._entries[tomogram]

    def boxes(self, tomogram: int, feature: int) -> tuple[Box, ...]:
        """Return the boxes of a feature."""
        key = (tomogram, feature)
        if key not in self._boxes:
            self._boxes[key] = tuple(self.session.project.boxes(tomogram, self._feature(feature)))
        return self._boxes[key]

    def picks(self, tomogram: int) -> tuple[PickView, ...]:
        """Return the pick sets of a tomogram, in voxels; none where the voxel size is not known."""
        if tomogram not in self._picks:
            self._picks[tomogram] = tuple(self._read_picks(self.entry(tomogram)))
        return self._picks[tomogram]

    def annotated(self, tomogram: int, feature: int) -> tuple[int, ...]:
        """Return the annotated slices (z) of a feature, in order."""
        key = (tomogram, feature)
        if key not in self._annotated:
            store = self.session.project.labels(tomogram, self._feature(feature))
            self._annotated[key] = tuple(store.annotated_slices())
        return self._annotated[key]

    def version(self, tomogram: int, feature: int) -> int:
        """Return a number that rises with every change of the labels."""
        return self._versions.get((tomogram, feature), 0)

    def forget(self) -> None:
        """Read everything anew."""
        self._entries.clear()
        self._boxes.clear()
        self._picks.clear()
        self._annotated.clear()
        self._features = None

    def _feature(self, feature: int) -> Feature:
        return next(known for known in self.features if known.id == feature)

    def _read_picks(self, entry: TomogramEntry) -> Iterable[PickView]:
        if entry.voxel_size_zyx is None:
            return
        colours = {feature.id: feature.colour for feature in self.features}
        known = particle_classes.classes(self.session.project)
        for pick_set in self.session.project.picks(entry.id):
            picks = self.session.project.pick_store(pick_set).read()
            radii = np.full(len(picks), PICK_RADIUS) if picks.radii is None else picks.radii
            radii = np.where(np.isnan(radii), PICK_RADIUS, radii)
            colour = colours.get(pick_set.feature or 0, "#FFFFFF")
            positions = picks.positions_zyx / np.array(entry.voxel_size_zyx)
            each = particle_classes.colours_of(picks, known, colour)
            yield PickView(pick_set.name, colour, positions, radii / float(entry.voxel_size or 1.0), each)

    def _forget_features(self) -> None:
        self._features = None
        self._boxes.clear()  # a feature that was removed took its boxes along
        self._picks.clear()  # picks have its colour
        self._annotated.clear()

    def _forget_boxes(self, tomogram: int, feature: int) -> None:
        self._boxes.pop((tomogram, feature), None)

    def _forget_picks(self, tomogram: int, pick_set: int) -> None:
        self._picks.pop(tomogram, None)

    def _forget_classes(self, document: str) -> None:
        if document == particle_classes.DOCUMENT:
            self._picks.clear()

    def _forget_planes(self, tomogram: int, feature: int) -> None:
        self._annotated.pop((tomogram, feature), None)

    def _count_labels(self, tomogram: int, feature: int, region: object) -> None:
        self._versions[tomogram, feature] = self.version(tomogram, feature) + 1


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
