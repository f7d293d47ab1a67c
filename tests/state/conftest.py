"""A small project: two tomograms of 20 x 70 x 90 voxels at 10 Å with an origin, and one feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from ais_app.core.particle_set import Particles
from ais_app.state.commands import particles
from ais_app.state.project import Project
from ais_app.state.session import Session

SHAPE = (20, 70, 90)


@pytest.fixture
def make_tomogram(tmp_path: Path) -> Callable[..., Path]:
    """Write ``NAME.mrc`` of noise; its content depends on the seed alone."""

    def make(name: str, seed: int = 0, folder: Path = tmp_path, shape: tuple[int, ...] = SHAPE) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.mrc"
        with mrcfile.new(path) as file:
            file.set_data(np.random.default_rng(seed).normal(size=shape).astype(np.float32))
            file.voxel_size = 10.0
            file.header.origin.x, file.header.origin.y, file.header.origin.z = 100.0, 200.0, -300.0
        return path

    return make


@pytest.fixture
def project(tmp_path: Path, make_tomogram: Callable[..., Path]) -> Iterator[Project]:
    with Project.create(tmp_path / "P.aisproj") as project:
        project.add_tomogram(make_tomogram("T1", 1))
        project.add_tomogram(make_tomogram("T2", 2))
        project.add_feature("membrane")
        yield project


@pytest.fixture
def session(project: Project) -> Session:
    """Sets of 140 and 5 picks called ribosome on two tomograms, and 4 spots; the ribosomes are shown."""
    random = np.random.default_rng(4)
    for name, label, count in (("T1", "ribosome", 140), ("T2", "ribosome", 5), ("T2", "spots", 4)):
        project.add_picks(name, label, Particles(random.uniform(20, 180, (count, 3))), feature="membrane")
    made = Session(project)
    particles.show_picks(made, "ribosome")
    return made
