"""The live prediction as surfaces: the networks that are on, over the whole tomogram, averaged, in memory only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.binning import bin_offset, binned_size
from ais_app.state.commands import render
from ais_app.state.commands.interactions import active_graph
from ais_app.state.shown_models import shown_models
from ais_app.views.render.space import Space
from ais_app.views.widgets.sliders import LabelledSlider

if TYPE_CHECKING:
    from ais_app.workers.job_runner import JobHandle


class Predicted(QWidget):
    """The button that predicts, with its binning."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space
        self.binning = LabelledSlider(
            "", 1, 8, 2, integer=True, unit="×", tip="Voxels that are averaged along each axis"
        )
        self.predict = QPushButton("Predict")
        self.handle: JobHandle | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.predict)
        row.addWidget(self.binning, 1)
        self.predict.clicked.connect(lambda: space.workbench.attempt(self.start))
        space.refreshed.connect(self.refresh)
        space.workbench.session.events.models.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Offer it where a network is on."""
        session = self._space.workbench.session
        usable = session.tomogram is not None and any(model.usable for model in shown_models(session.project))
        self.setEnabled(usable)
        tip = "Predict the whole tomogram with the networks that are on, and show it as surfaces"
        self.predict.setToolTip(tip if usable else f"{tip}; switch a network on in the Train tab first")

    def start(self) -> JobHandle:
        """Predict, in a job.

        Raises
        ------
        ParameterProblem
            No network is on, or a prediction is under way.
        """
        session, workbench = self._space.workbench.session, self._space.workbench
        if self.handle is not None and self.handle.is_active:
            raise ParameterProblem("prediction", "one is under way", "wait for it, or stop it in the list of jobs")
        entry = session.tomogram
        shown = [model for model in shown_models(session.project) if model.usable] if entry is not None else []
        if entry is None or not shown:
            raise ParameterProblem("prediction", "no network is on", "switch one on in the Train tab")
        project = session.project.path
        tomogram, graph, binning = session.volume(entry.id), active_graph(session), int(self.binning.value())
        paths, levels = [model.entry.path for model in shown], {model.feature: model.threshold for model in shown}
        size, first = tomogram.require_voxel_size_zyx(), self._space.scene.first_voxel_zyx
        z, y, x = (float(value) for value in np.array(first) + bin_offset(size, binning))

        def job() -> Job[dict[str, np.ndarray]]:
            from ais_app.core.model.package import load_model
            from ais_app.core.prediction.interactions import InteractionGraph
            from ais_app.core.prediction.region_job import predict_region_job

            models = [load_model(path) for path in paths]
            known = {model.card.feature for model in models}
            fitting = InteractionGraph(tuple(step for step in graph.steps if set(step.features) <= known))
            return (
                yield from predict_region_job(models, fitting, tomogram, binning=binning, params=workbench.prediction)
            )

        def take(volumes: dict[str, np.ndarray]) -> None:
            if not session.is_open(project) or session.view.tomogram != entry.id:
                return  # an id says nothing in another project
            for feature, data in volumes.items():
                name = f"{feature} (live)"
                volume = Tomogram(data, binned_size(size, binning), origin_zyx=(z, y, x))
                self._space.content.predictions[name] = volume
                render.add_prediction(session, name, levels.get(feature, 0.5))
            self._space.refresh()

        self.handle = workbench.jobs.start(f"Predict {entry.name} for display", job, on_result=take)
        return self.handle
