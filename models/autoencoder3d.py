"""Autoencoder3D: cubes to a short code and back; with a classifier beside the decoder where some cubes have labels.

Zeng et al. (2018), Journal of Structural Biology 202, 150, figure 2a. Shapes for cubes of 32 voxels and a code of 32;
3 × 3 × 3 convolutions, zeros beyond the border, ReLU::

    convolution 32, maximum of 2³                  16³ × 32
    convolution 32, maximum of 2³                  8³ × 32
    flat, dense 32                                 32         the code, kept sparse by the training
    dense 16,384                                   8³ × 32
    every voxel to 2³, convolution 32              16³ × 32
    every voxel to 2³, convolution 32              32³ × 32
    convolution 1, without ReLU                    32³        1,149,793 parameters

With `classes` it is the network of Liu et al. (2019), British Machine Vision Conference: the
convolutions also feed a classifier, from which cubes without a label learn nothing::

    flat, batch normalisation, dense, dense, dense   classes   6,475,203 weights and statistics for a code
                                                               of 128 (as wide as these layers) and 2 classes
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models._classify3d import halving
from ais_app.models.layers import BATCH_NORM_EPSILON
from ais_app.models.layers3d import convolution3d
from torch import nn

SIZE, CODE, CHANNELS = 32, 32, 32


class Autoencoder3D(nn.Module):
    """See the module.

    Parameters
    ----------
    size
        Edge of the cubes in voxels, a multiple of 4.
    code
        Numbers that a cube is put into.
    classes
        Classes of the classifier; 0: none.
    """

    def __init__(self, size: int, code: int, classes: int) -> None:
        super().__init__()
        if size < 4 or size % 4:
            raise ValueError(f"cubes of {size} voxels do not fit; their edge must be a multiple of 4")
        if code < 1 or classes < 0:
            raise ValueError(f"a code of {code} and {classes} classes are not possible")
        self.size, self.smallest, self.classes = size, size, classes
        edge = size // 4
        flat = CHANNELS * edge**3
        self.trunk = nn.Sequential(halving(1, CHANNELS), halving(CHANNELS, CHANNELS), nn.Flatten())
        self.to_code = nn.Sequential(nn.Linear(flat, code), nn.ReLU(inplace=True))
        self.decoder = nn.Sequential(
            nn.Linear(code, flat),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (CHANNELS, edge, edge, edge)),
            nn.Upsample(scale_factor=2),
            convolution3d(CHANNELS, CHANNELS),
            nn.Upsample(scale_factor=2),
            convolution3d(CHANNELS, CHANNELS),
            nn.Conv3d(CHANNELS, 1, 3, padding=1),
        )
        _initialise(self)
        if classes:
            self.to_hidden = nn.Sequential(
                nn.BatchNorm1d(flat, eps=BATCH_NORM_EPSILON), nn.Linear(flat, code), nn.ReLU(inplace=True)
            )
            self.classifier = nn.Sequential(nn.Linear(code, code), nn.ReLU(inplace=True), nn.Linear(code, classes))
            _initialise(self.to_hidden)
            _initialise(self.classifier)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Map cubes ``(n, size, size, size)`` to codes ``(n, code)``, not negative."""
        return self.to_code(self.trunk(x[:, None]))

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Map codes ``(n, code)`` to cubes ``(n, size, size, size)``."""
        return self.decoder(code)[:, 0]

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Map cubes to the logits of the classifier, ``(n, classes)``; only with `classes`."""
        return self.classifier(self.to_hidden(self.trunk(x[:, None])))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encode and decode cubes, ``(n, size, size, size)``."""
        return self.decode(self.encode(x))

    def parts(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor | None]:
        """Return cubes decoded, the activations to be kept sparse, and the logits, or ``None`` without a classifier."""
        maps = self.trunk(x[:, None])
        code = self.to_code(maps)
        if not self.classes:
            return self.decode(code), [code], None
        hidden = self.to_hidden(maps)
        return self.decode(code), [code, hidden], self.classifier(hidden)


def _initialise(network: nn.Module) -> None:
    """Set initial weights as Keras does and the paper did (Glorot and Bengio, 2010, equation 16), biases zero.

    With the larger weights that suit ReLUs elsewhere the code starts so large that its units die in the first epochs:
    every cube then has the code zero.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv3d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def build(depth: int = 1, size: int = SIZE, code: int = CODE, classes: int = 0) -> Autoencoder3D:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    return Autoencoder3D(size, code, classes)


ARCHITECTURE = Architecture(
    name="autoencoder3d",
    title="Autoencoder3D",
    dimension=3,
    stride=4,
    receptive_field=SIZE,
    build=build,
    parameters={"size": SIZE, "code": CODE, "classes": 0},
    source="Zeng et al. (2018), Journal of Structural Biology 202, 150, figure 2a",
    task="encode",
)
