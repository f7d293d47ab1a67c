"""Classes of particles are renamed and removed wherever they are named, each as one step of undo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state import commands
from ais_app.state.commands import particle_classes, particle_results, particles
from ais_app.state.gallery_groups import Grouping
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.particle_classes import classes
from ais_app.state.project import Project
from ais_app.state.session import Session


@pytest.fixture
def session(project: Project, tmp_path: Path) -> Session:
    """Picks in two tomograms, a stack and a cluster of the class 50S; 30S is another class."""
    random = np.random.default_rng(5)
    for name in ("T1", "T2"):
        project.add_picks(name, "ribosome", Particles(random.uniform(20, 180, (150, 3))), feature="membrane")
    made = Session(project)
    made.gallery.show(StackSource(tmp_path / "s.zarr"), (("T1",) * 3, np.full((3, 3), 60.0), None, 10.0, 8), 8)
    particles.set_classes(made, [0, 2], ["50S", "30S"])
    particles.show_picks(made, "ribosome")
    particles.set_classes(made, [1, 140, 290], ["50S", "30S", "50S"])
    assignment = np.where(np.arange(300) < 3, 0, -1)
    particle_results.take_grouping(made, "Group", Grouping(assignment, np.zeros((300, 2)), 1))
    particle_results.name_clusters(made, [0], "50S")
    return made


def everywhere(session: Session, tmp_path: Path) -> tuple[list[str], dict[str, int], set[str], list[str]]:
    """Return the classes, how many picks are of each, what clusters are called, and the classes of the stack."""
    particles.show_picks(session, "ribosome")
    table, grouping = session.gallery.table, session.gallery.grouping
    names, counts = np.unique(table.classes[table.classes != ""].astype(str), return_counts=True)
    assert grouping is not None
    content = session.project.document(StackSource(tmp_path / "s.zarr").document)
    return (
        list(classes(session.project)),
        dict(zip(names.tolist(), counts.tolist(), strict=True)),
        set(grouping.names.values()),
        sorted(content["class_name"]),
    )


def test_a_class_is_renamed_wherever_it_is_named(session: Session, tmp_path: Path) -> None:
    colour = classes(session.project)["50S"]
    before = everywhere(session, tmp_path)
    assert before == (["50S", "30S"], {"50S": 4, "30S": 1}, {"50S"}, ["30S", "50S"])
    particles.change_look(session, of_class="50S")
    assert particle_classes.rename(session, "50S", " large ") == 5
    assert session.gallery.look.of_class == "large" and len(session.gallery.order) == 4
    assert everywhere(session, tmp_path) == (["large", "30S"], {"large": 4, "30S": 1}, {"large"}, ["30S", "large"])
    assert classes(session.project)["large"] == colour
    line = next(line for line in session.log.lines if "rename" in line.python)
    assert line.python == "commands.particle_classes.rename(session, '50S', ' large ')"
    assert session.project.undo_title == "Rename class 50S: large"
    session.project.undo()
    assert everywhere(session, tmp_path) == before
    exec(line.python, {"commands": commands, "session": session})
    assert everywhere(session, tmp_path)[0] == ["large", "30S"]


def test_a_class_is_removed_and_its_particles_stay(session: Session, tmp_path: Path) -> None:
    before = everywhere(session, tmp_path)
    particles.change_look(session, of_class="50S")
    assert particle_classes.remove(session, "50S") == 5
    assert session.gallery.look.of_class is None and len(session.gallery.order) == 300
    assert everywhere(session, tmp_path) == (["30S"], {"30S": 1}, set(), ["30S"])
    assert session.log.lines[-2].python == "commands.particle_classes.remove(session, '50S')"
    assert session.project.undo_title == "Remove class 50S"
    session.project.undo()
    assert everywhere(session, tmp_path) == before


def test_what_the_gallery_does_not_show_is_renamed_as_well(session: Session, tmp_path: Path) -> None:
    session.gallery.show(PickSource("ribosome", None, (session.project.tomogram("T2").id,)))
    particle_classes.rename(session, "50S", "large")
    assert everywhere(session, tmp_path)[1] == {"large": 4, "30S": 1}


def test_names_that_cannot_be(session: Session) -> None:
    before = session.project.undo_title
    for name, to, words in (("50S", "30S", "already"), ("50S", " ", "no name"), ("70S", "80S", "none called 70S")):
        with pytest.raises(ParameterProblem, match=words):
            particle_classes.rename(session, name, to)
    with pytest.raises(ParameterProblem, match="none called"):
        particle_classes.remove(session, "70S")
    assert session.project.undo_title == before
