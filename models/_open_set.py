"""What the two classifiers for open sets share."""

from __future__ import annotations

from ais_app.models._classify3d import CubeClassifier
from ais_app.models._large_margin import CosineHead
from torch import nn


class OpenSetClassifier(CubeClassifier):
    """Cubes through convolutions to features, and from these to the cosines with one direction for each class.

    Parameters
    ----------
    trunk, neck
        As of `CubeClassifier`; what the neck gives has `features` numbers.
    features, classes
        How many.
    margin, scale, central
        α, s and λ of the training; see `_large_margin`.
    size, smallest
        As of `CubeClassifier`.
    """

    def __init__(
        self,
        trunk: nn.Module,
        neck: nn.Module,
        *,
        features: int,
        classes: int,
        margin: float,
        scale: float,
        central: float,
        size: int | None = None,
        smallest: int = 1,
    ) -> None:
        if features < 1 or not 0 <= margin < 1 or scale <= 0 or central < 0:
            raise ValueError("features from 1, a margin from 0 to 1, a scale above 0 and a weight from 0 are possible")
        head = CosineHead(features, classes, scale)
        super().__init__(trunk, neck, head, classes=classes, size=size, smallest=smallest)
        self.margin, self.central = margin, central
