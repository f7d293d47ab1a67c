"""The panels for contrast and filters: what a person drags, types and clicks is what is seen."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from slice_view import known_volume, make_project, opened, settle, slice_area

from ais_app.core.filters import filters
from ais_app.state.commands import tomograms, view
from ais_app.state.project import Project
from ais_app.views.tomograms.contrast import ContrastPanel
from ais_app.views.tomograms.filters import FilterPanel

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory):
    with slice_area(tmp_path_factory.mktemp("area")) as made:
        yield made


@pytest.fixture
def area(shared, tmp_path, qtbot):
    """A slice area on two tomograms of noise with different means."""
    rng = np.random.default_rng(3)
    volumes = [rng.normal(mean, 10, known_volume().shape).astype(np.float32) for mean in (100, 500)]
    path = make_project(tmp_path, *volumes)
    with opened(shared, path, qtbot) as made:
        yield made


@pytest.fixture
def session(area):
    return area.workbench.session


@pytest.fixture
def contrast(area, qtbot):
    panel = ContrastPanel(area.workbench, area)
    qtbot.addWidget(panel)
    panel.resize(250, 170)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


@pytest.fixture
def chain(area, qtbot):
    panel = FilterPanel(area.workbench, area)
    qtbot.addWidget(panel)
    panel.resize(250, 400)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def drag(widget, start: float, end: float) -> None:
    at = widget.height() // 2
    QTest.mousePress(widget, LEFT, pos=QPoint(round(start), at))
    for x in np.linspace(start, end, 5):
        QTest.mouseMove(widget, QPoint(round(x), at))
    QTest.mouseRelease(widget, LEFT, pos=QPoint(round(end), at))


# contrast


def test_the_panel_shows_the_limits_in_use(contrast, area):
    low, high = area.limits
    assert contrast.histogram.limits == (low, high)
    assert contrast.black.number == pytest.approx(low, rel=1e-3)
    assert contrast.white.number == pytest.approx(high, rel=1e-3)
    assert 60 < low < 90 < 110 < high < 140


def test_the_histogram_is_that_of_the_slice(contrast, area, session, qtbot):
    histogram = contrast.histogram.histogram
    assert histogram.counts.sum() == area.panes["z"].image.size
    tomograms.go_to(session, z=2)
    settle(area, qtbot)
    again = contrast.histogram.histogram
    assert (again.low, again.high) == (histogram.low, histogram.high)  # nothing jumps
    assert (again.counts != histogram.counts).any()


def test_a_handle_is_dragged(contrast, area, session, qtbot):
    low, high = area.limits
    drag(contrast.histogram, contrast.histogram.place(low), contrast.histogram.place(100.0))
    assert session.view.contrast == (pytest.approx(100.0, abs=1.0), high)
    settle(area, qtbot)
    assert area.limits == session.view.contrast
    assert contrast.black.number == pytest.approx(session.view.contrast[0], rel=1e-3)


def test_the_handles_never_cross(contrast, area, session):
    low, high = area.limits
    drag(contrast.histogram, contrast.histogram.place(low), contrast.histogram.width() - 1)
    black, white = session.view.contrast
    assert black < white == high


def test_both_handles_move_together(contrast, area, session):
    low, high = area.limits
    middle = contrast.histogram.place((low + high) / 2)
    drag(contrast.histogram, middle, middle + 10)
    black, white = session.view.contrast
    assert white - black == pytest.approx(high - low)
    assert black > low


def test_limits_are_typed(contrast, area, session):
    for field, text in ((contrast.black, "95"), (contrast.white, "105")):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, f"{text}\r")
    assert session.view.contrast == (95.0, 105.0)
    contrast.black.selectAll()
    QTest.keyClicks(contrast.black, "300\r")  # above white: marked, and not taken
    assert session.view.contrast == (95.0, 105.0)
    assert contrast.black.property("wrong") == "true"
    contrast.black.selectAll()
    QTest.keyClicks(contrast.black, "90\r")
    assert session.view.contrast == (90.0, 105.0)
    assert contrast.black.property("wrong") == "false"


def test_automatic_limits_come_back(contrast, area, session, qtbot):
    automatic = area.limits
    view.set_contrast(session, 0.0, 1.0)
    settle(area, qtbot)
    QTest.mouseClick(contrast.auto, LEFT)
    settle(area, qtbot)
    assert session.view.contrast is None
    assert area.limits == pytest.approx(automatic)


def test_automatic_limits_stay_while_scrolling_and_follow_when_asked(contrast, area, session, qtbot):
    before = area.limits
    tomograms.go_to(session, z=3)
    settle(area, qtbot)
    assert area.limits == before
    QTest.mouseClick(contrast.auto, LEFT)
    settle(area, qtbot)
    assert area.limits != before


def test_each_tomogram_has_its_limits_unless_they_are_locked(contrast, area, session, qtbot):
    first = area.limits
    tomograms.show_neighbour(session, 1)
    settle(area, qtbot)
    assert area.limits[0] > 440
    tomograms.show_neighbour(session, -1)
    settle(area, qtbot)
    assert area.limits == pytest.approx(first, rel=0.05)
    QTest.mouseClick(contrast.lock, LEFT)
    kept = area.limits
    tomograms.show_neighbour(session, 1)
    settle(area, qtbot)
    assert area.limits == session.view.contrast == kept
    assert contrast.lock.isChecked()


def test_invert(contrast, session):
    QTest.mouseClick(contrast.invert, LEFT)
    assert session.view.invert
    session.view.invert = False
    assert not contrast.invert.isChecked()


def test_without_a_tomogram_there_is_nothing_to_set(contrast, area, session, qtbot):
    session.close()
    qtbot.waitUntil(lambda: not contrast.isEnabled())
    assert contrast.histogram.limits is None


def test_another_project_has_contrast_of_its_own_whatever_tab_is_in_front(contrast, area, session, tmp_path, qtbot):
    """Its tomograms have the same numbers as those of the project before."""
    first, session.view.tab = area.limits, "particles"
    area.show()
    folder = tmp_path / "other"
    folder.mkdir()
    noise = np.random.default_rng(5).normal(3000, 40, known_volume().shape).astype(np.float32)
    path, before = make_project(folder, noise), session.project.path
    for there, mean in ((path, 3000), (before, 100), (before.parent / "none.aisproj", None), (path, 3000)):
        if mean is None:
            Project.create(there).close()
        area.workbench.open_files([there])
        if mean is None:
            qtbot.waitUntil(lambda: not contrast.isEnabled())
            assert contrast.histogram.histogram is None and contrast.histogram.limits is None
            assert {field.text() for field in (contrast.black, contrast.white)} == {"–"}
            continue
        settle(area, qtbot)
        qtbot.waitUntil(lambda: contrast.histogram.histogram is not None)
        low, high = area.limits
        assert low < mean < high < 1.2 * mean + 100
        assert contrast.histogram.limits == (low, high)
        assert contrast.histogram.histogram.low < mean < contrast.histogram.histogram.high
        assert contrast.black.number == pytest.approx(low, rel=1e-3)
        assert contrast.white.number == pytest.approx(high, rel=1e-3) and contrast.white.isEnabled()
        if mean == 100:
            assert (low, high) == pytest.approx(first)


def test_a_tomogram_that_comes_back_by_undo_has_its_contrast_again(contrast, area, session, qtbot):
    shown = contrast.black.number
    tomograms.close(session, [entry.id for entry in session.project.tomograms])
    qtbot.waitUntil(lambda: not contrast.isEnabled())
    assert contrast.black.text() == "–"
    session.project.undo()
    tomograms.show(session, session.project.tomograms[0].id)
    settle(area, qtbot)
    qtbot.waitUntil(lambda: contrast.histogram.histogram is not None)
    assert contrast.black.number == pytest.approx(shown, rel=0.2)
    assert contrast.black.isEnabled()


# filters


def test_every_filter_can_be_added_with_its_form(chain, area, session, qtbot):
    chain.add.menu().aboutToShow.emit()
    actions = chain.add.menu().actions()
    assert [action.text() for action in actions] == sorted(record.title for record in filters().values())
    for action in actions:
        action.trigger()
    assert [card.name for card in chain.cards] == [setting["name"] for setting in session.view.filters]
    assert len(chain.cards) == len(filters())


def test_a_parameter_acts_at_once(chain, area, session, qtbot):
    view.add_filter(session, "gaussian")
    settle(area, qtbot)
    weak = area.panes["z"].image.std()
    field = chain.cards[0].form.field("sigma").editors()[0]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "60\r")
    assert session.view.filters[0]["params"]["sigma"] == 60
    settle(area, qtbot)
    assert area.panes["z"].image.std() < weak / 1.5
    low, high = area.limits  # automatic limits follow what the filter does
    assert high - low < 10 * area.panes["z"].image.std()


def test_filters_are_switched_moved_and_removed(chain, area, session, qtbot):
    view.add_filter(session, "gaussian")
    view.add_filter(session, "median")
    QTest.mouseClick(chain.cards[1].earlier, LEFT)
    assert [card.name for card in chain.cards] == ["median", "gaussian"]
    assert not chain.cards[0].earlier.isEnabled() and not chain.cards[1].later.isEnabled()
    chain.cards[0].switch.click()
    assert [setting["enabled"] for setting in session.view.filters] == [False, True]
    QTest.mouseClick(chain.cards[0].remove, LEFT)
    assert [card.name for card in chain.cards] == ["gaussian"]
    QTest.mouseClick(chain.switch, LEFT)
    assert not session.view.filters_on
    assert not chain.cards[0].isEnabled()


def test_an_impossible_combination_is_said_and_not_taken(chain, session):
    view.add_filter(session, "band_pass")
    before = session.view.filters
    field = chain.cards[0].form.field("low_pass").editors()[0]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "900\r")
    assert session.view.filters == before
    assert "high_pass" in chain.cards[0].form.message


def test_a_chain_that_was_stored_is_shown(chain, session):
    view.set_filters(session, [{"name": "unsharp", "params": {"amount": 3.0}, "enabled": False}])
    (card,) = chain.cards
    assert not card.switch.isChecked()
    assert card.form.value().amount == 3.0
