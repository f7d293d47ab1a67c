"""Live-wire: clicks along a membrane; the line between them follows it and is painted at the end.

pointer, clicks ──► Latest (off the main thread) ──► paths between the clicks, and on to the pointer ──► draft
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ais_app.core.annotation.livewire import LiveWire
from ais_app.core.errors import AisAppError
from ais_app.core.jobs import JobCancelled
from ais_app.core.tomogram import ZYX
from ais_app.state.commands import annotate
from ais_app.views.annotate.drawing import Drawing
from ais_app.views.annotate.hand import Hand
from ais_app.views.slices.pointer import PointerEvent
from ais_app.workers.latest import Latest

Voxel = tuple[int, int]  # within the plane, in the order z, y, x
Way = tuple[Voxel, Voxel]


class LiveWireTool:
    """A path from click to click. The button that begins it says whether it is painted (left) or erased (right).

    A double click or Enter paints it with the width of the brush, Backspace takes the last click back, Escape gives up.

    Parameters
    ----------
    hand
        What tools share.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._line = Drawing(hand)
        self._latest = Latest("live-wire", hand)
        self._wire: LiveWire | None = None
        self._clicks: list[Voxel] = []
        self._paths: dict[Way, np.ndarray] = {}
        self._index = 0
        self._pointer: Voxel | None = None

    def press(self, event: PointerEvent) -> bool:
        """Begin a path, or hold on to it here."""
        if event.button not in ("left", "right") or event.control:
            return False
        if event.clicks == 2 and self._line.belongs(event):
            self.finish()
            return True
        if not self._line.is_begun and not self._begin(event):
            return True
        if self._line.belongs(event):
            voxel = self._voxel(event)
            if voxel is not None and voxel not in self._clicks[-1:]:
                self._clicks.append(voxel)
            self._ask()
        return True

    def drag(self, event: PointerEvent) -> None:
        """Follow the pointer."""
        self.hover(event)

    def release(self, event: PointerEvent) -> None:  # noqa: D102 - as `Tool`
        pass

    def hover(self, event: PointerEvent) -> None:
        """Show the path on to here."""
        self._hand.show_ring(event)
        if self._line.belongs(event):
            self._pointer = self._voxel(event)
            self._ask()

    def finish(self) -> None:
        """Paint the path."""
        line, session = self._line, self._hand.session
        if line.on is None or self._wire is None:
            return
        wire, clicks, known = self._wire, list(self._clicks), self._paths
        axis, label, index = line.axis, line.label, self._index
        self.cancel()

        def paint() -> None:
            ways = zip(clicks[:-1], clicks[1:], strict=True)
            path = [np.array(clicks[:1])] + [known[way] if way in known else wire.path(*way) for way in ways]
            annotate.trace(session, _in_space(np.concatenate(path), axis, index), axis=axis, label=label)

        self._hand.attempt(paint)

    def step_back(self) -> None:
        """Take the last click back."""
        if len(self._clicks) > 1:
            self._clicks.pop()
            self._ask()
        else:
            self.cancel()

    def cancel(self) -> None:
        """Give the path up."""
        self._latest.drop()
        self._line.end()
        self._wire, self._clicks, self._paths, self._pointer = None, [], {}, None

    def close(self) -> None:
        """End the thread."""
        self._latest.close()

    def _begin(self, event: PointerEvent) -> bool:
        try:
            image = self._hand.image_plane(event.axis)
            self._wire = LiveWire(image, dark=self._hand.session.view.follow_dark)
        except AisAppError as error:
            self._hand.refuse(error)
            return False
        self._clicks, self._paths = [], {}
        self._index = self._hand.pane(event).index
        return self._line.begin(event)

    def _voxel(self, event: PointerEvent) -> Voxel | None:
        """Return the voxel under the pointer, of those in the plane the nearest."""
        shape = self._hand.session.tomogram.shape if self._hand.session.tomogram is not None else (1, 1, 1)
        row, column = (
            min(max(round(value), 0), length - 1)
            for name, value, length in zip("zyx", event.position_zyx, shape, strict=True)
            if name != event.axis
        )
        return row, column

    def _ask(self) -> None:
        """Ask for the paths that are not known yet."""
        wire, known = self._wire, dict(self._paths)
        stops = [*self._clicks, self._pointer] if self._pointer is not None else list(self._clicks)
        ways = [way for way in zip(stops[:-1], stops[1:], strict=True) if way not in known and way[0] != way[1]]
        if wire is None or not ways:
            self._show()
            return

        def find(cancelled: Callable[[], bool]) -> dict[Way, np.ndarray]:
            for way in ways:
                if cancelled():
                    raise JobCancelled
                known[way] = wire.path(*way)
            return known

        self._latest.request(find, self._take)

    def _take(self, paths: dict[Way, np.ndarray]) -> None:
        # of the ways to the pointer only the newest counts; those between clicks are kept for the end
        self._paths = paths
        self._show()

    def _show(self) -> None:
        if not self._line.is_begun or not self._clicks:
            return
        stops = [*self._clicks, self._pointer] if self._pointer is not None else list(self._clicks)
        pieces = [np.array(stops[:1])]
        for way in zip(stops[:-1], stops[1:], strict=True):
            pieces.append(self._paths.get(way, np.array(way)))
        axis, index = self._line.axis, self._index
        self._line.show(
            _in_space(np.concatenate(pieces), axis, index), _in_space(np.array(self._clicks), axis, index)
        )  # fmt: skip


def _in_space(path: np.ndarray, axis: str, index: int) -> list[ZYX]:
    """Return voxels within a plane, (n, 2), as positions z, y, x."""
    z, y, x = np.insert(np.asarray(path, dtype=float), "zyx".index(axis), float(index), axis=1).T
    return list(zip(z.tolist(), y.tolist(), x.tolist(), strict=True))
