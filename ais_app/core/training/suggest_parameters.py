"""What a person can set about suggestions."""

from __future__ import annotations

from dataclasses import dataclass

from ais_app.core.params import Params, param

KINDS = ("slices", "boxes")


@dataclass(frozen=True)
class SuggestParams(Params):
    """What to look at, and what to suggest."""

    count: int = param(20, "Suggestions", low=1, high=10_000)
    kind: str = param("slices", "What to suggest", choices=KINDS)
    box_size: int = param(128, "Edge of a suggested box", unit="voxels", low=8, high=4096)
    slices: int = param(6, "Slices of each tomogram that are looked at", low=1, high=10_000)
    window: int = param(512, "Largest part of a slice that is looked at; 0 for all of it", unit="voxels", low=0)
    tomograms: int = param(0, "Tomograms that are looked at, drawn at random; 0 for all", low=0)
    apart: int = param(12, "Slices between two suggestions, or one and an annotated slice", unit="slices", low=1)
    fraction: float = param(0.02, "Share of a slice or box that counts: its most uncertain pixels", low=1e-4, high=1.0)
    diversity: float = param(0.5, "0 suggests the most uncertain, 1 the most different", low=0.0, high=1.0)
    seed: int = param(0, "Another seed looks at other slices", low=0, high=2**31 - 1)
