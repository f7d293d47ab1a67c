"""The live preview on a slice of 512 x 512: first time, next slices, and sliders of interactions.

    python benchmarks/live.py

The rate of a matrix product, measured before and after, says how much of the machine was to be had.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import torch

from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.live import LiveModel, LivePrediction, SliceInView
from ais_app.core.prediction.predict import predict_volume
from ais_app.core.tomogram import Tomogram

SIZE = (10.0, 10.0, 10.0)
Z = 16


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def matrix_product() -> float:
    """Return the rate of a 2048 x 2048 float32 product, GFLOP/s."""
    one = torch.ones(2048, 2048)
    return max(2 * 2048**3 / seconds(lambda: one @ one) / 1e9 for _ in range(3))


def make(architecture: str, feature: str, seed: int) -> LiveModel:
    torch.manual_seed(seed)
    model = new_model(ModelCard(architecture, feature=feature, voxel_size=SIZE[0]))
    model.network.eval()
    return LiveModel(model, feature)


def networks(tomogram: Tomogram) -> None:
    for architecture in ("vggnet_m", "unet_s"):
        model, preview = make(architecture, "membrane", 0), LivePrediction()
        build = seconds(lambda: engine_for(model.model.network))  # noqa: B023 - called at once
        first = seconds(lambda: preview.raw(model, SliceInView(tomogram, "t", 0)))  # noqa: B023
        each = sorted(seconds(lambda: preview.raw(model, SliceInView(tomogram, "t", z))) for z in range(1, 8))  # noqa: B023
        name = engine_for(model.model.network).name
        print(f"{architecture}, {name}: engine {build:.1f} s, first slice {first:.2f} s,", end=" ")
        print(f"next slices {each[0]:.2f} to {each[-1]:.2f} s (median {each[3]:.2f})")
        training = LiveModel(model.model, "run", 1, by_torch=True)
        epoch = seconds(lambda: preview.raw(training, SliceInView(tomogram, "t", 0)))  # noqa: B023
        print(f"    weights of a new epoch, torch: {epoch:.2f} s")
        (whole,) = predict_volume([model.model], tomogram, region=(slice(3, 4), slice(None), slice(None)))
        same = np.array_equal(preview.raw(model, SliceInView(tomogram, "t", 3)), whole.planes["membrane"])
        print(f"    equal to the slice of the volume, bit for bit: {same}")


def sliders(tomogram: Tomogram) -> None:
    """Three features from small networks: what is timed does not depend on what computed the planes."""
    models, preview = [make("vggnet_s", name, seed) for seed, name in enumerate("abc")], LivePrediction()
    view = SliceInView(tomogram, "t", Z)
    high = float(np.quantile(preview.raw(models[1], view), 0.99))

    def graph(radius: float, shape: str, threshold: float = high) -> InteractionGraph:
        return InteractionGraph(tuple(Rule("avoid", child, "b", threshold, radius, shape) for child in "ac"))

    for shape, radii in (("disk", range(0, 320, 20)), ("ball", range(0, 110, 10))):
        preview.combined(models, graph(float(max(radii)), shape), view)
        times = [seconds(lambda: preview.recombine(models, graph(float(r), shape), view)) for r in radii]  # noqa: B023
        levels = [high * (1 - 0.002 * step) for step in range(1, 6)]
        others = [seconds(lambda: preview.recombine(models, graph(float(max(radii)), shape, t), view)) for t in levels]  # noqa: B023
        print(f"{shape}, two rules, 3 features: radius {1000 * np.median(times):.0f} ms", end=" ")
        print(f"(worst {1000 * max(times):.0f}), threshold not seen before {1000 * np.median(others):.0f} ms")


def main() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, float32 product {matrix_product():.0f} GFLOP/s")
    grey = np.random.default_rng(0).normal(0, 1, (2 * Z, 512, 512)).astype(np.float32)
    tomogram = Tomogram(grey, voxel_size_zyx=SIZE)
    networks(tomogram)
    sliders(tomogram)
    print(f"load {os.getloadavg()[0]:.1f}, float32 product {matrix_product():.0f} GFLOP/s")


if __name__ == "__main__":
    main()
