"""Networks to start from: offered in an empty list, found in zoos, brought into the project; programs wait."""

from __future__ import annotations

import http.server
import threading
from functools import partial

import numpy as np
import pytest
import torch
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.registry import forget
from ais_app.core.zoo.publish import Description, publish
from ais_app.state.shown_models import shown_models
from ais_app.views.dialogs.trust import TrustDialog
from ais_app.views.train.offers import NetworkOffers

OWN = """
from ais_app.models import Architecture
from torch import nn
ARCHITECTURE = Architecture("own", "Own", 2, 1, 3, lambda depth=1: nn.Conv2d(depth, 1, 3, padding=1))
"""


def package(path, feature, name="eman2", source=""):
    torch.manual_seed(0)
    card = ModelCard(name, feature=feature, voxel_size=10.0, training={"metrics": {"dice": 0.87}})
    return save_model(new_model(card, source=source), path, preview=np.full((60, 90, 3), 120, np.uint8))


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Shipped networks, a models folder, and a zoo on a server."""
    monkeypatch.setenv("AIS_APP_MODELS", str(tmp_path / "mine"))
    for module in ("ais_app.views.train.offers", "ais_app.core.zoo.places", "ais_app.operations.zoo"):
        monkeypatch.setattr(f"{module}.shipped_folder", lambda: tmp_path / "shipped")
    for name in ("membrane", "ribosome"):
        about = Description(name.capitalize(), f"Finds every {name}.", limits="Thick ice.")
        publish(package(tmp_path / f"{name}.aismodel", name), tmp_path / "shipped", about=about)
    own = package(tmp_path / "own.aismodel", "actin", "own", OWN)
    publish(own, tmp_path / "zoo", "actin", Description("Actin"), zoo_title="The laboratory")
    (tmp_path / "mine").mkdir()
    package(tmp_path / "mine" / "carbon.aismodel", "carbon")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "zoo")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def offers(places, opened):
    """The offers as the list of networks shows them."""
    opened.workbench.session.view.tab = "train"
    found = opened.tabs[1].panel.models.offers
    # made with the window, before this test chose other places
    fresh = NetworkOffers(opened.workbench)
    found.rows.update(fresh.rows)
    found.layout().replaceWidget(found._shipped, fresh._shipped)
    found._shipped.setParent(None)
    found._shipped = fresh._shipped
    found.offer_shipped(True)
    return found


def networks(window):
    return [entry.name for entry in window.workbench.project.models]


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def dialog(offers, qtbot):
    found = offers.show_zoo()
    qtbot.waitUntil(lambda: found.list.count() > 0, timeout=10_000)
    yield found
    if found in QApplication.topLevelWidgets():
        found.close()


def titles(dialog):
    return [offer.entry.title for offer in dialog.shown()]


def test_an_empty_list_offers_what_is_shipped(offers, opened, qtbot):
    assert list(offers.rows) == ["membrane", "ribosome"] and offers._shipped.isVisible()
    click(offers.rows["ribosome"].add)
    qtbot.waitUntil(lambda: networks(opened) == ["ribosome"], timeout=10_000)
    project = opened.workbench.project
    assert project.models[0].path == project.folder / "models" / "ribosome.aismodel"
    assert load_model(project.models[0].path).card.feature == "ribosome"
    assert not offers._shipped.isVisible() and offers.browse.isVisible()


def test_search_preview_and_card(dialog, qtbot):
    assert titles(dialog) == ["Membrane", "Ribosome", "carbon"]
    qtbot.waitUntil(lambda: "Thick ice" in dialog.card.toPlainText() and not dialog.picture.pixmap().isNull())
    QTest.keyClicks(dialog.search, "ribo")
    assert titles(dialog) == ["Ribosome"] and dialog.offer.entry.name == "ribosome"
    QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert dialog.isVisible(), "Return is for the fields"
    QTest.keyClicks(dialog.search, "zzz")
    assert titles(dialog) == [] and not dialog.add.isEnabled()
    assert "No model" in dialog.card.toPlainText()


def test_ones_own_is_used_where_it_is(dialog, opened, tmp_path):
    dialog.list.setCurrentRow(2)
    click(dialog.add)
    assert [entry.path for entry in opened.workbench.project.models] == [tmp_path / "mine" / "carbon.aismodel"]


def test_a_zoo_is_added_and_its_program_waits_for_a_yes(dialog, opened, places, qtbot):
    said = []
    opened.workbench.notified.connect(said.append)
    QTest.keyClicks(dialog.address, places)
    QTest.keyClick(dialog.address, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Actin" in titles(dialog), timeout=10_000)
    assert dialog.address.text() == ""
    dialog.list.setCurrentRow(titles(dialog).index("Actin"))
    click(dialog.add)
    qtbot.waitUntil(lambda: networks(opened) == ["actin"], timeout=10_000)
    qtbot.waitUntil(lambda: "in the project" in dialog.status.text())
    (asked,) = [note for note in said if note.button == "Show the program"]
    asked.act()
    (trust,) = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, TrustDialog)]
    assert not trust.isModal() and trust.no.isDefault()
    path = opened.workbench.project.models[0].path
    with pytest.raises(Exception, match="was not run"):
        load_model(path)
    assert [model.style.on for model in shown_models(opened.workbench.project)] == [False]
    click(trust.yes)
    assert [model.style.on for model in shown_models(opened.workbench.project)] == [True]
    assert load_model(path).card.feature == "actin"


def test_an_address_that_is_no_zoo_is_said(dialog, places, qtbot):
    QTest.keyClicks(dialog.address, places + "/none")
    click(dialog.remember)
    qtbot.waitUntil(lambda: "404" in dialog.status.text(), timeout=10_000)
    assert dialog.address.text() and titles(dialog)


def test_a_broken_architecture_is_said_and_the_others_are_there(places, window, tmp_path, qtbot):
    (tmp_path / "mine" / "broken.py").write_text("1 / 0")
    forget()
    said = []
    window.workbench.notified.connect(said.append)
    window.workbench.session.view.tab = "train"
    qtbot.waitUntil(lambda: any("broken.py is left out" in note.text for note in said), timeout=60_000)
    setup = window.tabs[1].panel.setup
    assert setup.architecture.findData("unet_s") >= 0
    forget()


def test_closed_while_it_reads(offers, qtbot, opened):
    found = offers.show_zoo()
    found.close()
    qtbot.waitUntil(lambda: not opened.workbench.jobs.active)
