"""Size, cost and speed of every network of slices: ``python benchmarks/architectures.py [name ...] [--depth N]``.

Seconds are those of one slice of 512 x 512 pixels in PyTorch, in bfloat16 where the machine computes in it, with
channels innermost; the least of several runs, networks taking turns so that what else runs meets all alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.training.hardware import Hardware, hardware
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.models import list_architectures

SIZE = 512
ROUNDS = 3


def prediction(name: str, depth: int, machine: Hardware) -> Callable[[], None]:
    """Return a function that predicts one slice with new weights."""
    network = new_model(ModelCard(name, depth=depth)).network.eval().to(machine.device).channels_last()
    slab = torch.randn(1, depth, SIZE, SIZE, device=machine.device).to(memory_format=torch.channels_last)

    def predict() -> None:
        with torch.inference_mode(), torch.autocast(machine.device.type, torch.bfloat16, enabled=machine.bf16):
            network(slab)
        if machine.device.type == "cuda":
            torch.cuda.synchronize()

    return predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="architectures; all of slices if none is given")
    parser.add_argument("--depth", type=int, default=1)
    arguments = parser.parse_args()
    machine = hardware(TrainParams())
    infos = [
        info
        for info in list_architectures(arguments.depth)
        if info.task == "segment" and info.dimension == 2 and (not arguments.names or info.name in arguments.names)
    ]
    predictions = {info.name: prediction(info.name, arguments.depth, machine) for info in infos}
    seconds: dict[str, list[float]] = {name: [] for name in predictions}
    for predict in predictions.values():
        predict()  # kernels are chosen in the first run
    for _ in range(ROUNDS):
        for name, predict in predictions.items():
            start = time.perf_counter()
            predict()
            seconds[name].append(time.perf_counter() - start)
    print(", ".join(f"{name} {value}" for name, value in machine.words.items()), f"depth {arguments.depth}", sep=", ")
    print(f"{'':21s}{'parameters':>12s}{'MAC a pixel':>13s}{f's a {SIZE}² slice':>16s}{'GFLOP/s':>9s}")
    for info in sorted(infos, key=lambda info: info.operations_per_pixel):
        least = min(seconds[info.name])
        rate = 2 * info.operations_per_pixel * SIZE**2 / least / 1e9
        print(f"{info.name:21s}{info.parameters:12,d}{info.operations_per_pixel:13,d}{least:16.4f}{rate:9.0f}")


if __name__ == "__main__":
    main()
