"""Icons are drawn in the colours of the theme, those that were made long before it changed too."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QImage
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QToolButton

from ais_app.core.display.view_slice import FilterSetting
from ais_app.core.filters import filters
from ais_app.core.jobs import Progress
from ais_app.state.commands import view
from ais_app.views.theme import DARK, LIGHT, apply_theme
from ais_app.views.widgets.icon_button import IconButton


def ink_of(button: QToolButton) -> tuple[float, ...]:
    """Return the colour that most of an icon is drawn with, 0…255."""
    state = QIcon.State.On if button.isChecked() else QIcon.State.Off
    image = button.icon().pixmap(QSize(64, 64), QIcon.Mode.Normal, state).toImage()
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    assert bits is not None
    bits.setsize(image.sizeInBytes())
    pixels = np.frombuffer(bits, np.uint8).reshape(-1, 4)
    return tuple(np.median(pixels[pixels[:, 3] > 200, :3], axis=0).tolist())


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(map(float, QColor(colour).getRgb()[:3]))  # type: ignore[arg-type]


@pytest.fixture
def gate():
    event = threading.Event()
    yield event
    event.set()


def test_a_button_follows_the_theme_whether_it_can_be_seen_or_not(qapp, qtbot):
    apply_theme(qapp, DARK)
    seen, unseen = IconButton("mdi6.close", "Close"), IconButton("mdi6.lock-outline", "Lock", ink="warning")
    qtbot.addWidget(seen)
    qtbot.addWidget(unseen)
    seen.show()
    assert ink_of(seen) == pytest.approx(rgb(DARK.text), abs=3) and seen.accessibleName() == "Close"
    apply_theme(qapp, LIGHT)
    assert ink_of(seen) == pytest.approx(rgb(LIGHT.text), abs=3)
    assert ink_of(unseen) == pytest.approx(rgb(LIGHT.warning), abs=3)
    unseen.set_icon("mdi6.lock-open-outline", "dimmed")
    assert ink_of(unseen) == pytest.approx(rgb(LIGHT.dimmed), abs=3)
    apply_theme(qapp, DARK)


def test_every_icon_of_the_window_follows_the_theme(opened, qtbot, gate):
    def waiting():
        while not gate.wait(0.01):
            yield Progress(0, 2, "waits")

    session = opened.workbench.session
    view.set_filters(session, [FilterSetting(name, filters()[name].params().to_dict()).to_dict()
                               for name in list(filters())[:2]])  # fmt: skip
    opened.workbench.jobs.start("Wait", waiting)
    opened.workbench.notify("Something is odd", "warning")
    opened.jobs_panel.toggle()
    QTest.mouseClick(opened.status.jobs, Qt.MouseButton.LeftButton)
    for theme, other in ((LIGHT, DARK), (DARK, LIGHT)):
        opened.workbench.settings.theme = theme.name
        buttons = [each for each in opened.findChildren(QToolButton) if each.icon().pixmap(64, 64).width()]
        strangers = {rgb(getattr(other, name)) for name in ("text", "dimmed", "warning")}
        wrong = [b.accessibleName() or b.text() for b in buttons if ink_of(b) in strangers and b.isEnabled()]
        assert not wrong, (theme.name, wrong)
        assert len([b for b in buttons if isinstance(b, IconButton)]) > 10
