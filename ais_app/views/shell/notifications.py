"""Messages that do not block: they lie over a corner of the window and can be read again later."""

from __future__ import annotations

from PyQt6.QtWidgets import QLabel, QWidget

from ais_app.views.workbench import Notification, Workbench


class NotificationArea(QLabel):
    """The newest message."""

    def __init__(self, workbench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        workbench.notified.connect(self._show)
        self.hide()

    def _show(self, notification: Notification) -> None:
        self.setText(notification.text)
        self.adjustSize()
        self.show()
        self.raise_()
