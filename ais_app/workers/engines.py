"""Networks are taken over by the fastest engine in the background, which takes seconds; torch computes meanwhile."""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.prediction.parameters import PredictionParams

if TYPE_CHECKING:
    from ais_app.core.model.package import Model


class Engines(QObject):
    """Makes engines, one after the other.

    Parameters
    ----------
    params
        Which engine, how exact.
    parent
        The Qt object it belongs to; call `close` before that goes.
    """

    ready = pyqtSignal()  # another network has its engine

    def __init__(self, params: PredictionParams, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._params = params
        self._made: dict[Hashable, Future[Any]] = {}
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="engine")

    def is_ready(self, key: Hashable, model: Model) -> bool:
        """Whether a network has its engine; if not, it is being made, and `ready` says when it is there.

        Called from the thread that predicts. One that cannot be made counts as ready: whoever computes with it is told.
        """
        if self._params.engine == "torch":
            return True
        if key not in self._made:
            from ais_app.core.prediction.engines import engine_for

            made = self._maker.submit(engine_for, model.network, self._params.engine, self._params.precision)
            made.add_done_callback(lambda done: None if done.cancelled() else self.ready.emit())
            self._made[key] = made
        return self._made[key].done()

    def close(self) -> None:
        """Begin no more, and wait for the one that is under way."""
        self._maker.shutdown(wait=True, cancel_futures=True)
