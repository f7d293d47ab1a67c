"""Filters one after the other, and how much must be read around a region so that it shows what the volume would.

region ──► grown by the margins of all filters ──► read ──► filter, crop ──► filter, crop ──► region
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.filtering.missing import Voxels
from ais_app.core.filters import Filter, filter_named
from ais_app.core.params import Params
from ais_app.core.params_text import split_pair, values_from_text
from ais_app.core.tomogram import ZYX, Region


@dataclass(frozen=True)
class FilterSetting:
    """One filter of a chain with its parameters, as a project or a script holds it.

    Parameters
    ----------
    name
        Name of the filter.
    params
        Parameters that are not at their defaults, JSON-able.
    enabled
        Whether it acts; one that does not keeps its place and its parameters.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    enabled: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", dict(self.params))  # whoever made it may change theirs

    @property
    def filter(self) -> Filter:
        """The filter; raises `ParameterProblem` where there is none of that name."""
        return filter_named(self.name)

    def parameters(self) -> Params:
        """Return the checked parameter set; raises `ParameterProblem` where a name or value does not fit."""
        return self.filter.params.from_dict(self.params)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {"name": self.name, "params": dict(self.params), "enabled": self.enabled}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FilterSetting:
        """Make it from what `to_dict` gave."""
        return cls(values["name"], values.get("params", {}), values.get("enabled", True))

    @property
    def text(self) -> str:
        """It as it stands on a command line: ``gaussian:sigma=20,three_d=True``."""
        return ":".join([self.name, ",".join(f"{name}={value}" for name, value in self.params.items())]).rstrip(":")

    @classmethod
    def from_text(cls, text: str) -> FilterSetting:
        """Read ``name`` or ``name:parameter=value,parameter=value``.

        Raises
        ------
        ParameterProblem
            The filter or a parameter is not known, or a value does not fit it.
        """
        name, _, rest = text.partition(":")
        pairs = [split_pair(pair) for pair in rest.split(",") if pair.strip()]
        known = filter_named(name.strip()).params
        setting = cls(name.strip(), values_from_text(known, pairs, "see `ais-app filter --filters`"))
        setting.parameters()
        return setting


Settings = Sequence[FilterSetting]


def chain_margin(settings: Settings, voxel_size_zyx: ZYX) -> Voxels:
    """Return how many voxels along z, y, x a chain takes from around a region."""
    margins = [filter.margin(params, voxel_size_zyx) for filter, params in _active(settings)]
    z, y, x = (sum(along) for along in zip(*margins, (0, 0, 0), strict=True))
    return z, y, x


def filtered(
    read: Callable[[Region], np.ndarray],
    shape: Voxels,
    voxel_size_zyx: ZYX | None,
    settings: Settings,
    region: Region | None = None,
) -> np.ndarray:
    """Return a region as it is in the filtered volume.

    Parameters
    ----------
    read
        ``read(region)``: (z, y, x) real voxels of the unfiltered volume; slices with both bounds, inside `shape`.
    shape
        (z, y, x) of the volume.
    voxel_size_zyx
        Å; needed where a filter is enabled.
    settings
        Filters in their order; those that are not enabled are left out.
    region
        What is wanted, with both bounds; all of it when ``None``.

    Returns
    -------
    ndarray
        (z, y, x) float32.

    Raises
    ------
    ParameterProblem
        A filter or parameter is not known or does not fit, or the voxel size is not known.
    """
    active = _active(settings)
    wanted = region or (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
    if not active:
        return np.asarray(read(wanted), dtype=np.float32)
    if voxel_size_zyx is None:
        raise ParameterProblem("filter", "the voxel size is not known, and filters count in Å", "set the voxel size")
    regions = [wanted]
    for filter, params in reversed(active):
        regions.insert(0, _grown(regions[0], filter.margin(params, voxel_size_zyx), shape))
    block = np.asarray(read(regions[0]), dtype=np.float32)
    for (filter, params), before, after in zip(active, regions, regions[1:], strict=False):
        block = filter.apply(block, voxel_size_zyx, params)
        block = block[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(after, before, strict=True))]
    return np.ascontiguousarray(block)


def _active(settings: Settings) -> list[tuple[Filter, Params]]:
    return [(setting.filter, setting.parameters()) for setting in settings if setting.enabled]


def _grown(region: Region, margin: Voxels, shape: Voxels) -> Region:
    z, y, x = (
        slice(max(0, part.start - far), min(length, part.stop + far))
        for part, far, length in zip(region, margin, shape, strict=True)
    )
    return z, y, x
