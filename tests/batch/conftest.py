"""Queues of tiny, real work: segmentations of a few voxels that are labelled, and models of a few weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ais_app.batch.queue import Queue
from ais_app.batch.records import Task
from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram

SIZE = (10.0, 10.0, 10.0)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path / "work.aisqueue", create=True) as opened:
        yield opened


@pytest.fixture
def segmentation(tmp_path: Path) -> Callable[[str], Path]:
    """Write a segmentation with two cubes: ``segmentation("TS_01")``."""

    def write(name: str) -> Path:
        data = np.zeros((6, 12, 20), dtype=np.int8)
        data[1:4, 2:6, 2:6] = data[2:5, 5:9, 12:17] = 1
        path = tmp_path / f"{name}__granule.mrc"
        return path if path.exists() else write_volume(path, data, like=Tomogram(data, voxel_size_zyx=SIZE))

    return write


@pytest.fixture
def label_task(tmp_path: Path, segmentation: Callable[[str], Path]) -> Callable[..., Task]:
    """Make a task that labels a segmentation, of a file that is there or (``missing=True``) is not."""

    def make(name: str = "TS_01", *, missing: bool = False, folder: str = "labels", **options: object) -> Task:
        source = tmp_path / f"{name}__granule.mrc" if missing else segmentation(name)
        output = tmp_path / folder / f"{name}__granule_instances.mrc"
        arguments = {"segmentations": [source], "out_dir": tmp_path / folder, **options.pop("arguments", {})}
        return Task("label", arguments, name, f"Label {name}", outputs=[output], **options)

    return make


@pytest.fixture
def model(tmp_path: Path) -> Callable[[str], Path]:
    """Write a model package with initial weights: ``model("membrane")``."""

    def write(feature: str, colour: str = "#e69f00") -> Path:
        import torch

        from ais_app.core.model.card import ModelCard
        from ais_app.core.model.package import new_model, save_model

        torch.manual_seed(3)
        card = ModelCard("vggnet_s", feature=feature, colour=colour, voxel_size=SIZE[0])
        return save_model(new_model(card), tmp_path / f"{feature}.aismodel")

    return write


@pytest.fixture
def tomogram(tmp_path: Path) -> Callable[..., Path]:
    """Write a tomogram of noise: ``tomogram("TS_01", (16, 64, 64))``."""

    def write(name: str, shape: tuple[int, int, int] = (5, 32, 48)) -> Path:
        grey = np.random.default_rng(7).normal(50, 9, shape).astype(np.float32)
        return write_volume(tmp_path / f"{name}.mrc", grey, like=Tomogram(grey, voxel_size_zyx=SIZE))

    return write
