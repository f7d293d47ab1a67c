"""Make the pictures of docs/tutorials/microtubules.md from what benchmarks/microtubules.py wrote.

Usage: python benchmarks/microtubule_pictures.py RUN_DIR/13-14 13-14 docs/images
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parent))
from microtubule_axes import clicks, reference_axis, through_clicks
from microtubules import DATA, EVERY

import ais_app
from ais_app import Tomogram
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.sections import Window, cross_sections
from ais_app.core.filaments.spline import fit_curve

TRACED, CLICKED, PAINTED = "#ff8c1a", "#38b6ff", "#7be07b"


def show(axes: Axes, image: np.ndarray, title: str) -> None:
    low, high = np.percentile(image, (0.5, 99.7))
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="bicubic")
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def painted_picture(tomogram: Tomogram, labels: np.ndarray, path: Path) -> None:
    """Painted slices, and where they lie in a section along z."""
    density = gaussian_filter(tomogram.read().astype(np.float32), 1)
    painted = [z for z in range(EVERY // 2, len(labels), EVERY) if labels[z].any()]
    figure, panels = plt.subplots(1, 4, figsize=(8, 3.6), width_ratios=[1, 1, 1, 1.4], layout="constrained")
    for panel, z in zip(panels, [painted[1], painted[len(painted) // 2], painted[-2]], strict=False):
        show(panel, density[z], f"slice {z}")
        panel.contour(labels[z], [0.5], colors=PAINTED, linewidths=1.2)
    y = tomogram.shape[1] // 2
    show(panels[3], density[:, y], f"section at y = {y}: z upwards")
    panels[3].invert_yaxis()
    for z in range(EVERY // 2, len(labels), EVERY):
        panels[3].axhline(z, color=PAINTED, linewidth=0.5, alpha=0.6)
        marked = np.flatnonzero(labels[z, y])
        if len(marked):
            panels[3].plot(marked[[0, -1]], [z, z], color=PAINTED, linewidth=2)
    save(figure, path)


def traced_picture(tomogram: Tomogram, probability: Tomogram, axis: np.ndarray, points: np.ndarray, path: Path) -> None:
    """Probability and axes from above and along z."""
    voxel = tomogram.voxel_size
    density = gaussian_filter(tomogram.read().astype(np.float32), 1)
    parabola = through_clicks(points)
    clicked = parabola.points(parabola.steps(10.0)) / voxel
    line = axis / voxel
    z = round(float(np.median(line[:, 0])))
    figure, panels = plt.subplot_mosaic(
        [["top", "top", "low"], ["top", "top", "mid"], ["top", "top", "high"]], figsize=(7.5, 4.6), layout="constrained"
    )
    show(panels["top"], density[z], f"slice {z}")
    panels["top"].contour(probability.read()[z], [0.5], colors=PAINTED, linewidths=1)
    panels["top"].plot(clicked[:, 2], clicked[:, 1], color=CLICKED, linewidth=1.4, label="through the published clicks")
    panels["top"].plot(line[:, 2], line[:, 1], color=TRACED, linewidth=1.8, label="traced and refined")
    panels["top"].legend(loc="lower right", fontsize=7, framealpha=0.8)
    for name, share in (("low", 0.2), ("mid", 0.5), ("high", 0.8)):
        y = round(share * tomogram.shape[1])
        show(panels[name], density[:, max(0, y - 3) : y + 4].mean(axis=1), f"section at y = {y}")
        panels[name].invert_yaxis()
        panels[name].contour(probability.read()[:, y], [0.5], colors=PAINTED, linewidths=1)
        for curve, colour in ((clicked, CLICKED), (line, TRACED)):
            at = curve[np.argmin(np.abs(curve[:, 1] - y))]
            panels[name].plot(at[2], at[0], "+", color=colour, markersize=9, markeredgewidth=2)
    save(figure, path)


def sections_picture(tomogram: Tomogram, curves: dict[str, Curve], path: Path) -> None:
    """Cross-sections averaged along different axes: the better the axis, the sharper the wall."""
    window = Window(tomogram.read().astype(np.float32), tomogram.require_voxel_size_zyx(), np.zeros(3))
    line = np.arange(-180.0, 181.0, 3.0)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    figure, panels = plt.subplots(1, len(curves), figsize=(2.4 * len(curves), 2.7), layout="constrained")
    for panel, (title, curve) in zip(panels, curves.items(), strict=True):
        values, _, _ = cross_sections(curve, np.arange(0.0, curve.length, 5.0), grid, window)
        known = np.isfinite(values).sum(axis=0)
        show(panel, (np.nan_to_num(values).sum(axis=0) / np.maximum(known, 1)).T[::-1], title)
        panel.plot(60, 60, "+", color=TRACED, markersize=9)
    save(figure, path)


def along(way: np.ndarray, curve: Curve) -> Curve:
    """Turn a curve round where it runs against `way`, so that all are seen from the same end."""
    points = curve.points(curve.steps(5.0))
    return curve if np.dot(points[-1] - points[0], way) > 0 else fit_curve(points[::-1], 0.05)


def save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=78)
    plt.close(figure)


def main() -> None:
    run, way, images = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    train, test = (DATA / f"cylindra_{number}pf_MT.tif" for number in way.split("-"))
    learnt, unseen = ais_app.open_tomogram(train), ais_app.open_tomogram(test)
    segmentation = run / f"{test.stem}__microtubule.mrc"
    (axis,) = ais_app.read_filaments(run / "refined" / f"{segmentation.stem}_filaments.json").polylines
    painted_picture(learnt, ais_app.open_tomogram(run / "painted.mrc").read(), images / "microtubules_painted.png")
    traced_picture(
        unseen, ais_app.open_probabilities(segmentation), axis, clicks(test), images / "microtubules_traced.png"
    )
    way = axis[-1] - axis[0]
    curves = {
        "about the clicks": along(way, through_clicks(clicks(test))),
        "about the reference axis": along(way, reference_axis(unseen, clicks(test))),
        "about the traced axis": fit_curve(axis, 0.1),
    }
    sections_picture(unseen, curves, images / "microtubules_sections.png")


if __name__ == "__main__":
    main()
