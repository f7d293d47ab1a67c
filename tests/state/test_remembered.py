"""What a person drew on each tomogram is there again when the tomogram comes back, also after closing the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ais_app.core.io import create_volume
from ais_app.state.commands import tomograms, view
from ais_app.state.project import Project
from ais_app.state.session import Session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "P.aisproj") as project:
        for name in ("TS_1", "TS_2"):
            with create_volume(tmp_path / f"{name}.mrc", (8, 64, 80), np.dtype(np.int8)) as writer:
                writer.write(0, np.ones((8, 64, 80), np.int8))
            project.add_tomogram(tmp_path / f"{name}.mrc")
    return tmp_path / "P.aisproj"


def test_the_region_belongs_to_its_tomogram(path: Path) -> None:
    session = Session(Project.open(path))
    first, second = (entry.id for entry in session.project.tomograms)
    assert not session.remembered.has_regions
    view.set_crop(session, (8, 40, 16, 64))
    view.set_z_range(session, (2, 6))
    tomograms.show(session, second)
    assert session.view.crop is None and session.view.z_range is None
    view.set_crop(session, (0, 32, 0, 32))
    tomograms.show(session, first)
    assert session.view.crop == (8, 40, 16, 64) and session.view.z_range == (2, 6)
    assert session.remembered.region(second) == ((0, 32, 0, 32), None)
    session.close()
    session = Session(Project.open(path))
    assert session.view.crop == (8, 40, 16, 64) and session.view.z_range == (2, 6)
    view.set_crop(session, None)
    view.set_z_range(session, None)
    session.close()
    session = Session(Project.open(path))
    assert session.view.crop is None and session.remembered.has_regions  # that of the other one
    tomograms.show(session, second)
    view.set_crop(session, None)
    session.remembered.keep()
    assert not session.remembered.has_regions
    session.close()
