"""Models of Ais dropped on the window: imported off the main thread, listed, predicting; damage is said."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent

from ais_app.core.prediction.interactions import Competition, Rule
from ais_app.state.commands import interactions
from ais_app.state.shown_models import shown_models

MODEL = Path(__file__).parent.parent / "data" / "ais_models" / "mini_bn.scnm"


def drop(window, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, button, key = QPointF(50, 50), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(place, Qt.DropAction.CopyAction, data, button, key))


@pytest.fixture
def group(tmp_path) -> Path:
    """Two models that compete, and a rule between them."""
    with tarfile.open(MODEL) as tar:
        contents = {info.name: tar.extractfile(info).read() for info in tar}
    for title in ("membrane", "ribosome"):
        with tarfile.open(tmp_path / title, "w") as inner:
            for name, content in contents.items():
                if name.endswith(".json"):
                    values = {**json.loads(content), "title": title, "emit": title == "membrane", "absorb": True}
                    content = json.dumps(values).encode()
                (tmp_path / "member").write_bytes(content)
                inner.add(tmp_path / "member", name)
    rule = {"parent_title": "ribosome", "partner_title": "membrane", "type": 1, "radius": 10, "threshold": 0.5}
    (tmp_path / "rules").write_text(json.dumps([rule]))
    path = tmp_path / "both.scnmgroup"
    with tarfile.open(path, "w") as outer:
        for number, title in enumerate(("membrane", "ribosome")):
            outer.add(tmp_path / title, f"both_model_{number}.scnm")
        outer.add(tmp_path / "rules", "both_interactions.json")
    return path


def names(window) -> list[str]:
    return [model.feature for model in shown_models(window.workbench.session.project)]


def test_a_model_that_is_dropped_predicts(opened, qtbot):
    drop(opened, MODEL)
    assert [handle.title for handle in opened.workbench.jobs.active] == ["Import mini_bn.scnm"]
    qtbot.waitUntil(lambda: names(opened) == ["mini_bn"], timeout=30_000)
    (model,) = shown_models(opened.workbench.session.project)
    assert model.entry.path == opened.workbench.session.project.folder / "models" / "mini_bn.aismodel"
    assert (model.colour, model.threshold, model.card.voxel_size) == ("#42d6a3", 0.5, 15.68)
    opened.workbench.session.view.tab = "train"
    preview = opened.workbench.preview
    qtbot.waitUntil(lambda: preview.answer is not None and "mini_bn" in preview.answer.planes, timeout=30_000)
    # dropped again, nothing changes
    drop(opened, MODEL)
    qtbot.waitUntil(lambda: not opened.workbench.jobs.active, timeout=30_000)
    assert names(opened) == ["mini_bn"]


def test_a_group_brings_its_interactions_as_one_step(opened, qtbot, group):
    session = opened.workbench.session
    drop(opened, group)
    qtbot.waitUntil(lambda: len(names(opened)) == 2, timeout=30_000)
    competition, rule = interactions.graph(session).steps
    assert competition == Competition(("membrane",), ("membrane", "ribosome"))
    assert rule == Rule("avoid", child="ribosome", parent="membrane", threshold=0.5, radius=100.0)
    session.project.undo()
    assert names(opened) == [] and not interactions.graph(session).steps


def test_a_damaged_model_is_said_and_the_window_goes_on(opened, qtbot, tmp_path):
    bad = tmp_path / "bad.scnm"
    bad.write_bytes(MODEL.read_bytes()[:20_000])
    drop(opened, bad)
    (handle,) = opened.workbench.jobs.active
    qtbot.waitUntil(lambda: not handle.is_active, timeout=30_000)
    assert handle.state == "failed" and names(opened) == []
    drop(opened, MODEL)
    qtbot.waitUntil(lambda: names(opened) == ["mini_bn"], timeout=30_000)
