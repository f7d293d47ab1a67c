"""Time of a training step: ``python benchmarks/training.py [architecture ...]``.

32 boxes of 64 x 64 pixels. The rows of torch alone are forward, loss, backward and AdamW on boxes that lie ready; the
last row is the program's whole step: choosing and altering the boxes, the running average of the weights and the
clipping of the gradient included. Rows take turns, so that what else runs on the machine meets all alike.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
import torch

from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.training.boxes import cut_boxes
from ais_app.core.training.data import LabelledTomogram
from ais_app.core.training.hardware import hardware, kept_memory
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.trainer import train_job

ROUNDS, SIZE, BOXES = 7, 64, 32


def torch_alone(name: str, *, bf16: bool, channels_last: bool) -> Iterator[None]:
    network = new_model(ModelCard(name)).network
    x, y = torch.randn(BOXES, 1, SIZE, SIZE), (torch.rand(BOXES, 1, SIZE, SIZE) > 0.5).float()
    if channels_last:
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    while True:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = network.logits(x)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield


def whole_step(name: str) -> Iterator[object]:
    random = np.random.default_rng(0)
    image = random.normal(size=(9, 256, 256)).astype(np.float32)
    labels = (image > 1.5).astype(np.uint8)
    params = TrainParams(batch=32, architecture=name, boxes=64, epochs=1000, draws=100, validation="none", device="cpu")
    data = cut_boxes([LabelledTomogram.from_arrays(image, labels, 10.0)], params, architecture(name).stride)
    return train_job(data, params, ModelCard(name))


def product_rate(dtype: torch.dtype, n: int = 4096) -> float:
    """Return the rate of the machine's own matrix product, GFLOP/s."""
    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    a @ b
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * n**3 / min(seconds) / 1e9


def measure(name: str) -> None:
    rows: dict[str, tuple[Iterator[object], Callable[[], object]]] = {
        "torch, float32": (torch_alone(name, bf16=False, channels_last=False), nullcontext),
        "torch, float32, channels last": (torch_alone(name, bf16=False, channels_last=True), nullcontext),
    }
    if hardware(TrainParams(device="cpu")).bf16:
        rows["torch, bf16, channels last"] = (torch_alone(name, bf16=True, channels_last=True), nullcontext)
    rows["ais-app, all of the step"] = (whole_step(name), kept_memory)
    seconds: dict[str, list[float]] = {row: [] for row in rows}
    for _ in range(ROUNDS + 1):
        for row, (steps, memory) in rows.items():
            with memory():
                next(steps)
                start = time.perf_counter()
                next(steps)
                seconds[row].append(time.perf_counter() - start)
    medians = {row: statistics.median(values[1:]) for row, values in seconds.items()}
    print(f"\n{name}, {BOXES} boxes of {SIZE} x {SIZE}, {torch.get_num_threads()} threads\n")
    print("| what | s a step (median) | times faster |\n|---|---|---|")
    for row, value in medians.items():
        print(f"| {row} | {value:.3f} | {medians['torch, float32'] / value:.1f} |", flush=True)


def main() -> None:
    rates = ", ".join(f"{product_rate(dtype):,.0f} GFLOP/s in {dtype}" for dtype in (torch.float32, torch.bfloat16))
    print(f"product of 4096 x 4096 matrices: {rates}")
    for name in sys.argv[1:] or ["vggnet_m"]:
        measure(name)


if __name__ == "__main__":
    main()
