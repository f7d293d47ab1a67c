"""Tiny networks in a live preview: engines that count, and the same slice of the volume to compare with."""

from __future__ import annotations

import numpy as np
import torch

from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction import live as live_module
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.live import LiveModel
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab, predict_volume
from ais_app.core.tomogram import Tomogram

EXACT = PredictionParams(engine="torch", precision="float32")
TINY = """
from torch import nn
from ais_app.models import Architecture

def build(depth=1):
    return nn.Sequential(
        nn.Conv2d(depth, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 12, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(12, 1, 3, padding=1),
    )

ARCHITECTURE = Architecture("tiny", "Tiny", dimension=2, stride=2, receptive_field=10, build=build)
"""


def make_model(feature="a", seed=1, **card):
    torch.manual_seed(seed)
    model = new_model(ModelCard("tiny", feature=feature, **card), source=TINY)
    model.network.eval()
    return model


def make_tomogram(shape=(14, 60, 52), seed=0):
    grey = np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)
    return Tomogram(grey, voxel_size_zyx=(10.0, 10.0, 10.0))


def live_models(models):
    return [LiveModel(model, name=f"{model.card.feature} {at}") for at, model in enumerate(models)]


def volume_slice(models, graph, view, params=EXACT):
    rows, columns = view.region or (slice(None), slice(None))
    region = (slice(view.z, view.z + 1), rows, columns)
    (found,) = predict_volume(models, view.tomogram, region=region, interactions=graph, params=params)
    return found.planes


def level(model, tomogram, share=0.97):
    """Return a probability that few voxels exceed, so that rules have something to do."""
    return float(np.quantile(predict_slab(model, tomogram, 7, params=EXACT), share))


class Counted:
    """Engines that count their windows, and can be told what to do at each."""

    def __init__(self, monkeypatch):
        self.windows, self.at_each = 0, lambda: None
        monkeypatch.setattr(live_module, "engine_for", self.make)

    def make(self, *arguments):
        engine, owner = engine_for(*arguments), self

        class Counting:
            name, batch, budget, bytes_per_value = engine.name, engine.batch, engine.budget, engine.bytes_per_value

            def infer(self, x):
                owner.windows += 1
                owner.at_each()
                return engine.infer(x)

        return Counting()
