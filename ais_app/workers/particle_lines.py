"""Work on the particles of the gallery in words: names of files, lines for a terminal."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING

import numpy as np

from ais_app.state.gallery_table import PickSource, StackSource

if TYPE_CHECKING:
    from ais_app.operations.particle_work_list import Worked
    from ais_app.state.chosen_particles import Chosen
    from ais_app.state.project import Project

MOST_WORDS = 60  # bytes of the words in the name of a file


def file_name(source: object) -> str:
    """Return how files are named that belong to a source: words for a person, and what tells it from all others."""
    if isinstance(source, StackSource):
        words, whole = source.path.stem, str(source.path)
    elif isinstance(source, PickSource):
        words = source.name or f"feature {source.feature}"
        which = f"set {source.name}" if source.name else words
        whole = f"{which} of {sorted(source.tomograms)}"
    else:
        return "particles"
    short = words.encode()[:MOST_WORDS].decode(errors="ignore")  # systems allow 255 bytes, and others add to it
    plain = "".join(letter if letter.isalnum() else "_" for letter in short)
    return f"{plain}_{hashlib.blake2b(whole.encode(), digest_size=3).hexdigest()}"


def shell_of(project: Project, asked: Chosen, done: Worked) -> str:
    """Return what to type to do the same to particles as they were; empty where a terminal cannot say it.

    It knows sets of picks, without those that were rejected, and whole stacks: no selections. Particles that are
    aligned there begin at random where nothing is known of how they are turned.
    """
    from ais_app.operations.particle_work_list import shell_line

    table, arguments, stack = asked.table, done.arguments, isinstance(asked.source, StackSource)
    kept = np.flatnonzero(~table.rejected)
    if done.count != (len(table) if stack else len(kept)):
        return ""
    turned = table.rotations
    if arguments["work"] == "align" and (turned is None or not np.isfinite(turned[kept]).all()):
        return ""
    command, given = {
        "average": ("average", {"align": False, **{name: arguments.get(name) for name in ("symmetry", "seed")}}),
        "align": ("average", arguments.get("alignment", {})),
        "group": ("cluster", arguments.get("grouping", {})),
        "classify": ("classify", {"model": arguments.get("model")}),
    }[arguments["work"]]
    return shell_line(done, command, given, "" if stack else picks_in_words(project, asked.source))


def picks_in_words(project: Project, source: object) -> str:
    """Return the options of ``ais-app subtomo extract`` that name the picks of a source."""
    names = {entry.id: entry.name for entry in project.tomograms}
    if not isinstance(source, PickSource):
        return ""
    words = [shlex.quote(names[id]) for id in source.tomograms if id in names]
    words.append(f"--project {shlex.quote(str(project.path))}")
    if source.name:
        words.append(f"--pick-set {shlex.quote(source.name)}")
    elif source.feature is not None:
        words.append(f"--feature {shlex.quote(project.feature(source.feature).name)}")
    return " ".join(words)
