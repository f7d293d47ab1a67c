"""One label column for all sliders of the panel."""

from __future__ import annotations

from ais_app.views.widgets.sliders import LabelledSlider

LONGEST = "Min volume"  # the widest label there is, with a little room


def aligned(*sliders: LabelledSlider) -> tuple[LabelledSlider, ...]:
    """Give sliders the label column that all share; return them."""
    for slider in sliders:
        width = slider.label.fontMetrics().horizontalAdvance(f"{LONGEST} ")
        slider.label.setFixedWidth(max(width, slider.label.sizeHint().width()))
    return sliders
