"""Trained networks to start from: shipped ones, one's own, and those of zoos; searched, looked at, taken.

All reading is off the main thread: zoos may be slow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSize, Qt, QUrl, pyqtSignal
from PyQt6.QtGui import QPixmap
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from ais_app.core.jobs import Job, Progress
from ais_app.core.model.package import load_preview
from ais_app.core.zoo.places import remember
from ais_app.operations.zoo import Offer, Offers, search_job
from ais_app.views.widgets.panel import hint
from ais_app.views.workbench import Workbench
from ais_app.workers.job_runner import JobHandle

SIZE = QSize(920, 600)
PICTURE = QSize(420, 220)  # px


class ZooDialog(QDialog):
    """A list to search, and what is said about the network that is chosen.

    Parameters
    ----------
    parent
        Window.
    workbench
        Whose jobs read and download.
    """

    chosen = pyqtSignal(object, object)  # Zoo, ZooEntry: to be downloaded
    opened = pyqtSignal(object)  # Path: is on this machine already

    def __init__(self, parent: QWidget | None, workbench: Workbench) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("ZooDialog")
        self.setWindowTitle("Models")
        self.resize(SIZE)
        self.workbench = workbench
        self.offers = Offers([], {})
        self._asked = 0
        self._alive = True
        self._build()
        self.refresh()

    def refresh(self) -> None:
        """Read all zoos again."""
        self.status.setText("Looking into zoos …")
        self._in_background("Look into zoos", search_job, self._show_offers)

    def shown(self) -> list[Offer]:
        """Return the offers in the list."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item is not None]

    @property
    def offer(self) -> Offer | None:
        """The network that is chosen."""
        item = self.list.currentItem()
        return None if item is None else item.data(Qt.ItemDataRole.UserRole)

    def follow(self, handle: JobHandle) -> None:
        """Show how far a download is."""
        self.bar.setVisible(True)
        self.add.setEnabled(False)
        handle.progressed.connect(self._show_progress)
        handle.changed.connect(lambda: self._download_changed(handle))

    def done(self, result: int) -> None:
        """Let go of what is still being read, then close."""
        self._alive = False
        super().done(result)

    # what is seen

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search by feature, architecture or any word")
        self.search.setAccessibleName("Search models")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._fill)
        self.list = QListWidget()
        self.list.setAccessibleName("Models")
        self.list.currentItemChanged.connect(lambda *_: self._show_offer())
        self.list.itemActivated.connect(lambda *_: self._take())
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.search)
        left.addWidget(self.list, 1)
        left.addLayout(self._address_row())
        self.picture = QLabel()
        self.picture.setFixedHeight(PICTURE.height())
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("Preview")
        self.card = _Card()
        self.card.setAccessibleName("About the model")
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.picture)
        right.addWidget(self.card, 1)
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addLayout(left, 4)
        columns.addLayout(right, 5)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setVisible(False)
        self.status = hint("")
        outside = QVBoxLayout(self)
        outside.setSpacing(8)
        outside.addLayout(columns, 1)
        outside.addWidget(self.status)
        outside.addWidget(self.bar)
        outside.addWidget(self._buttons())

    def _address_row(self) -> QHBoxLayout:
        self.address = QLineEdit()
        self.address.setPlaceholderText("Folder or https:// address of a zoo")
        self.address.setAccessibleName("Folder or address of a zoo")
        self.remember = QPushButton("Add zoo")
        self.remember.setToolTip("Look into this zoo too, now and later")
        self.remember.setAutoDefault(False)
        self.remember.clicked.connect(self._add_zoo)
        self.address.returnPressed.connect(self._add_zoo)
        row = QHBoxLayout()
        row.addWidget(self.address, 1)
        row.addWidget(self.remember)
        return row

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.add = QPushButton("Add to project")
        self.add.setProperty("role", "primary")
        self.add.setToolTip("Bring this network into the folder of the project, checked, and use it")
        self.add.setEnabled(False)
        self.add.clicked.connect(self._take)
        buttons.addButton(self.add, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        # Return belongs to the fields, and must not close the dialog
        for button in buttons.findChildren(QPushButton):
            button.setAutoDefault(False)
        return buttons

    # what happens

    def _in_background(self, title: str, make_job: Callable[[], Job[Any]], show: Callable[[Any], None]) -> None:
        """Run a job that nobody needs to see; its answer is dropped when the dialog has gone."""

        def take(answer: Any) -> None:
            if self._alive:
                show(answer)

        def fail(error: Exception) -> None:
            if self._alive:
                self.status.setText(str(error))

        self.workbench.jobs.start(title, make_job, on_result=take, on_error=fail, quiet=True)

    def _show_offers(self, offers: Offers) -> None:
        self.offers = offers
        problems = "\n".join(f"{place}: {reason}" for place, reason in offers.problems.items())
        self.status.setText(problems)
        self._fill()

    def _fill(self, *_: object) -> None:
        before = self.offer
        found = [offer for offer in self.offers.found if offer.entry.matches(self.search.text())]
        self.list.clear()
        for offer in found:
            item = QListWidgetItem(_line(offer))
            item.setData(Qt.ItemDataRole.UserRole, offer)
            item.setToolTip(offer.entry.description)
            self.list.addItem(item)
        if found:
            self.list.setCurrentRow(found.index(before) if before in found else 0)
        elif not self.status.text():
            words = "No model says all of these words." if self.offers.found else "No zoo is known yet: add one below."
            self.card.setMarkdown(words)
            self.picture.clear()

    def _show_offer(self) -> None:
        offer = self.offer
        self.add.setEnabled(offer is not None and not self.bar.isVisible())
        if offer is None:
            return
        self._asked += 1
        mine = self._asked
        self.picture.clear()
        self.card.setMarkdown(_about(offer))

        def show(answer: tuple[bytes | None, str]) -> None:
            if mine == self._asked:
                self._show_details(*answer)

        self._in_background(f"Read about {offer.entry.name}", lambda: _details(offer), show)

    def _show_details(self, picture: bytes | None, card: str) -> None:
        pixmap = QPixmap()
        if picture is not None and pixmap.loadFromData(picture, "PNG"):
            mode = Qt.TransformationMode.SmoothTransformation
            self.picture.setPixmap(pixmap.scaled(PICTURE, Qt.AspectRatioMode.KeepAspectRatio, mode))
        if card:
            self.card.setMarkdown(card)

    def _take(self) -> None:
        offer = self.offer
        if offer is None or self.bar.isVisible():
            return
        if offer.zoo is None:
            self.opened.emit(offer.path)
            self.status.setText(f"{offer.entry.title or offer.entry.name} is in the project")
        else:
            self.status.setText(f"Downloading {offer.entry.title or offer.entry.name} …")
            self.chosen.emit(offer.zoo, offer.entry)

    def _add_zoo(self) -> None:
        place = self.address.text().strip()
        if not place:
            return
        self.status.setText(f"Looking into {place} …")

        def shown(_: object) -> None:
            self.address.clear()
            self.refresh()

        self._in_background(f"Look into {place}", lambda: _remember(place), shown)

    def _show_progress(self, step: Progress) -> None:
        if self._alive:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * step.done / step.total) if step.total else 0)

    def _download_changed(self, handle: JobHandle) -> None:
        if not self._alive or handle.is_active:
            return
        self.bar.setVisible(False)
        self.add.setEnabled(self.offer is not None)
        words = {
            "done": "The network is in the project.",
            "cancelled": "Stopped; the next download goes on from there.",
        }
        self.status.setText(words.get(handle.state, str(handle.error)))


class _Card(QTextBrowser):
    """A page that shows text only: what it names elsewhere is neither fetched nor opened."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802 - Qt's name
        return None


def _line(offer: Offer) -> str:
    entry = offer.entry
    voxel = f"{entry.voxel_size:g} Å" if entry.voxel_size else ""
    dice = f"Dice {entry.scores['dice']:.2f}" if "dice" in entry.scores else ""
    words = (offer.origin, entry.feature, voxel, dice)
    return f"{entry.title or entry.name}\n{' · '.join(word for word in words if word)}"


def _about(offer: Offer) -> str:
    """Return what the index says, until the network's own page is there."""
    entry = offer.entry
    rows = {"Feature": entry.feature, "Architecture": entry.architecture, "Filtering": entry.filtering}
    lines = [f"- {name}: {value}" for name, value in rows.items() if value]
    return f"# {entry.title or entry.name}\n\n{entry.description}\n\n" + "\n".join(lines)


def _details(offer: Offer) -> Job[tuple[bytes | None, str]]:
    """Read picture and page of a network, as a job."""
    yield Progress(0, 1, offer.entry.name)
    if offer.zoo is None:
        assert offer.path is not None  # one's own are files
        return load_preview(offer.path), ""
    return offer.zoo.preview(offer.entry), offer.zoo.card(offer.entry)


def _remember(place: str) -> Job[Path | str]:
    """Remember a zoo, as a job: it is read first."""
    yield Progress(0, 1, place)
    remember(place)
    return place
