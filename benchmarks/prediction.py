"""Speed and memory of prediction, side by side on this machine.

    python benchmarks/prediction.py                       VGGNet M and UNet S on slices of 576 x 576
    python benchmarks/prediction.py --memory              peak anonymous memory of `segment` on 300 x 1000 x 1000

Rates count the operations of the network on the slice itself; mirrored borders and overlaps of tiles count as loss.
Every rate is also given as a share of the machine's own 4096 x 4096 bfloat16 matrix product, measured in turn with
it, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ais_app.core.io import create_volume
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, new_model, save_model
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.engines.openvino_engine import is_installed
from ais_app.core.prediction.engines.torch_engine import TorchEngine
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.tomogram import Tomogram
from ais_app.operations.segment import segment

SIZE = (10.0, 10.0, 10.0)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def matrix_product() -> float:
    """Return the rate of a 4096 x 4096 bfloat16 product in torch, GFLOP/s."""
    one = torch.ones(4096, 4096, dtype=torch.bfloat16)
    return 2 * 4096**3 / seconds(lambda: one @ one, 2) / 1e9


def operations(model: Model, edge: int) -> float:
    """Return the GFLOP of one slice."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.network(torch.zeros(1, model.card.depth, edge, edge))
    return counter.get_total_flops() / 1e9


def write_noise(path: Path, shape: tuple[int, int, int]) -> Path:
    """Write a tomogram slice by slice, so that making it needs no memory."""
    rng = np.random.default_rng(1)
    grid = Tomogram(np.empty((1, 1, 1), np.float32), voxel_size_zyx=SIZE)
    with create_volume(path, shape, np.float32, like=grid) as writer:
        for z in range(shape[0]):
            writer.write(z, rng.normal(100, 20, (1, *shape[1:])).astype(np.float32))
    return path


def speed(architecture: str, edge: int, slices: int) -> None:
    model = new_model(ModelCard(architecture, feature="membrane", voxel_size=SIZE[0]))
    model.network.eval()
    work = operations(model, edge)
    slab = np.random.default_rng(0).normal(size=(1, 1, edge, edge)).astype(np.float32)
    engines = {"torch float32": TorchEngine(model.network, "float32"), "torch, fastest": TorchEngine(model.network)}
    if is_installed():
        engines["OpenVINO, fastest"] = engine_for(model.network, "openvino")
    print(f"\n{architecture}: {work:.0f} GFLOP on {edge} x {edge}")
    for title, engine in engines.items():
        engine.infer(slab)
        product = matrix_product()
        show(title, seconds(lambda engine=engine: engine.infer(slab)), work, product, engine.name)
    with tempfile.TemporaryDirectory() as folder:
        tomogram = write_noise(Path(folder) / "noise.mrc", (slices, edge, edge))
        package = save_model(model, Path(folder) / "m.aismodel")
        graph = InteractionGraph()
        before = matrix_product()
        start = time.perf_counter()
        (first,) = segment([tomogram], [package], folder, interactions=graph, skip_existing=False)
        whole = time.perf_counter() - start
        short = write_noise(Path(folder) / "short.mrc", (2, edge, edge))
        start = time.perf_counter()
        (second,) = segment([short], [package], folder, interactions=graph, skip_existing=False)
        start_up = time.perf_counter() - start
        assert first.error is None and second.error is None, (first.error, second.error)
        product = (before + matrix_product()) / 2
        each = (whole - start_up) / (slices - 2)
        show("ais-app segment, per slice", each, work, product, f"start-up {start_up:.1f} s, {slices} slices")


def show(title: str, time_taken: float, work: float, product: float, remark: str) -> None:
    rate = work / time_taken
    print(f"  {title:28s} {time_taken:7.3f} s {rate:7.0f} GFLOP/s {rate / product:6.1%} of {product:.0f}   {remark}")


def memory(architecture: str, shape: tuple[int, int, int]) -> None:
    highest, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            lines = Path("/proc/self/status").read_text().splitlines()
            highest[0] = max(highest[0], *(int(line.split()[1]) for line in lines if line.startswith("RssAnon")))

    with tempfile.TemporaryDirectory() as folder:
        tomogram = write_noise(Path(folder) / "noise.mrc", shape)
        model = new_model(ModelCard(architecture, feature="membrane", voxel_size=SIZE[0]))
        other = new_model(ModelCard("unet_s", feature="carbon", voxel_size=SIZE[0]))
        packages = [save_model(m, Path(folder) / f"{m.card.feature}.aismodel") for m in (model, other)]
        graph = InteractionGraph((Rule("avoid", "membrane", "carbon", radius=50.0, shape="ball"),))
        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        (result,) = segment([tomogram], packages, folder, PredictionParams(), interactions=graph)
        taken = time.perf_counter() - start
        done.set()
        watcher.join()
        assert result.error is None, result.error
    print(f"segment, {architecture} and unet_s, ball of 50 Å, {shape}: anonymous memory {highest[0] / 2**20:.2f} GB,")
    print(
        f"  resident with file pages {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB, {taken:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--architectures", nargs="+", default=["vggnet_m", "unet_s"])
    parser.add_argument("--edge", type=int, default=576)
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--shape", type=int, nargs=3, default=(300, 1000, 1000))
    wanted = parser.parse_args()
    print(f"{torch.get_num_threads()} threads; Python {sys.version.split()[0]}, torch {torch.__version__}")
    if wanted.memory:
        memory(wanted.architectures[0], tuple(wanted.shape))
        return
    for architecture in wanted.architectures:
        speed(architecture, wanted.edge, wanted.slices)


if __name__ == "__main__":
    main()
