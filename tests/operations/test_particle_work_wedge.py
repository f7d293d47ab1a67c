"""The wedge that tomograms share: found, doubted, or said not to be there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.particle_work_wedge import shared_wedge_job

EDGE = 64


def tilted(low: float, high: float, seed: int = 0, about: int = 1) -> Tomogram:
    """Noise that was measured between two tilts, about y (1) or x (2), the beam along z."""
    noise = np.fft.fftn(np.random.default_rng(seed).normal(size=(EDGE,) * 3))
    frequencies = np.meshgrid(*[np.fft.fftfreq(EDGE)] * 3, indexing="ij")
    beam, across = frequencies[0], frequencies[3 - about]
    angle = np.degrees(np.arctan2(np.where(across < 0, -beam, beam), np.abs(across)))
    kept = (angle >= low) & (angle <= high)
    return Tomogram(np.fft.ifftn(noise * kept).real.astype(np.float32), (10.0,) * 3)


def of(**tomograms: Tomogram) -> list[tuple[str, Callable[[], Tomogram]]]:
    return [(name, lambda tomogram=tomogram: tomogram) for name, tomogram in tomograms.items()]  # type: ignore[misc]


def missing() -> Tomogram:
    raise FileProblem("T9.mrc", "is not found")


def test_the_limits_are_found_and_shared() -> None:
    found = run(shared_wedge_job(of(T1=tilted(-50, 60), T2=tilted(-51, 60, seed=1))))
    assert found.wedge.tilt_min == pytest.approx(-50.5, abs=2) and found.wedge.tilt_max == pytest.approx(60, abs=2)
    assert (found.wedge.tilt_axis, found.wedge.beam_axis) == ("y", "z")
    assert found.words.startswith("Seen clearly in 2 tomograms; within") and not found.doubtful


def test_what_does_not_fit_is_said() -> None:
    whole = Tomogram(np.random.default_rng(5).normal(size=(EDGE,) * 3).astype(np.float32), (10.0,) * 3)
    some = run(shared_wedge_job([*of(T1=tilted(-60, 60), T2=tilted(-40, 40, 1), T3=whole), ("T9", missing)]))
    assert some.doubtful and isinstance(some.wedge, Wedge)
    assert "they differ: T1 -6" in some.words and "not seen in T3" in some.words and "1 could not be read" in some.words
    with pytest.raises(ParameterProblem, match="no missing wedge is seen in T3"):
        run(shared_wedge_job(of(T3=whole)))
    with pytest.raises(ParameterProblem, match="not tilted alike: T1 about y; T2 about x"):
        run(shared_wedge_job(of(T1=tilted(-60, 60), T2=tilted(-60, 60, 1, about=2))))
    with pytest.raises(FileProblem, match="not found"):
        run(shared_wedge_job([("T9", missing)]))
    with pytest.raises(ParameterProblem, match="none of the particles"):
        run(shared_wedge_job([]))
