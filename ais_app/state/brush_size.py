"""How large a brush is after a step: always a round number, so that it can be said and typed again."""

from __future__ import annotations

import math

DIGITS = (1, 2, 3, 4, 5)  # of a step: it has one digit, so the radius has two


def stepped(radius: float, steps: int, voxel: float) -> float:
    """Return the radius after steps of about a tenth, and of half a voxel at least; never below half a voxel.

    Parameters
    ----------
    radius
        Å.
    steps
        How many; negative ones make it smaller.
    voxel
        Å; where it is not known, how much of a radius is called one voxel.

    Returns
    -------
    float
        A multiple of the step: 160 Å rather than 159.72 Å.
    """
    for _ in range(abs(steps)):
        step = max(_one_digit(0.1 * radius, up=False), _one_digit(0.5 * voxel, up=True))
        places = radius / step
        radius = step * (math.floor(places + 1e-6) + 1 if steps > 0 else math.ceil(places - 1e-6) - 1)
        radius = max(radius, 0.5 * voxel)
    return float(f"{radius:.6g}")  # 0.3 rather than 0.30000000000000004


def _one_digit(length: float, up: bool) -> float:
    """Return the next number of one digit above, or below, a length; the length itself if it is one."""
    power = math.floor(math.log10(length))
    ladder = [float(f"{digit}e{power + shift}") for shift in (0, 1) for digit in DIGITS]
    near = [rung for rung in ladder if rung >= length * (1 - 1e-9)] if up else None
    return min(near) if near else max(rung for rung in ladder if rung <= length * (1 + 1e-9))
