"""Forms made from parameter sets: exact values, units, bounds, what is off, what is impossible."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QGuiApplication, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QCheckBox, QLineEdit, QToolButton

from ais_app.core.display.colours import OKABE_ITO
from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.training.parameters import TrainParams
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.copy_button import CopyButton
from ais_app.views.widgets.forms import ParamsForm, words_of
from ais_app.views.widgets.numbers import NumberField, shortest
from ais_app.views.widgets.sliders import LabelledSlider


@dataclasses.dataclass(frozen=True)
class Example(Params):
    low_pass: float = param(20.0, "Where it begins to fade", unit="Å", low=1, high=1000)
    high_pass: float | None = param(None, "Where it ends", unit="Å", low=1)
    rate: float = param(2e-3, "Step size", low=1e-8, high=1)
    share: float = param(0.2, "Share", low=0, high=1)
    count: int = param(8, "How many", low=1, high=64)
    patience: int | None = param(5, "How long", low=1)
    shape: tuple[int, int, int] = param((32, 64, 64), "Size, z,y,x", unit="voxels", low=8)
    kind: str = param("a", "Which", choices=("a", "b"))
    names: tuple[str, ...] = param(("x",), "Names")
    title: str | None = param(None, "Title")
    exact: bool = param(True, "Exactly")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.high_pass is not None and self.high_pass <= self.low_pass:
            raise ParameterProblem("high_pass", f"{self.high_pass} Å is below the low-pass", "choose more")


@pytest.fixture
def form(qtbot) -> ParamsForm:
    made = ParamsForm(Example(), advanced=["names", "title"])
    qtbot.addWidget(made)
    made.heard = []
    made.changed.connect(made.heard.append)
    with qtbot.waitExposed(made):
        made.show()
    return made


def write(form: ParamsForm, name: str, text: str, place: int = 0) -> None:
    """Type into a field and press Enter, as a person does."""
    editor = form.field(name).editors()[place]
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)


def shown(form: ParamsForm, name: str) -> str:
    return form.field(name).editors()[0].text()


def test_a_form_shows_the_values_with_their_units(form):
    assert form.value() == Example()
    assert shown(form, "low_pass") == "20 Å"
    assert shown(form, "rate") == "0.002"
    assert shown(form, "high_pass") == "off"
    assert not form.field("high_pass").editors()[0].isEnabled()
    assert [editor.text() for editor in form.field("shape").editors()] == ["32", "64", "64"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("low_pass", "12.3456789", 12.3456789),
        ("low_pass", "12,5", 12.5),
        ("low_pass", "40 Å", 40.0),
        ("rate", "3e-5", 3e-5),
        ("count", "9", 9),
        ("title", "TS_01", "TS_01"),
        ("names", "a, b,c", ("a", "b", "c")),
    ],
)
def test_what_is_typed_comes_out_exactly(form, name, text, value):
    form.more.open()
    write(form, name, text)
    assert getattr(form.value(), name) == value
    assert [getattr(params, name) for params in form.heard] == [value]


@given(st.floats(1.0, 1000.0))
def test_no_number_is_rounded(number):
    assert float(shortest(number)) == number


def test_an_optional_number_is_switched_on_and_off_and_remembered(form):
    switch = form.field("patience").findChild(QCheckBox)
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton, pos=QPoint(8, switch.height() // 2))
    assert form.value().patience is None
    assert shown(form, "patience") == "off"
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton, pos=QPoint(8, switch.height() // 2))
    assert form.value().patience == 5


def test_out_of_bounds_is_marked_explained_and_not_taken(form):
    write(form, "count", "500")
    assert not form.is_valid
    assert "500" in form.message and "1 to 64" in form.message
    assert form.field("count").editors()[0].property("wrong") == "true"
    assert form.value().count == 8 and form.heard == []
    write(form, "count", "50")
    assert form.is_valid and form.value().count == 50


def test_an_impossible_combination_is_taken_once_it_is_possible(form):
    form.set_value(Example(high_pass=100.0))
    write(form, "low_pass", "200")
    assert not form.is_valid and form.value().low_pass == 20
    write(form, "high_pass", "400")
    assert form.is_valid
    assert form.heard[-1] == Example(low_pass=200.0, high_pass=400.0)


def test_arrows_step_by_decades_where_the_bounds_span_decades(form):
    editor = form.field("rate").editors()[0]
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Up)
    assert form.value().rate == 5e-3
    for _ in range(3):
        QTest.keyClick(editor, Qt.Key.Key_Down)
    assert form.value().rate == 5e-4


def test_arrows_stop_at_the_bounds(form):
    editor = form.field("share").editors()[0]
    for _ in range(30):
        QTest.keyClick(editor, Qt.Key.Key_Up)
    assert form.value().share == 1.0
    for _ in range(30):
        QTest.keyClick(editor, Qt.Key.Key_Down)
    assert form.value().share == 0.0


def test_the_wheel_changes_nothing_in_a_field_that_was_not_clicked(form, qtbot):
    editor = form.field("count").editors()[0]
    editor.clearFocus()
    point = QPointF(10, 10)
    event = QWheelEvent(point, editor.mapToGlobal(point), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(editor, event)
    assert form.value().count == 8


def test_setting_a_value_is_not_heard(form):
    form.set_value(Example(count=3, kind="b", exact=False))
    assert form.heard == []
    assert form.value() == Example(count=3, kind="b", exact=False)


def test_letters_are_refused_where_a_number_belongs(form):
    write(form, "count", "abc")
    assert form.value().count == 8


def test_only_the_wanted_fields_are_shown_and_the_others_kept(qtbot):
    form = ParamsForm(Example(kind="b"), fields=["count"])
    qtbot.addWidget(form)
    write(form, "count", "4")
    assert form.value() == Example(kind="b", count=4)


def test_every_parameter_set_has_a_form(qtbot):
    form = ParamsForm(TrainParams(), advanced=["clip", "averaging"])
    qtbot.addWidget(form)
    assert form.value() == TrainParams()
    named = [
        editor for editor in form.findChildren((NumberField, QLineEdit)) if editor.objectName() != "qt_spinbox_lineedit"
    ]
    assert all(editor.accessibleName() and editor.toolTip() for editor in named)


def test_names_become_words():
    assert words_of("n_beads") == "Beads"
    assert words_of("box_size") == "Box size"
    assert words_of("snr") == "SNR"


# single widgets


def test_a_slider_and_its_number_say_the_same(qtbot):
    slider = LabelledSlider("Threshold", 0.0, 1.0, 0.5)
    qtbot.addWidget(slider)
    heard = []
    slider.changed.connect(heard.append)
    QTest.keyClick(slider.slider, Qt.Key.Key_Right)
    assert slider.value() == 0.505 and slider.field.text() == "0.505" and heard == [0.505]
    slider.field.selectAll()
    QTest.keyClicks(slider.field, "0.123456789")
    QTest.keyClick(slider.field, Qt.Key.Key_Return)
    assert slider.value() == 0.123456789 and heard[-1] == 0.123456789
    slider.field.setValue(7)
    assert slider.value() == 1.0
    slider.set_value(0.25)
    assert heard[-1] == 1.0 and slider.slider.value() == pytest.approx(0.25)


def test_a_logarithmic_slider_moves_by_factors_and_may_be_exceeded(qtbot):
    slider = LabelledSlider("Dust", 1.0, 1e6, 1e3, unit="nm³", logarithmic=True, open_ended=True)
    qtbot.addWidget(slider)
    assert slider.slider.value() == pytest.approx(3.0)
    slider.slider.setValue(4.0)
    assert slider.value() == pytest.approx(1e4)
    slider.field.setValue(5e7)
    assert slider.value() == 5e7 and slider.slider.value() == pytest.approx(6.0)


def test_a_slider_of_whole_numbers(qtbot):
    slider = LabelledSlider("Radius", 1, 200, 50, unit="px", integer=True)
    qtbot.addWidget(slider)
    slider.slider.setValue(60.4)
    assert slider.value() == 60 and isinstance(slider.value(), int) and slider.field.text() == "60 px"


def test_a_colour_is_chosen_from_the_safe_ones_or_from_all(qtbot, monkeypatch):
    button = ColourButton("#123456", "Membrane")
    qtbot.addWidget(button)
    heard = []
    button.changed.connect(heard.append)
    button.menu().aboutToShow.emit()
    swatches = [each for each in button.menu().findChildren(QToolButton) if each.accessibleName() in OKABE_ITO]
    assert len(swatches) == len(OKABE_ITO)
    swatches[1].click()
    assert button.colour == OKABE_ITO[1].lower() == heard[-1]
    monkeypatch.setattr("PyQt6.QtWidgets.QColorDialog.getColor", lambda *_: QColor("#00ff00"))
    button.menu().actions()[-1].trigger()
    assert heard[-1] == "#00ff00" and "#00ff00" in button.toolTip()


def test_a_command_is_copied(qtbot):
    button = CopyButton(lambda: "ais-app pick x.mrc")
    qtbot.addWidget(button)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "ais-app pick x.mrc"
    assert button.toolTip() == "Copied"
