"""The tutorial on subtomogram averaging in short: its own commands, on a smaller tomogram and in larger voxels."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from ais_app.core.coordinates import read_particles

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "subtomogram_tutorial.py"
SHORT = {
    "simulate": {"--shape": "48,120,120", "--snr": "1"},
    "dog": {"--number": "18"},
    "subtomo extract": {"--box": "16", "--bin": "3"},
    "subtomo average": {"--iterations": "4"},
}


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Cubes of 16 voxels."""


@pytest.fixture
def tutorial(monkeypatch):
    spec = importlib.util.spec_from_file_location("subtomogram_tutorial", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "subtomogram_tutorial", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(1800)
def test_ribosomes_are_found_averaged_and_put_back(tutorial, tmp_path):
    names = [" ".join(words[:2]) if words[0] == "subtomo" else words[0] for words in tutorial.commands()]
    on_stacks = ["subtomo extract", "subtomo average", "mapback", "subtomo sort", "subtomo average", "subtomo export"]
    assert names == ["simulate", "wedge", "dog", *on_stacks]
    tutorial.follow(tmp_path, SHORT)
    found = tutorial.score(tmp_path)
    assert found.right >= 0.85 * found.true
    assert found.aligned >= 0.8 * found.right
    assert found.angle < 5
    assert found.distance < 10
    assert found.overlap > 0.7
    assert (tmp_path / "relion" / "particles.star").exists()
    sizes = [len(read_particles(tmp_path / name / "particles.star")) for name in ("average", "class1")]
    assert 0 < sizes[1] < sizes[0]
