"""What a file is, by its name; by its content where one name stands for several kinds."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.io import volume_formats

COORDINATES = (".star", ".csv", ".tsv", ".txt", ".coords", ".xyz", ".tbl", ".mod")
EITHER = (".em", ".json")  # volumes and other things are called so too


def has_volume_suffix(path: Path) -> bool:
    """Return whether a file is a volume by its name."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    return any(name.endswith(format.suffixes) for format in volume_formats().values())


def has_coordinates(path: Path) -> bool:
    """Return whether a file holds coordinates: by its name, or, where volumes and others share it, by its content."""
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix in COORDINATES:
        return path.is_file()
    if suffix not in EITHER or not path.is_file():
        return False
    from ais_app.core.coordinates import coordinate_formats  # pandas, below it, takes a second to import

    return any(format.suffix == suffix and format.sniff(path) for format in coordinate_formats().values())
