"""The map of the particles: where points stand, what a lasso and a click select."""

from __future__ import annotations

import numpy as np
import pytest
from gallery_view import CTRL, LEFT, drag
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QColor
from PyQt6.QtTest import QTest

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.views.particles.embedding import MARGIN, Embedding

COUNT = 400


@pytest.fixture
def points(qtbot):
    """Two clusters, and one particle far away from both."""
    random = np.random.default_rng(3)
    places = random.normal(0, 1, (COUNT, 2)) + np.where(np.arange(COUNT) % 2, 6.0, 0.0)[:, None]
    places[-1] = (900.0, -900.0)
    shown = Embedding()
    qtbot.addWidget(shown)
    shown.resize(320, 220)
    shown.show_points(places, np.arange(COUNT) % 2)
    shown.show_selection(np.zeros(COUNT, dtype=bool))
    shown.show()
    qtbot.waitExposed(shown)
    return shown


def pixels(points: Embedding) -> np.ndarray:
    return np.array([(p.x(), p.y()) for p in map(points.point_of, range(COUNT))])


def test_one_that_lies_far_out_does_not_squeeze_the_others(points):
    found = pixels(points)
    span = np.ptp(found[:-1], axis=0) / (np.array([points.width(), points.height()]) - 2 * MARGIN)
    assert (span > 0.4).all()
    assert found[-1].tolist() == [points.width() - MARGIN, points.height() - MARGIN]  # at the edge: right and below
    assert (found >= MARGIN).all() and (found[:, 0] <= points.width() - MARGIN).all()


def test_points_have_the_colour_of_their_cluster_and_those_selected_a_ring(points):
    picture = points.grab().toImage()
    alone = points.point_of(COUNT - 1).toPoint()
    assert QColor(picture.pixel(alone)) == QColor(FEATURE_COLOURS[1])
    beside = QPoint(alone.x() + 4, alone.y())
    without = QColor(picture.pixel(beside))
    points.show_selection(np.arange(COUNT) == COUNT - 1)
    assert QColor(points.grab().toImage().pixel(beside)) != without


def test_a_lasso_selects_what_it_goes_around_and_a_click_what_is_near(points):
    heard = []
    points.lassoed.connect(lambda rows, added: heard.append((set(rows.tolist()), added)))
    found = pixels(points)
    first = found[np.arange(COUNT) % 2 == 0]
    (left, top), (right, bottom) = first.min(axis=0) - 3, first.max(axis=0) + 3
    inside = (found >= (left, top)).all(axis=1) & (found <= (right, bottom)).all(axis=1)
    corners = [QPoint(int(x), int(y)) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    drag(points, corners, CTRL)
    surely = {row for row in np.flatnonzero(inside) if np.abs(found[row] - [right, bottom]).min() > 1}
    assert surely <= heard[0][0] and heard[0][0] <= set(np.flatnonzero(inside).tolist()) and heard[0][1]
    QTest.mouseClick(points, LEFT, pos=points.point_of(COUNT - 1).toPoint())
    assert heard[1] == ({COUNT - 1}, False)
    QTest.mouseClick(points, LEFT, pos=QPoint(2, points.height() - 2))
    assert heard[2] == (set(), False)
