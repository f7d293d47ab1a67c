"""A section that folds.

superqt's QCollapsible fixes the height of what it opened, and cuts off what grows later, such as a message.
"""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A title with an arrow, and what it shows when it is clicked; closed at first.

    Parameters
    ----------
    title
        Beside the arrow.
    content
        What is folded away.
    """

    toggled = pyqtSignal(bool)

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setAccessibleName(title)
        self.button.setToolTip(f"Show or hide: {title}")
        self.button.setCheckable(True)
        self.button.setProperty("role", "fold")
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.content = content
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.button)
        column.addWidget(content)
        self.button.toggled.connect(self._toggle)
        self._toggle(False)

    @property
    def is_open(self) -> bool:
        """Whether the content can be seen."""
        return self.button.isChecked()

    def open(self, wanted: bool = True) -> None:
        """Unfold, or fold."""
        self.button.setChecked(wanted)

    def _toggle(self, wanted: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if wanted else Qt.ArrowType.RightArrow)
        self.content.setVisible(wanted)
        self.toggled.emit(wanted)
