"""From the live prediction to the panes: planes of the preview in the colours of the networks."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QObject

from ais_app.state.shown_models import features_found, shown_models
from ais_app.views.slices.area import SliceArea
from ais_app.views.slices.predictions import Prediction
from ais_app.views.workbench import Workbench
from ais_app.workers.preview import PreviewAnswer


class PredictionOverlay(QObject):
    """Draws each answer of the preview, and draws it again when a colour or threshold changes."""

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__(slices)
        self.workbench, self.slices = workbench, slices
        workbench.preview.shown.connect(self._draw)
        workbench.preview.restyled.connect(self._draw_again)
        workbench.preview.failed.connect(self._say)

    def _draw_again(self) -> None:
        self._draw(self.workbench.preview.answer)

    def _say(self, text: str) -> None:
        self.workbench.notify(text, "error")

    def _draw(self, answer: PreviewAnswer | None) -> None:
        session = self.workbench.session
        if answer is None or not session.has_project or answer.tomogram != session.view.tomogram:
            self.slices.predictions.clear()
            return
        styles = {model.feature: model for model in reversed(shown_models(session.project)) if model.style.on}
        found, entry = features_found(session.project), session.project.tomogram(answer.tomogram)
        drawn = []
        for name, plane in answer.planes.items():
            whole = _in_place(plane, answer.region, entry.shape[1:])
            if name in styles:
                model = styles[name]
                drawn.append(
                    Prediction(whole, model.colour, model.threshold, model.style.opacity, model.style.blend)
                )  # fmt: skip
            else:
                drawn.append(Prediction(whole, found[name].colour if name in found else "#FFFFFF"))
        self.slices.predictions.show("z", answer.z, drawn)


def _in_place(plane: np.ndarray, region: tuple[int, int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Return the slice with the region's plane in its place and zeros elsewhere."""
    y0, y1, x0, x1 = region
    if plane.shape == tuple(shape):
        return plane
    whole = np.zeros(shape, np.float32)
    whole[y0:y1, x0:x1] = plane
    return whole
