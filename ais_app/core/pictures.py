"""Pictures of slices: grey values with probabilities, masks and picks laid over them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ais_app.core.files import replacing

OPACITY = 0.55


def grey(plane: np.ndarray, saturated: float = 0.5) -> np.ndarray:
    """Stretch a slice between two percentiles.

    Parameters
    ----------
    plane
        (h, w) grey values.
    saturated
        Percent of the pixels that become black, and white.

    Returns
    -------
    ndarray
        (h, w, 3) float32, 0 to 1.
    """
    low, high = np.percentile(plane, (saturated, 100 - saturated))
    scaled = np.clip((plane - low) / (high - low if high > low else 1), 0, 1)
    return np.repeat(scaled[..., None], 3, axis=-1).astype(np.float32)


def overlay(picture: np.ndarray, layers: Mapping[str, np.ndarray], threshold: float = 0.5) -> np.ndarray:
    """Lay probabilities or masks over a picture.

    Parameters
    ----------
    picture
        (h, w, 3) float32, 0 to 1.
    layers
        ``#rrggbb`` to (h, w) probability or mask; transparent at the threshold, stronger above.
    threshold
        Probability from which a pixel is coloured.

    Returns
    -------
    ndarray
        (h, w, 3) float32, a new picture.
    """
    result = picture.copy()
    for colour, layer in layers.items():
        rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)
        shown = np.where(layer > threshold, 0.4 + 0.6 * layer.astype(np.float32), 0)[..., None] * OPACITY
        result = result * (1 - shown) + rgb * shown
    return result


def rings(picture: np.ndarray, centres_yx: np.ndarray, radius: float, colour: str) -> np.ndarray:
    """Draw a ring around each point, (n, 2) y x in pixels, and return a new picture."""
    result = picture.copy()
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    rows, columns = np.arange(picture.shape[0])[:, None], np.arange(picture.shape[1])[None]
    for y, x in centres_yx:
        distance = np.hypot(rows - y, columns - x)
        result[np.abs(distance - radius) < 0.75] = rgb
    return result


def save_png(picture: np.ndarray, path: str | Path, zoom: int = 1) -> Path:
    """Write a picture, (h, w, 3) float 0 to 1, each pixel `zoom` pixels across, y upwards as in 3dmod and ChimeraX."""
    from matplotlib.image import imsave

    with replacing(path) as part:
        imsave(part, _enlarged(picture, zoom))
    return Path(path)


def jpeg(picture: np.ndarray, zoom: int = 1, quality: int = 85) -> bytes:
    """Return a picture as the bytes of a JPEG file, a tenth of a PNG of noise; otherwise as `save_png`."""
    from matplotlib.image import imsave

    stream = io.BytesIO()
    imsave(stream, _enlarged(picture, zoom), format="jpg", pil_kwargs={"quality": quality})
    return stream.getvalue()


def middle_slices(cube: np.ndarray) -> np.ndarray:
    """Return the three slices through the central voxel side by side, (e, 3 e): x y, x z, y z; row 0 is the lowest."""
    c = cube.shape[0] // 2
    return np.concatenate([cube[c], cube[:, c], cube[:, :, c]], axis=1)


def cube_sheet(rows: Sequence[tuple[str, Sequence[np.ndarray]]], path: str | Path, titles: Sequence[str]) -> Path:
    """Draw the middle slices of cubes, a row for each name, as a PNG.

    Parameters
    ----------
    rows
        Name and cubes (e, e, e) of each row, as many cubes as there are titles; they may have different edges.
    path
        File to write.
    titles
        Of the columns.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1 + 4 * len(titles), 0.4 + 1.35 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for line, (name, cubes) in zip(axes, rows, strict=True):
        for axis, cube in zip(line, cubes, strict=True):
            axis.imshow(grey(middle_slices(cube)), origin="lower", interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(f"{title}: x y, x z, y z", fontsize="medium")
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=100)
    return Path(path)


def _enlarged(picture: np.ndarray, zoom: int) -> np.ndarray:
    return np.kron(np.clip(picture[::-1], 0, 1), np.ones((zoom, zoom, 1)))
