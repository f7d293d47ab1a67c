"""Linear interpolation in a table of three dimensions at many turned places: where alignment spends its time.

On CPUs it is compiled, with one pass over the places; on GPUs it is a weighted sum of eight rows of the table.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from numba import njit

_WORTH_A_THREAD = 2**14  # places


def sampled(table: torch.Tensor, side: int, scale: float, rotations: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Return what a table holds at turned places, (n, m, channels) float32.

    Parameters
    ----------
    table
        (side³, channels) float32, z y x; `side` is odd, and its centre is place 0.
    side, scale
        Points along each axis of the table, and how many of them are one unit of `k`.
    rotations
        (n, 3, 3) float32.
    k
        (m, 3) float32, x y z: places R^T k are looked up, those outside at the nearest face.
    """
    if table.device.type != "cpu":
        return _weighted(table, side, scale, rotations, k)
    out = torch.empty((len(rotations), len(k), table.shape[1]), dtype=torch.float32)
    arrays = [each.detach().contiguous().numpy() for each in (rotations, k, out)]
    values, turns, places, into = table.numpy(), arrays[0], arrays[1], arrays[2]
    threads = min(torch.get_num_threads(), len(turns), 1 + len(turns) * len(places) // _WORTH_A_THREAD)
    if threads <= 1:
        _sample(values, side, scale, turns, places, into)
        return out
    bounds = np.linspace(0, len(turns), threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        parts = [slice(first, last) for first, last in zip(bounds[:-1], bounds[1:], strict=True)]
        list(pool.map(lambda part: _sample(values, side, scale, turns[part], places, into[part]), parts))
    return out


@njit(cache=True, nogil=True, fastmath={"contract"})
def _sample(table, side, scale, rotations, k, out):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    channels = table.shape[1]
    flat = table.reshape(-1)
    middle, last = np.float32((side - 1) // 2), side - 2
    # unsigned places are not asked whether they count from the end, so that the loop over channels is one of vectors
    across, below = np.uint64(channels), np.uint64(channels * side)
    beside, above = np.uint64(channels * side + channels), np.uint64(channels * side * side)
    for n in range(len(rotations)):
        turn = rotations[n] * np.float32(scale)
        for m in range(len(k)):
            kx, ky, kz = k[m, 0], k[m, 1], k[m, 2]
            x, dx = _place(kx * turn[0, 0] + ky * turn[1, 0] + kz * turn[2, 0] + middle, last)
            y, dy = _place(kx * turn[0, 1] + ky * turn[1, 1] + kz * turn[2, 1] + middle, last)
            z, dz = _place(kx * turn[0, 2] + ky * turn[1, 2] + kz * turn[2, 2] + middle, last)
            at = np.uint64(((z * side + y) * side + x) * channels)
            ex, ey, ez = np.float32(1) - dx, np.float32(1) - dy, np.float32(1) - dz
            a, b, c, d = ez * ey, ez * dy, dz * ey, dz * dy
            a0, a1, b0, b1, c0, c1, d0, d1 = a * ex, a * dx, b * ex, b * dx, c * ex, c * dx, d * ex, d * dx
            row = out[n, m]
            for channel in range(channels):
                i = at + np.uint64(channel)
                j = i + above
                near = a0 * flat[i] + a1 * flat[i + across] + b0 * flat[i + below] + b1 * flat[i + beside]
                far = c0 * flat[j] + c1 * flat[j + across] + d0 * flat[j + below] + d1 * flat[j + beside]
                row[channel] = near + far


@njit(cache=True, nogil=True)
def _place(where, last):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    # written so that what is no number stays inside too
    if not where > 0:
        where = np.float32(0)
    if where > last + 1:
        where = np.float32(last + 1)
    at = min(int(where), last)
    return at, np.float32(where - at)


def _weighted(table: torch.Tensor, side: int, scale: float, rotations: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    # rows times R are columns times its transpose
    where = torch.nan_to_num((k @ rotations) * scale + (side - 1) / 2).clamp(0, side - 1)
    base = where.floor().clamp(max=side - 2)
    dx, dy, dz = (where - base).unbind(dim=-1)
    corner = base.long()
    corner = (corner[..., 2] * side + corner[..., 1]) * side + corner[..., 0]
    ex, ey, ez = 1 - dx, 1 - dy, 1 - dz
    weights = torch.stack([f * g for f in (ez * ey, ez * dy, dz * ey, dz * dy) for g in (ex, dx)], dim=-1)
    steps = [z * side * side + y * side + x for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    index = corner[..., None] + torch.tensor(steps, device=k.device)
    rows = F.embedding_bag(index.reshape(-1, 8), table, per_sample_weights=weights.reshape(-1, 8), mode="sum")
    return rows.reshape(*corner.shape, -1)
