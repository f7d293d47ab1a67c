"""Trainings for tests of the window: one that goes on until it is stopped, and one of two epochs."""

from __future__ import annotations

from ais_app.core.training.parameters import TrainParams

LONG = TrainParams(architecture="vggnet_s", epochs=200, draws=4, boxes=8, box_size=16, batch=4, validation="slab",
                   validation_share=0.34)  # fmt: skip
QUICK = TrainParams(**{**LONG.to_dict(), "epochs": 2, "draws": 1})
WAIT = 60_000  # milliseconds
