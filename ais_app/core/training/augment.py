"""Alter boxes at random, a whole batch at a time, so that a network learns what does not matter.

    cut with margin ─ Fourier gains (blur, spectrum, wedge) ─ shift and scale ─ symmetry ─ grey values ─ box

Each change has its probability in `TrainParams`. All random numbers come from one generator on the CPU, so the same
seed gives the same boxes on any device.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from ais_app.core.annotation.labels import IGNORE
from ais_app.core.training.parameters import TrainParams

BRIGHTNESS = 0.3  # largest change, in deviations of the tomogram
CONTRAST = 0.25  # largest relative change
GAMMA = 0.3  # largest change of the exponent
NOISE = 0.5  # largest deviation of the added noise, in deviations of the tomogram
BLUR_VOXELS = 1.0  # largest sigma
SCALE = 0.1  # largest relative change of size
WEDGE_DEGREES = 30.0  # largest half-angle
SPECTRUM = 0.25  # deviation of each of the smooth changes of log amplitude


def augment(
    images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Alter a batch of boxes.

    Parameters
    ----------
    images
        (n, depth, size + 2 m, size + 2 m) normalised float32, with a margin m of at least 0.
    labels
        (n, size + 2 m, size + 2 m) uint8. For networks of volumes the shape of the images, and both may have a margin
        along z too.
    params
        Probabilities and the size of a box.
    random
        On the CPU.

    Returns
    -------
    Tensor, Tensor
        (n, depth, size, size) float32, and labels uint8 with as many axes as before.
    """
    # from here on labels have slices, one where only the middle one is known
    volumes = labels.ndim == images.ndim
    images, labels = _fourier(images, params, random), labels if volumes else labels[:, None]
    images, labels = _shifted_along_z(images, labels, params, random)
    images, labels = _cropped(images, labels, params, random)
    if params.symmetries:
        images, labels = _turned(images, labels, random)
    return altered_grey_values(images, params, random), labels if volumes else labels[:, 0]


def _uniform(random: torch.Generator, n: int, low: float, high: float) -> torch.Tensor:
    return torch.rand(n, generator=random) * (high - low) + low


def _chosen(random: torch.Generator, n: int, probability: float) -> torch.Tensor:
    return torch.rand(n, generator=random) < probability


def _fourier(images: torch.Tensor, params: TrainParams, random: torch.Generator) -> torch.Tensor:
    """Multiply the Fourier transforms of the chosen boxes by gains; each slice of a slab by the same."""
    n, _, height, width = images.shape
    blur = _uniform(random, n, 0, BLUR_VOXELS) * _chosen(random, n, params.blur)
    waves = torch.randn((n, 4), generator=random) * SPECTRUM * _chosen(random, n, params.spectrum)[:, None]
    wedge = _uniform(random, n, 0, math.radians(WEDGE_DEGREES)) * _chosen(random, n, params.wedge)
    direction, kept = _uniform(random, n, 0, math.pi), _uniform(random, n, 0, 0.5)
    rows = ((blur > 0) | (waves != 0).any(1) | (wedge > 0)).nonzero()[:, 0]
    if not len(rows):
        return images
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :]
    radius = torch.hypot(fy, fx)
    gain = torch.exp(-2 * (math.pi * blur[rows, None, None] * radius) ** 2)
    # a sum of cosines in the radius: smooth, and different from tomogram to tomogram as defocus and filters are
    turns = torch.arange(1, 5) * 2 * math.pi
    log_amplitude = (waves[rows] @ torch.cos(turns[:, None, None] * radius).flatten(1)).view(-1, *radius.shape)
    gain = gain * torch.exp(log_amplitude)
    away = torch.remainder(torch.atan2(fy, fx) - direction[rows, None, None] + math.pi / 2, math.pi) - math.pi / 2
    gain = torch.where(away.abs() < wedge[rows, None, None], gain * kept[rows, None, None], gain)
    gain[:, 0, 0] = 1  # the mean stays
    rows, gain = rows.to(images.device), gain.to(images.device)
    changed = torch.fft.irfft2(torch.fft.rfft2(images[rows]) * gain[:, None], s=(height, width))
    return images.index_copy(0, rows, changed)


def _shifted_along_z(
    images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut the margin along z away, off centre by a random shift; slabs have none."""
    n, reach = len(images), (labels.shape[1] - params.depth) // 2
    if reach <= 0 or labels.shape[1] == 1:
        return images, labels
    shift = torch.randint(-reach, reach + 1, (n, 1), generator=random)
    slices = (torch.arange(params.depth) + reach + shift).to(images.device)
    each = torch.arange(n, device=images.device)[:, None]
    return images[each, slices], labels[each, slices]


def _cropped(
    images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut the margin away, off centre by a random shift; scale some boxes."""
    n, depth = images.shape[:2]
    size, margin = params.box_size, (images.shape[-1] - params.box_size) // 2
    reach = min(margin, round(params.shift * size))
    shift = torch.randint(-reach, reach + 1, (n, 2), generator=random)
    scale = torch.where(_chosen(random, n, params.scale), 1 + _uniform(random, n, -SCALE, SCALE), torch.ones(n))
    at = (torch.arange(size) + margin + shift[:, :, None]).to(images.device)
    rows, columns = at[:, 0, :, None], at[:, 1, None, :]
    each = torch.arange(n, device=images.device)[:, None, None]
    cut_labels = torch.stack([labels[:, z][each, rows, columns] for z in range(labels.shape[1])], dim=1)
    cut = torch.stack([images[:, z][each, rows, columns] for z in range(depth)], dim=1)
    scaled = (scale != 1).nonzero()[:, 0]
    if len(scaled):
        new = _scaled(images, labels, scaled, scale[scaled], shift[scaled], size)
        scaled = scaled.to(images.device)
        cut, cut_labels = cut.index_copy(0, scaled, new[0]), cut_labels.index_copy(0, scaled, new[1])
    return cut, cut_labels


def _scaled(
    images: torch.Tensor,
    labels: torch.Tensor,
    which: torch.Tensor,
    scale: torch.Tensor,
    shift: torch.Tensor,
    size: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Interpolate boxes at positions spread by `scale` around their shifted centre."""
    whole = images.shape[-1]
    offsets = torch.arange(size) - (size - 1) / 2
    # grid_sample counts from −1 to 1 over the outer edges of the first and the last voxel
    at = (offsets * scale[:, None, None] + shift[:, :, None]) * 2 / whole
    y, x = torch.broadcast_tensors(at[:, 0, :, None], at[:, 1, None, :])
    grid = torch.stack([x, y], dim=-1).to(images.device)
    which = which.to(images.device)
    image = F.grid_sample(images[which], grid, padding_mode="reflection", align_corners=False)
    # what lies outside reads as 0 there: labels are moved up by one to tell it from background
    label = (labels[which] + 1).float()
    label = F.grid_sample(label, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    outside = label < 0.5
    return image, torch.where(outside, float(IGNORE), label - 1).to(labels.dtype)


def _turned(images: torch.Tensor, labels: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Apply one of the eight symmetries of a square to each box; slabs also upside down, which makes sixteen."""
    bits = (torch.rand((4, len(images)), generator=random) < 0.5).to(images.device)
    for bit, axis in zip(bits[:2], (-1, -2), strict=True):
        images = torch.where(bit[:, None, None, None], images.flip(axis), images)
        labels = torch.where(bit[:, None, None, None], labels.flip(axis), labels)
    images = torch.where(bits[2][:, None, None, None], images.transpose(-1, -2), images)
    labels = torch.where(bits[2][:, None, None, None], labels.transpose(-1, -2), labels)
    if images.shape[1] > 1:
        images = torch.where(bits[3][:, None, None, None], images.flip(1), images)
        labels = torch.where(bits[3][:, None, None, None], labels.flip(1), labels)
    return images, labels


def altered_grey_values(images: torch.Tensor, params: TrainParams, random: torch.Generator) -> torch.Tensor:
    """Change brightness, contrast and gamma of each box of (n, depth, h, w), and add noise, as `params` says."""
    n = len(images)
    brightness = _uniform(random, n, -BRIGHTNESS, BRIGHTNESS) * _chosen(random, n, params.brightness)
    contrast = 1 + _uniform(random, n, -CONTRAST, CONTRAST) * _chosen(random, n, params.contrast)
    gamma = 1 + _uniform(random, n, -GAMMA, GAMMA) * _chosen(random, n, params.gamma)
    noise = _uniform(random, n, 0, NOISE) * _chosen(random, n, params.noise)
    bent = (gamma != 1).nonzero()[:, 0]
    if len(bent):
        images = _bent(images, bent, gamma[bent])
    device = images.device
    images = images * contrast.to(device)[:, None, None, None] + brightness.to(device)[:, None, None, None]
    noisy = (noise > 0).nonzero()[:, 0]
    if len(noisy):
        added = torch.randn((len(noisy), *images.shape[1:]), generator=random) * noise[noisy, None, None, None]
        images = images.index_add(0, noisy.to(device), added.to(device))
    return images


def _bent(images: torch.Tensor, which: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    """Raise grey values, scaled to 0 … 1 within their box, to a power; mean and deviation of the box stay."""
    which = which.to(images.device)
    box = images[which]
    low, high = box.amin((1, 2, 3), keepdim=True), box.amax((1, 2, 3), keepdim=True)
    bent = ((box - low) / (high - low).clamp(min=1e-6)) ** gamma.to(images.device)[:, None, None, None]
    deviation, mean = torch.std_mean(box, (1, 2, 3), keepdim=True)
    new_deviation, new_mean = torch.std_mean(bent, (1, 2, 3), keepdim=True)
    return images.index_copy(0, which, (bent - new_mean) / new_deviation.clamp(min=1e-6) * deviation + mean)
