"""T27: work that was stopped leaves no thread and no process behind, wherever it was stopped."""

import functools
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.jobs import JobCancelled, run
from ais_app.core.matching.match import match_job
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.particles.align import AlignParams, align_job
from ais_app.core.particles.average import average_now_job
from ais_app.core.particles.faml import FamlParams, faml_job
from ais_app.core.particles.halves import AverageParams, refine_halves_job
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram

sys.path.append(str(Path(__file__).parents[1] / "matching"))
from matching_phantoms import FULL, SIZE, lump

EDGE, COUNT = 16, 12


@pytest.fixture(scope="module")
def subtomograms():
    random = np.random.default_rng(1)
    poses = Poses.of(random_rotations(COUNT, random), np.zeros((COUNT, 3)))
    return simple_subtomograms(blobs(1, EDGE), poses, Wedge(), 1.0, random, EDGE), poses


@pytest.fixture
def job(request, subtomograms):
    """What makes the job of a name."""
    cubes, poses = subtomograms
    wedges, many = ([Wedge()], np.zeros(COUNT, int)), np.repeat(np.arange(COUNT), 60)  # several steps each
    volume = np.random.default_rng(0).normal(size=(30, 40, 40)).astype(np.float32)
    faml = FamlParams(angular_step=60, iterations=2, candidates=2)
    halves = AverageParams(iterations=2, angular_step=60.0, global_iterations=1)
    return {
        "align": functools.partial(
            align_job, blobs(1, EDGE).cube(EDGE), cubes[many[::5]], [Wedge()], many[::5] * 0,
            AlignParams(angular_step=60),
        ),
        "average now": functools.partial(average_now_job, cubes[many], poses[many], [Wedge()], many * 0),
        "average": functools.partial(refine_halves_job, cubes, *wedges, halves),
        "faml": functools.partial(faml_job, cubes, *wedges, faml),
        "match": functools.partial(
            match_job, Tomogram(volume, (SIZE,) * 3), lump(), SIZE, FULL, MatchParams(angular_step=120, number=2)
        ),
    }[request.param]  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("job", ["align", "average now", "average", "faml", "match"], indirect=True)
def test_a_stopped_job_leaves_nothing_behind(job, steps):
    torch.set_num_threads(2)
    try:
        before, children = set(threading.enumerate()), set(psutil.Process().children(recursive=True))
        seen = []
        with pytest.raises(JobCancelled):
            run(job(), seen.append, lambda: len(seen) == steps)
        assert len(seen) == steps
        assert set(threading.enumerate()) <= before
        assert set(psutil.Process().children(recursive=True)) <= children
        assert torch.get_num_threads() == 2  # as it was before the job
    finally:
        torch.set_num_threads(1)
