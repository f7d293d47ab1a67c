"""Brings to the panes what the state asks for.

    view, project ─► resolve ─► PaneView ─► planes in the cache? ─► pane.present
                                   ▲             └─ no ─► PlaneSource reads on its thread ─┐
                                   └───────────────────────────────────────────────────────┘

A pane is given image, labels and limits together, so that nothing lags behind the image. What arrives late is in the
cache, but only what the newest `PaneView` asks for is shown. When everything is shown, the next slices are read.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import partial

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from ais_app.core.display.contrast import Histogram
from ais_app.core.errors import AisAppError
from ais_app.core.tomogram import ZYX, Region
from ais_app.state.overlays import Overlays
from ais_app.state.resolve import Limits, PaneView, resolve
from ais_app.state.session import Session
from ais_app.views.slices.pane import SlicePane
from ais_app.views.slices.plane_jobs import PlaneJobs
from ais_app.views.slices.plane_keys import (
    histogram_key,
    image_key,
    key_after,
    label_key,
    meets,
    region_of,
    rows_and_columns,
)
from ais_app.views.slices.source import PlaneJob, PlaneSource
from ais_app.views.widgets.soon import Soon

AHEAD, BEHIND = 6, 2  # slices that are read before they are asked for
LATE = 300  # ms after which a pane says that it waits
QUICK = 512 * 512  # voxels of labels that are read at once; more are read off the main thread
SEEN = ("tomogram", "z", "y", "x", "slab", "linear", "y_up", "contrast", "invert", "filters", "filters_on", "labels_on",
        "predictions_on", "boxes_on", "picks_on", "crop", "z_range", "scale_bar", "axes_marker", "cross", "planes",
        "feature")  # fmt: skip


class Presenter(QObject):
    """Keeps the panes as the state is.

    Parameters
    ----------
    session
        Project and view.
    panes
        Axis to pane.
    parent
        The Qt object it belongs to; call `close` before that goes.
    """

    shown = pyqtSignal(str)  # axis of a pane that shows another image now
    problem = pyqtSignal(str, object)  # axis, the error
    adjusted = pyqtSignal()  # other grey values are black and white now
    counted = pyqtSignal(object)  # Histogram of the XY image that is shown

    def __init__(self, session: Session, panes: Mapping[str, SlicePane], parent: QObject) -> None:
        super().__init__(parent)
        self.session, self.panes = session, panes
        self.overlays = Overlays(session)
        self.source = PlaneSource(self)
        self.selected: frozenset[int] = frozenset()
        self._views: dict[str, PaneView] = {}
        self.jobs = PlaneJobs(session, self.overlays, self.source)
        self._counted: Hashable = None
        self._limits: Limits | None = None
        self._direction, self._last_z = 1, 0
        self._soon = Soon(self, self.refresh)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.timeout.connect(self._say_waiting)
        self.source.arrived.connect(self._pump)
        self.source.failed.connect(self._fail)
        self._subscribe()

    def _subscribe(self) -> None:
        view, events = self.session.view.events, self.session.events
        for name in SEEN:
            view[name].connect(self.later, check_nargs=False)
        view.contrast.connect(self._contrast)
        for signal in (events.features, events.boxes, events.picks, events.labels, events.document):
            signal.connect(self.later, check_nargs=False)
        events.labels.connect(self._labels_changed)
        for signal in (events.opened, events.tomograms):
            signal.connect(self._forget, check_nargs=False)
        events.opened.connect(self.jobs.forget)
        events.opened.connect(self._show_nothing)

    @property
    def limits(self) -> Limits | None:
        """Grey values shown as black and white now; ``None`` before they are known."""
        view, chosen = self._views.get("z"), self.session.view.contrast
        return None if view is None else self.jobs.limits(replace(view, limits=chosen))

    @property
    def histogram(self) -> Histogram | None:
        """How often grey values occur in the XY image that is shown; ``None`` before they are counted."""
        view = self._views.get("z")
        return None if view is None else self.jobs.counted(view)

    @property
    def waits(self) -> bool:
        """Whether something is still to be shown, counted or read ahead."""
        return self._soon.waits or self.source.busy

    def later(self, *_: object) -> None:
        """Bring the panes up to date when the present event is over."""
        self._soon.start()

    def select(self, boxes: frozenset[int]) -> None:
        """Draw these boxes as selected."""
        if boxes != self.selected:
            self.selected = boxes
            self.later()

    def refresh(self) -> None:
        """Bring the panes up to date."""
        if not self.session.has_project or self.session.view.tomogram is None:
            self._show_nothing()
            return
        view = self.session.view
        axes = "zyx" if view.planes == "xyz" else "z"
        views = {axis: resolve(view, self.overlays, axis, self.selected) for axis in axes}
        if {axis: v.request for axis, v in views.items()} != {axis: v.request for axis, v in self._views.items()}:
            self.source.forget_failures()
        if view.z != self._last_z:
            self._direction, self._last_z = (1 if view.z > self._last_z else -1), view.z
        self._views = views
        # all that is on screen must fit in together, and what comes next beside it
        self.source.make_room(2 * sum(_bytes(pane) for pane in views.values()))
        self._pump()

    def value_at(self, position_zyx: ZYX) -> float | None:
        """Return the grey value that is shown of a voxel; ``None`` where no pane shows it."""
        for axis, pane in self.panes.items():
            if pane.image is None or pane.shown_index != round(position_zyx["zyx".index(axis)]):
                continue
            across, up = (round(value) for value in pane.on_plane(position_zyx))
            height, width = pane.image.shape
            if 0 <= up < height and 0 <= across < width:
                return float(pane.image[up, across])
        return None

    def retry(self) -> None:
        """Open the file again and try to read what could not be read."""
        if self.session.view.tomogram is not None:
            self.session.forget_volume(self.session.view.tomogram)
        self._forget()

    def close(self) -> None:
        """End the thread."""
        self._soon.stop()
        self._late.stop()
        self.source.close()

    # showing it

    def _pump(self) -> None:
        """Show what is there, ask for the first of what is not."""
        wanted: list[PlaneJob] = []
        for axis, view in self._views.items():
            jobs = self.jobs.needed(view)
            if any(self.source.has_failed(job.key) for job in jobs):
                continue
            missing = self.source.missing(jobs)
            if missing:
                wanted = wanted or missing
            else:
                self._present(axis, view)
        if not wanted:
            self._late.stop()
            self._say_waiting()
        elif not self._late.isActive():
            self._late.start(LATE)
        next_jobs = wanted or self._count() or self.source.missing(self._ahead())
        if next_jobs:
            self.source.read(next_jobs)

    def _say_waiting(self) -> None:
        """Let the panes say for which slice they wait, if they do."""
        for axis, view in self._views.items():
            waits = self.source.busy and any(self.source.missing(self.jobs.planes(view)))
            self.panes[axis].wait_for(view.request.index if waits and view.request is not None else None)

    def _count(self) -> list[PlaneJob]:
        """Hand on the histogram of the XY image that is shown, or return the job that makes it."""
        view, pane = self._views.get("z"), self.panes["z"]
        if view is None or pane.image is None or pane.view.request != view.request:
            return []
        histogram = self.jobs.counted(view)
        if histogram is not None and histogram_key(view) != self._counted:
            self._counted = histogram_key(view)
            self.counted.emit(histogram)
        return self.source.missing([self.jobs.histogram(view, pane.image)])

    def _present(self, axis: str, view: PaneView) -> None:
        limits = self.jobs.limits(view)
        image = self.source.get(image_key(view))
        planes = {
            label.feature: self.source.get(label_key(view, label.feature, label.version)) for label in view.labels
        }
        if image is None or limits is None or any(plane is None for plane in planes.values()):
            return  # it did not stay in the cache, or XY comes first
        pane = self.panes[axis]
        is_new = image is not pane.image
        other_limits = limits != self._limits
        self._limits = limits
        pane.present(view, image, planes, limits)  # type: ignore[arg-type]  # none is None
        if is_new:
            self.shown.emit(axis)
        if other_limits:
            self.adjusted.emit()

    def _ahead(self) -> list[PlaneJob]:
        """Return what will be needed if a person goes on through the slices."""
        main = self._views.get("z")
        if main is None or main.request is None:
            return []
        most = self.source.cache.most_bytes // 2 // max(5 * main.shape[1] * main.shape[2], 1)
        steps = [self._direction * n for n in range(1, AHEAD + 1)] + [
            -self._direction * n for n in range(1, BEHIND + 1)
        ]
        indices = [main.request.index + step for step in steps[:most]]
        near = [replace(main.request, index=z) for z in indices if 0 <= z < main.shape[0]]
        # not the limits: they are those of the slice in view
        return [job for request in near for job in self.jobs.planes(replace(main, request=request))]

    def _show_nothing(self) -> None:
        """Empty the panes; no tomogram is in view, or another project is open."""
        self._begin_anew()
        for pane in self.panes.values():
            pane.present_nothing()
            if not self.session.has_project:
                pane.forget_cameras()

    def _fail(self, key: tuple[object, ...], error: BaseException) -> None:
        for axis, view in self._views.items():
            if any(job.key == key for job in self.jobs.needed(view)):
                self.problem.emit(axis, error)
                if not isinstance(error, (AisAppError, OSError)):
                    raise error  # a fault of the program, not of the file

    # what changes

    def _contrast(self, limits: Limits | None, _: Limits | None) -> None:
        if limits is None:
            self.jobs.choose_again()

    def _forget(self, *_: object) -> None:
        self.source.clear()
        self._begin_anew()
        self.later()

    def _begin_anew(self) -> None:
        """Forget what is shown: what comes next is news, also where it looks the same."""
        self._views, self._limits, self._counted = {}, None, None

    def _labels_changed(self, tomogram: int, feature: int, region: Region) -> None:
        """Take over a change of labels: what it did not touch stays valid, what is on screen is changed at once."""
        if all(known.id != feature for known in self.overlays.features):
            return  # it was removed, with its labels
        if all(known.id != tomogram for known in self.session.project.tomograms):
            return  # it was closed, with its labels; that is announced after them
        version = self.overlays.version(tomogram, feature)
        self.source.cache.rename(partial(key_after, tomogram, feature, region, version))
        for axis, pane in self.panes.items():
            plane = pane.labels.plane(feature) if pane.view.tomogram == tomogram else None
            if plane is None or pane.shown_index is None or not meets(region, axis, pane.shown_index):
                continue
            rows, columns = rows_and_columns(region, axis, plane.shape)
            if (rows.stop - rows.start) * (columns.stop - columns.start) > QUICK:
                continue  # read with the next refresh, off the main thread
            part = self.session.project.labels(tomogram, feature).read(region_of(axis, pane.shown_index, rows, columns))
            part = part.squeeze("zyx".index(axis))
            pane.labels.settle(feature, rows, columns, part.T if axis == "x" else part)
            fresh = pane.labels.plane(feature)
            assert fresh is not None  # it was settled
            self.source.cache.put(label_key(pane.view, feature, version), fresh)
            pane.canvas.update()


def _bytes(view: PaneView) -> int:
    """Return what the planes of a pane take: the image, its histogram, the labels of each feature."""
    across, up = view.size
    return across * up * (4 + len(view.labels)) + 4096
