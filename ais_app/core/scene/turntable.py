"""Ways of a camera: one `Camera` for each frame of a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.scene.camera import Camera


def turntable(camera: Camera, frames: int, degrees: float = 360.0) -> list[Camera]:
    """Return cameras that go round the z axis at a constant speed.

    Parameters
    ----------
    camera
        The first one.
    frames
        How many.
    degrees
        How far; positive turns the scene clockwise, seen from above. After whole turns the last frame is the one
        before the first, so that the film can be played in a loop.
    """
    _check(frames)
    steps = frames if degrees % 360 == 0 else max(1, frames - 1)
    return [replace(camera, azimuth=camera.azimuth + degrees * i / steps) for i in range(frames)]


def rock(camera: Camera, frames: int, degrees: float = 30.0) -> list[Camera]:
    """Return cameras that swing to both sides by half of `degrees` and back: a loop with depth, all of it seen."""
    _check(frames)
    swing = degrees / 2 * np.sin(2 * np.pi * np.arange(frames) / frames)
    return [replace(camera, azimuth=camera.azimuth + float(angle)) for angle in swing]


def fly(views: Sequence[Camera], frames_each: int) -> list[Camera]:
    """Return cameras that go from each view to the next, slow at both ends, the shorter way round.

    Parameters
    ----------
    views
        At least one.
    frames_each
        Frames from one view to the next; the last view is one frame more.
    """
    _check(frames_each)
    if not views:
        raise ParameterProblem("views", "there are none", "store a view first")
    eased = [float(t * t * (3 - 2 * t)) for t in np.arange(frames_each) / frames_each]
    found = [_between(a, b, t) for a, b in zip(views[:-1], views[1:], strict=True) for t in eased]
    return [*found, views[-1]]


def _between(a: Camera, b: Camera, t: float) -> Camera:
    x, y, z = (float((1 - t) * p + t * q) for p, q in zip(a.centre_xyz, b.centre_xyz, strict=True))
    turn = (b.azimuth - a.azimuth + 180) % 360 - 180
    return Camera(
        centre_xyz=(x, y, z),
        extent=float(a.extent ** (1 - t) * b.extent**t),  # a zoom at constant speed
        azimuth=a.azimuth + t * turn,
        elevation=(1 - t) * a.elevation + t * b.elevation,
        field_of_view=(1 - t) * a.field_of_view + t * b.field_of_view,
    )


def _check(frames: int) -> None:
    if frames < 1:
        raise ParameterProblem("frames", f"{frames} is no number of frames", "give 1 or more")
