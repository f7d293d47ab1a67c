"""The first tutorial in short: train on one real microtubule, segment and trace the other, through the command line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "microtubules.py"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARK.parent), *sys.path])
    spec = importlib.util.spec_from_file_location("microtubules", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "microtubules", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TTA", "4")
    monkeypatch.setattr(module, "TRAIN", [*module.TRAIN, "--box-size", "32", "--batch", "16"])
    return module


@pytest.mark.timeout(900)
def test_network_trained_on_one_microtubule_finds_the_axis_of_the_other(benchmark, tmp_path):
    train, test = (benchmark.DATA / f"cylindra_{number}pf_MT.tif" for number in (13, 14))
    result = benchmark.one_way(train, test, tmp_path, seed=0, epochs=6)
    assert result.filaments == result.components == 1
    assert result.median < 1.5
    # voxels of 10.52 Å
    assert result.refined_median < 0.5
    assert result.refined_worst < 1.5
    assert result.refined_coverage > 0.97
    # an independent witness: the tubulin lattice is sharpest about the true axis
    assert result.layer_line_traced > 0.8 * result.layer_line_reference
    assert result.layer_line_traced > 3 * result.layer_line_clicks
