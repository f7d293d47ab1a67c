"""Alter cubes at random: shifted, turned by half a turn, other grey values.

A subtomogram cannot be turned at will: its missing wedge would turn with it, to where no tilt series leaves one. With
the beam along z and the tilt axis along y, three rotations of the cube group keep the wedge in its place besides the
identity: half turns about z, y and x. Mirrors keep it too, but turn a particle into one of the other hand.
"""

from __future__ import annotations

import torch

from ais_app.core.training.augment import altered_grey_values
from ais_app.core.training.parameters import TrainParams


def augment_cubes(images: torch.Tensor, params: TrainParams, random: torch.Generator) -> torch.Tensor:
    """Alter a batch of cubes.

    Parameters
    ----------
    images
        (n, edge, edge, edge) standardised float32; `params.box_size` is at most the edge.
    params
        ``box_size``; ``shift``, which takes place within what the cubes are larger than the boxes; ``symmetries``,
        ``brightness``, ``contrast``, ``gamma`` and ``noise``. The others are for slices.
    random
        On the CPU.

    Returns
    -------
    Tensor
        (n, box_size, box_size, box_size) float32.
    """
    images = _cropped(images, params, random)
    if params.symmetries:
        images = _turned(images, random)
    return altered_grey_values(images, params, random)


def _cropped(images: torch.Tensor, params: TrainParams, random: torch.Generator) -> torch.Tensor:
    """Cut boxes out of the cubes, off centre by a random shift."""
    n, size = len(images), params.box_size
    room = images.shape[-1] - size
    reach = min(room // 2, round(params.shift * size))
    shift = torch.randint(-reach, reach + 1, (n, 3), generator=random)
    if not room:
        return images
    at = (torch.arange(size) + room // 2 + shift[:, :, None]).to(images.device)
    each = torch.arange(n, device=images.device)[:, None, None, None]
    return images[each, at[:, 0, :, None, None], at[:, 1, None, :, None], at[:, 2, None, None, :]]


def _turned(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Turn each cube by half a turn about x, y or z, or not at all."""
    which = torch.randint(0, 4, (len(images),), generator=random).to(images.device)
    for number, axes in enumerate(((1, 2), (1, 3), (2, 3)), start=1):
        images = torch.where((which == number)[:, None, None, None], images.flip(axes), images)
    return images
