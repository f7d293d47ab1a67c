"""What must be read or computed so that a pane can show what was resolved; grey-value limits and histograms with it."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from ais_app.core.display.contrast import Histogram, auto_contrast
from ais_app.state.overlays import Overlays
from ais_app.state.planes import read_image, read_labels
from ais_app.state.resolve import Limits, PaneView
from ais_app.state.session import Session
from ais_app.views.slices.plane_keys import histogram_key, image_key, label_key
from ais_app.views.slices.source import PlaneJob, PlaneSource


class PlaneJobs:
    """Makes the jobs of a session, and keeps what they found out about grey values.

    Automatic limits are chosen once for a tomogram, a chain of filters and a slab, from the XY slice that is shown
    first: scrolling does not change the contrast.

    Parameters
    ----------
    session
        Whose tomograms.
    overlays
        What the project says of them.
    source
        Where planes go.
    """

    def __init__(self, session: Session, overlays: Overlays, source: PlaneSource) -> None:
        self._session, self._overlays, self._source = session, overlays, source
        self._attempts = 0  # at choosing the contrast
        self.forget()

    def forget(self) -> None:
        """Forget what was found out: the tomograms of another project may have the same numbers."""
        self._auto: dict[Hashable, Limits] = {}
        self._ranges: dict[Hashable, Limits] = {}  # of histograms; new, for what is being counted goes into the old

    def planes(self, view: PaneView) -> list[PlaneJob]:
        """Return the jobs for image and labels of a pane."""
        return [self._image(view), *(self._labels(view, label.feature, label.version) for label in view.labels)]

    def needed(self, view: PaneView) -> list[PlaneJob]:
        """Return the jobs for all that a pane needs, in the order in which they are done."""
        jobs = self.planes(view)
        if view.axis == "z" and view.limits is None and self._limits_key(view) not in self._auto:
            jobs.append(PlaneJob(("limits", self._limits_key(view)), lambda: self._choose(image_key(view))))
        return jobs

    def histogram(self, view: PaneView, image: np.ndarray) -> PlaneJob:
        """Return the job that counts the grey values of an image."""
        key, ranges = _kind(view), self._ranges

        def count() -> np.ndarray:
            histogram = Histogram.of(image, *ranges.get(key, ()))
            ranges.setdefault(key, (histogram.low, histogram.high))  # the same for all slices, so that nothing jumps
            return histogram.counts

        return PlaneJob(histogram_key(view), count)

    def counted(self, view: PaneView) -> Histogram | None:
        """Return the histogram of a pane's image if it was counted."""
        counts = self._source.get(histogram_key(view))
        return None if counts is None else Histogram(*self._ranges[_kind(view)], counts)

    def limits(self, view: PaneView) -> Limits | None:
        """Return the grey values shown as black and white; ``None`` while automatic ones are not known yet."""
        if view.limits is not None:
            return view.limits
        key = self._limits_key(view)
        chosen = self._source.get(("limits", key))
        if key not in self._auto and chosen is not None:
            self._auto[key] = (float(chosen[0]), float(chosen[1]))
        return self._auto.get(key)

    def choose_again(self) -> None:
        """Choose automatic limits anew, from the slice that is shown next."""
        self._attempts += 1

    def _image(self, view: PaneView) -> PlaneJob:
        assert view.tomogram is not None and view.request is not None  # a pane without has no jobs
        entry, session, request = self._overlays.entry(view.tomogram), self._session, view.request
        return PlaneJob(image_key(view), lambda: read_image(session.volume(entry.id), request, entry.bytes))

    def _labels(self, view: PaneView, feature: int, version: int) -> PlaneJob:
        key, project = label_key(view, feature, version), self._session.project
        _, tomogram, _, axis, index, _ = key
        return PlaneJob(key, lambda: read_labels(project.labels(tomogram, feature), axis, index))

    def _choose(self, image: Hashable) -> np.ndarray:
        plane = self._source.get(image)
        assert plane is not None  # it was read just before
        limits = auto_contrast(plane)
        return np.array([limits.low, limits.high])

    def _limits_key(self, view: PaneView) -> Hashable:
        return *_kind(view), self._attempts


def _kind(view: PaneView) -> tuple[Hashable, ...]:
    """Return what images have in common whose grey values are comparable."""
    assert view.request is not None  # asked for a pane with an image
    return view.tomogram, view.request.filters, view.request.slab
