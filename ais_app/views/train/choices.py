"""What the form of a new training lets a person choose from."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QLabel

from ais_app.core.jobs import Job, Progress


def architectures_job() -> Job[list]:  # type: ignore[type-arg]
    """List the networks with their cost; it takes torch along, so it is done off the main thread."""
    from ais_app.operations.models import list_architectures

    yield Progress(0, 1, "counting")
    return [item for item in list_architectures() if item.task == "segment"]


def left_out() -> list[str]:
    """Return what is to be said about architectures of one's own that cannot be used; ask after they were listed."""
    from ais_app.operations.models import architecture_problems

    return [f"{place} is left out: {reason}" for place, reason in architecture_problems().items()]


def fill(box: QComboBox, entries: list[tuple[str, str]], chosen: str) -> None:
    """Replace the entries and keep the choice where it is still there."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == entries:
        return
    box.blockSignals(True)
    box.clear()
    for text, data in entries:
        box.addItem(text, data)
    place = box.findText(chosen, Qt.MatchFlag.MatchExactly)
    box.setCurrentIndex(max(place, 0) if entries else -1)
    box.blockSignals(False)


def label(text: str) -> QLabel:
    """Return the label in front of a choice."""
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return label
