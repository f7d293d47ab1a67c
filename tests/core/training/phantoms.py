"""Small tomograms with dark balls, and their exact labels."""

import numpy as np

from ais_app.core.training.boxes import cut_boxes
from ais_app.core.training.data import LabelledTomogram
from ais_app.core.training.parameters import TrainParams


def balls(seed: int = 0, shape=(24, 64, 64), count: int = 12, radius: float = 5.0, noise: float = 0.5):
    """Return (image, labels): balls of grey value -1 in noise, around a level of 100."""
    random = np.random.default_rng(seed)
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    labels = np.zeros(shape, np.uint8)
    for centre in random.uniform(0, shape, (count, 3)):
        labels[(z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < radius**2] = 1
    image = 100 + 7 * (random.normal(0, noise, shape) - labels)
    return image.astype(np.float32), labels


def labelled(seed: int = 0, slices=(2, 6, 10, 14, 18), voxel_size=10.0, boxes=(), name="balls", **options):
    return LabelledTomogram.from_arrays(*balls(seed, **options), voxel_size, slices, boxes, name)


def small_params(**options) -> TrainParams:
    """Return parameters with which a training takes a second."""
    defaults = {"architecture": "vggnet_s", "epochs": 2, "draws": 2, "batch": 8, "boxes": 12, "box_size": 16}
    return TrainParams(**{**defaults, **options})


def small_data(params: TrainParams | None = None, **options):
    return cut_boxes([labelled(**options)], params or small_params(), 8)
