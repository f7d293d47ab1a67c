"""Alter cubes at random: shifted, turned by half a turn, other grey values.

A subtomogram cannot be turned at will: its missing wedge would turn with it, to where no tilt series leaves one. With
the beam along z and the tilt axis along y, three rotations of the cube group keep the wedge in its place besides the
identity: half turns about z, y and x. Mirrors keep it too, but turn a particle into one of the other hand.
"""

from __future__ import annotations

import torch

from ais_app.core.training.augment import altered_grey_values
from ais_app.core.training.parameters import TrainParams


def augment_cubes(
    images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Alter a batch of cubes, and with them labels of their voxels.

    Parameters
    ----------
    images
        (n, d, h, w) normalised float32.
    labels
        Of the same shape where they are of voxels, uint8; ``(n,)`` where they are of whole cubes.
    params
        ``box_size``; ``shift``, which takes place within what height and width are larger than the boxes, and along
        with them the depth where it is as large; ``symmetries``, ``brightness``, ``contrast``, ``gamma`` and ``noise``.
        The others are for slices.
    random
        On the CPU.

    Returns
    -------
    Tensor, Tensor
        (n, box_size, box_size, box_size) float32, or of their own depth where that is smaller; and the labels.
    """
    volumes = [images, labels] if labels.ndim == images.ndim else [images]
    volumes = _cropped(volumes, params, random)
    if params.symmetries:
        volumes = _turned(volumes, random)
    return altered_grey_values(volumes[0], params, random), volumes[1] if len(volumes) > 1 else labels


def _cropped(volumes: list[torch.Tensor], params: TrainParams, random: torch.Generator) -> list[torch.Tensor]:
    """Cut boxes out of the volumes, all at the same places, off centre by a random shift."""
    n, *whole = volumes[0].shape
    size = [min(edge, params.box_size) for edge in whole]
    if size == whole:
        return volumes
    each = torch.arange(n, device=volumes[0].device)[:, None, None, None]
    at = []
    for axis, (edge, kept) in enumerate(zip(whole, size, strict=True)):
        reach = min((edge - kept) // 2, round(params.shift * kept))
        shift = torch.randint(-reach, reach + 1, (n, 1), generator=random)
        index = (torch.arange(kept) + (edge - kept) // 2 + shift).to(volumes[0].device)
        at.append(index.view(n, *(kept if other == axis else 1 for other in range(3))))
    return [volume[each, at[0], at[1], at[2]] for volume in volumes]


def _turned(volumes: list[torch.Tensor], random: torch.Generator) -> list[torch.Tensor]:
    """Turn each by half a turn about x, y or z, or not at all."""
    which = torch.randint(0, 4, (len(volumes[0]), 1, 1, 1), generator=random).to(volumes[0].device)
    for number, axes in enumerate(((1, 2), (1, 3), (2, 3)), start=1):
        volumes = [torch.where(which == number, volume.flip(axes), volume) for volume in volumes]
    return volumes
