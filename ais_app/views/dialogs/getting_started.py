"""Getting started: the page of the manual where it is installed, else the path in ten lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSize, Qt, QUrl
from PyQt6.QtGui import QDesktopServices, QImage, QTextDocument
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

import ais_app

PAGES = ("site/getting_started/index.html", "docs/window/getting_started.html", "docs/window/getting_started.md")
SIZE = QSize(760, 680)
MARGIN = 40  # px beside a picture
SHORT = """
# Getting started

1. **Drop a tomogram** on the window (MRC, TIFF, OME-Zarr, EM, EMAN2). The contrast is set from the data; the wheel
   moves through the slices, Ctrl and the wheel zoom, the middle button or Space drags.
2. **Annotate.** Add a feature such as *Membrane*, choose the brush (B) and paint with the left button, erase with the
   right one; `[` and `]` change its size. Two or three slices are a good start. Shift and a click place a training box.
3. **Train.** Go to the Train tab (Ctrl+2), choose features and a network, press *Train*. The curve and a preview on the
   slice show how it goes; stop when you like it.
4. **Correct.** Copy a good prediction into the labels, fix what is wrong, train again.
5. **Export** (Ctrl+3): choose tomograms and networks. The queue goes on after a restart.
6. **Render** (Ctrl+4): surfaces, picks that follow the threshold, pictures, movies, coordinates for averaging.

Everything is saved as you do it; Ctrl+Z takes back. F1 finds any action by its name. The demo, in the empty window or
with `ais-app demo`, shows all of this on data made for it.
"""


def page() -> Path | None:
    """Return the page of the manual, where there is one beside the program."""
    root = Path(ais_app.__file__).resolve().parent.parent
    return next((root / name for name in PAGES if (root / name).is_file()), None)


def show_getting_started(parent: QWidget) -> QDialog | None:
    """Open the page in a browser; without one, or where it is not made for one, show it in a window and return that."""
    found = page()
    is_for_browsers = found is not None and found.suffix == ".html"
    if is_for_browsers and QDesktopServices.openUrl(QUrl.fromLocalFile(str(found))):
        return None
    dialog = GettingStarted(parent, None if is_for_browsers else found)
    dialog.show()
    return dialog


class GettingStarted(QDialog):
    """The page, or the short text where it is not there."""

    def __init__(self, parent: QWidget, source: Path | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Getting started")
        self.resize(SIZE)
        text = _Page()
        text.setOpenExternalLinks(True)
        if source is None:
            text.setMarkdown(SHORT)
        else:
            text.setSource(QUrl.fromLocalFile(str(source)))
        text.setAccessibleName("Getting started")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(text, 1)
        column.addWidget(buttons)


class _Page(QTextBrowser):
    """A page whose pictures are no wider than it."""

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802 - Qt's name
        if kind == QTextDocument.ResourceType.ImageResource.value:
            picture = QImage(self.source().resolved(name).toLocalFile())
            if picture.width() > SIZE.width() - 2 * MARGIN:
                smooth = Qt.TransformationMode.SmoothTransformation
                return picture.scaledToWidth(SIZE.width() - 2 * MARGIN, smooth)
            return picture
        return super().loadResource(kind, name)
