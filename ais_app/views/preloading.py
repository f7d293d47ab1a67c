"""Bring in beforehand what takes long to import, at a moment when nobody waits for the window.

Most of torch comes in beside the window (`ais_app.workers.library_loading`), but its last step is one call of 60 to
130 ms that keeps the interpreter's lock by right. While nobody does anything nobody sees it; in the first average or
training it would be seen.
"""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Sequence

from PyQt6.QtCore import QObject, QTimer

from ais_app.views.presence import Presence

log = logging.getLogger(__name__)


class Preloading(QObject):
    """Imports packages, one each time nobody has done anything for a while, until all are there.

    Parameters
    ----------
    parent
        The Qt object it belongs to; call `close` before that goes.
    packages
        Their names.
    quiet
        Seconds in which nobody must have done anything.
    """

    def __init__(
        self, parent: QObject | None = None, packages: Sequence[str] = ("torch", "sklearn.cluster"), quiet: float = 2.0
    ) -> None:
        super().__init__(parent)
        self._waiting = list(packages)
        self._thread: threading.Thread | None = None
        self._presence = Presence(self)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(round(1000 * quiet))

    @property
    def busy(self) -> bool:
        """Whether something is being imported, or is to be."""
        return bool(self._waiting) or (self._thread is not None and self._thread.is_alive())

    def close(self) -> None:
        """Import no more; wait for what is being imported."""
        self._timer.stop()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        self._waiting = [name for name in self._waiting if name not in sys.modules]
        is_still, busy = self._presence.is_still(), self._thread is not None and self._thread.is_alive()
        if not self._waiting:
            self._timer.stop()
        elif is_still and not busy:
            self._thread = threading.Thread(target=_import, args=(self._waiting.pop(0),), name="preloading")
            self._thread.start()


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except ImportError as error:  # whoever needs it says so
        log.warning("%s could not be imported: %s", name, error)
