"""The network library: one architecture per file, torch only.

Every module here that defines ``ARCHITECTURE`` is found by its name; a network is always saved with that name
and its parameters, never with an index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """A network that can be trained.

    Parameters
    ----------
    name
        What model packages and the command line call it: ``"vggnet_m"``.
    title
        What a person reads: ``"VGGNet M"``.
    dimension
        2 for networks of slices; depth > 1 then enters as channels (2.5D). 3 for networks of volumes.
    stride
        Heights and widths, in three dimensions also depths, must be multiples of this; the caller pads.
    receptive_field
        Pixels across that can influence one output pixel, centred on it, for the worst position within a stride;
        so half of it, rounded down, is the halo a tile needs.
    build
        ``build(depth, **parameters) -> nn.Module``: ``(n, depth, h, w)`` float32 in, **logits** out: ``(n, 1, h, w)``
        for dimension 2; ``(n, depth, h, w)``, one for each voxel, for dimension 3. See `task` for the others.
    parameters
        The keyword parameters of `build` with their defaults.
    source
        Paper and table it follows.
    task
        What it is for. ``"segment"``: a logit for each pixel or voxel. ``"classify"``: cubes ``(n, d, h, w)`` in, and
        logits ``(n, classes)`` out; ``features(x)`` for what comes before them. ``"encode"``: cubes in, the same cubes
        out, and ``encode(x)`` for the code, ``decode(code)`` for the way back.
    objective
        How it is trained where a loss of its output is not all there is (two networks against each other):
        ``objective(usual) -> Objective`` gets the usual way, with the network, its loss and its optimiser, to build
        on; see `ais_app.core.training.objective`. ``None``: the usual way.
    geometry
        Where stride and receptive field depend on the parameters: ``geometry(**parameters)`` returns the two. Those
        of the record are for its default parameters.
    imported
        Its parameters hold a whole network that came from another program: it is not offered for a new training.
    """

    name: str
    title: str
    dimension: int
    stride: int
    receptive_field: int
    build: Callable[..., nn.Module]
    parameters: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    task: str = "segment"
    objective: Callable[..., Any] | None = None
    geometry: Callable[..., tuple[int, int]] | None = None
    imported: bool = False
