"""Files that belong together by their names: ``<tomogram>__<feature>.mrc``."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.errors import FileProblem
from ais_app.core.tomogram import VOLUME_SUFFIXES, tomogram_name


def tomogram_of(path: str | Path) -> str:
    """Return the name of the tomogram that a segmentation was made from.

    >>> tomogram_of("out/TS_01__membrane.mrc")
    'TS_01'
    """
    return tomogram_name(path).rsplit("__", 1)[0]


def feature_of(path: str | Path) -> str:
    """Return the feature that a segmentation shows; empty when its name does not say.

    >>> feature_of("out/TS_01__membrane.mrc")
    'membrane'
    """
    return tomogram_name(path).partition("__")[2].rsplit("__", 1)[-1]


def volume_called(name: str, folder: Path) -> Path | None:
    """Return the volume of that name, whatever its suffix, also packed; ``None`` where the folder holds none."""
    files = (folder / f"{name}{suffix}{pack}" for suffix in VOLUME_SUFFIXES for pack in ("", ".gz", ".bz2"))
    return next((file for file in files if file.exists()), None)


def companion(segmentation: str | Path, which: str | Path) -> Path:
    """Return another segmentation of the same tomogram.

    Parameters
    ----------
    segmentation
        The file whose companion is wanted.
    which
        A file, also with ``{tomogram}`` for the name of the tomogram; or the name of a feature, whose file
        ``<tomogram>__<feature>`` is looked for in the same folder.

    Raises
    ------
    FileProblem
        There is no such file.
    """
    segmentation, text = Path(segmentation), str(which)
    named = Path(text.replace("{tomogram}", tomogram_of(segmentation)))
    if named.exists():
        return named
    stem = f"{tomogram_of(segmentation)}__{text}"
    found = volume_called(stem, segmentation.parent)
    if found is None:
        problem = f"has no segmentation {text!r} of the same tomogram"
        raise FileProblem(segmentation, problem, f"{named} and {stem}.mrc beside it are looked for")
    return found
