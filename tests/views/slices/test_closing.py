"""A tomogram is closed while its labels are on screen, and comes back."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def labelled(opened, qtbot):
    """The window at a slice with labels."""
    session, pane = opened.workbench.session, opened.slices.panes["z"]
    feature = session.project.feature("membrane").id
    session.view.z = 16
    qtbot.waitUntil(lambda: pane.shown_index == 16 and pane.labels.plane(feature) is not None, timeout=10_000)
    assert pane.labels.plane(feature).any()
    return opened


@pytest.mark.parametrize("others", [0, 1])
def test_a_tomogram_with_labels_in_view_is_closed_and_closed_again(labelled, phantom, tmp_path, qtbot, others):
    session, pane = labelled.workbench.session, labelled.slices.panes["z"]
    first = session.view.tomogram
    for number in range(others):
        session.project.add_tomogram(shutil.copy(phantom / "tomogram.mrc", tmp_path / f"TS_1{number}.mrc"))
    seen = []
    session.events.history.connect(lambda *_: seen.append(len(session.project.tomograms)), check_nargs=False)
    labelled.actions_by_id.trigger("tomogram.close")
    assert len(session.project.tomograms) == others and session.view.tomogram != first
    labelled.actions_by_id.trigger("edit.undo")
    session.view.tomogram = first
    session.view.z = 16
    feature = session.project.feature("membrane").id
    qtbot.waitUntil(
        lambda: pane.view.tomogram == first and pane.shown_index == 16 and pane.labels.plane(feature) is not None,
        timeout=10_000,
    )
    assert pane.labels.plane(feature).any()
    labelled.actions_by_id.trigger("edit.redo")
    assert len(session.project.tomograms) == others
    assert seen == [others, others + 1, others]  # all that comes after the labels is announced
