"""What takes long to import comes in while nobody does anything."""

import logging
import sys

from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QCursor

from ais_app.views.preloading import Preloading


def test_it_waits_until_the_pointer_is_still(qapp, qtbot, tmp_path, monkeypatch, caplog):
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("slow_library", "another_library"):
        (tmp_path / f"{name}.py").write_text("READY = True\n")
        monkeypatch.delitem(sys.modules, name, raising=False)
    preloading = Preloading(packages=("slow_library", "no_library_at_all", "another_library"), quiet=0.05)
    try:
        for step in range(8):  # the pointer moves all the time
            QCursor.setPos(QPoint(200 + 10 * step, 100))
            qtbot.wait(30)
        assert "slow_library" not in sys.modules
        with caplog.at_level(logging.WARNING):
            qtbot.waitUntil(lambda: "another_library" in sys.modules)
        assert sys.modules["slow_library"].READY
        assert "no_library_at_all" in caplog.text  # and the next came all the same
    finally:
        preloading.close()
