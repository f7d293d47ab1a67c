"""Fixtures that every part shares: small phantoms with exact truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from ais_app.cli.app import run

# the plug-ins of whoever runs the tests stay out of them
os.environ["AIS_APP_MODELS"] = str(Path(__file__).parent / "data" / "no_models")

# the same examples in every run; others with: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

VOXEL_SIZES = (8.0, 13.68)


@pytest.fixture(params=VOXEL_SIZES, ids=lambda size: f"{size} A")
def voxel_size(request: pytest.FixtureRequest) -> float:
    """Every test that takes a length runs at two voxel sizes."""
    return float(request.param)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Compute on one core: two that wait for each other are slower than one where other tests run beside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ais(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: ``code, out, err = ais("info", path)``."""

    def call(*arguments: str | Path | float) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)
