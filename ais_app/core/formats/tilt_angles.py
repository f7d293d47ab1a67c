"""The tilts of a series, from the files that programs leave beside it.

.tlt .rawtlt .txt   IMOD and others: a number a line
.mdoc               SerialEM: ``TiltAngle`` of each image
.com                IMOD's tilt.com: ``ANGLES``, or the file that ``TILTFILE`` names; less ``EXCLUDELIST``
.aln                AreTomo: the column TILT
.star               RELION 4 and 5: the table of one tilt series
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.files import read_text

SUFFIXES = (".tlt", ".rawtlt", ".txt", ".mdoc", ".com", ".aln", ".star")
_LARGEST = 95.0  # degrees; more is no tilt
# RELION 5, after alignment and before it; RELION 4
_STAR_COLUMNS = ("rlnTomoYTilt", "rlnTomoNominalStageTiltAngle", "rlnAngleTilt")


def read_tilt_angles(path: str | Path) -> np.ndarray:
    """Read the tilts of a series.

    Parameters
    ----------
    path
        ``.tlt``, ``.rawtlt``, ``.txt``, ``.mdoc``, IMOD's ``tilt.com``, AreTomo's ``.aln`` or a RELION ``.star``.

    Returns
    -------
    ndarray
        (n,) float64 degrees, in the order of the file.

    Raises
    ------
    FileProblem
        The file is missing, of another kind, holds no tilts, or numbers that cannot be tilts.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise FileProblem(path, "is no file of tilts that is known", f"give one of {' '.join(SUFFIXES)}")
    tilts = np.asarray(reader(path), dtype=np.float64)
    if not len(tilts):
        raise FileProblem(path, "holds no tilts", "is it another kind of file?")
    if not np.isfinite(tilts).all() or np.abs(tilts).max() > _LARGEST:
        worst = tilts[np.argmax(np.abs(np.where(np.isfinite(tilts), tilts, np.inf)))]
        raise FileProblem(path, f"{worst:g}° is no tilt", "is it another kind of file?")
    return tilts


def _plain(path: Path) -> list[float]:
    words = [line.split() for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
    return [_number(path, line[0]) for line in words]


def _mdoc(path: Path) -> list[float]:
    return [_number(path, text) for text in re.findall(r"^\s*TiltAngle\s*=\s*(\S+)", read_text(path), re.MULTILINE)]


def _com(path: Path) -> list[float]:
    """Read IMOD's command file; angles may go on over lines, and views are counted from 1."""
    entries: dict[str, list[str]] = {}
    for line in read_text(path).splitlines():
        words = re.split(r"[\s,]+", line.strip())
        if words[0] and not words[0].startswith(("$", "#")):
            entries.setdefault(words[0].upper(), []).extend(words[1:])
    if "ANGLES" in entries:
        tilts = [_number(path, word) for word in entries["ANGLES"]]
    elif entries.get("TILTFILE"):
        beside = path.with_name(entries["TILTFILE"][0])
        if not beside.exists():
            raise FileProblem(path, f"names {beside.name}, which is not beside it", "copy it there, or give that file")
        tilts = _plain(beside)
    else:
        raise FileProblem(path, "names no tilts (ANGLES or TILTFILE)", "give the .tlt file")
    lists = [entries.get(key, []) for key in ("EXCLUDELIST", "EXCLUDELIST2", "EXCLUDE")]
    left_out = {view for words in lists for view in _views(path, words)}
    return [tilt for view, tilt in enumerate(tilts, start=1) if view not in left_out]


def _views(path: Path, words: list[str]) -> list[int]:
    """Read a list such as ``1-3 58``."""
    views: list[int] = []
    for word in filter(None, words):
        first, _, last = word.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise FileProblem(path, f"{word!r} is no list of views", "write it as 1-3,58")
        views.extend(range(int(first), int(last or first) + 1))
    return views


def _aln(path: Path) -> list[float]:
    """Read AreTomo's alignment; what follows ``# Local Alignment`` is about patches."""
    lines = read_text(path).split("# Local Alignment")[0].splitlines()
    heads = [line.lstrip("# ").split() for line in lines if line.startswith("#") and line.rstrip().endswith("TILT")]
    if not heads:
        raise FileProblem(path, "has no column TILT", "is it an alignment of AreTomo?")
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [_number(path, row[-1]) for row in rows]


def _star(path: Path) -> list[float]:
    from ais_app.core.formats.star import read_star

    for block in read_star(path).blocks.values():
        for column in _STAR_COLUMNS:
            if not isinstance(block, dict) and column in block:
                return [_number(path, value) for value in block[column]]
    raise FileProblem(path, "is not the table of a tilt series", f"it has none of {', '.join(_STAR_COLUMNS)}")


def _number(path: Path, text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        raise FileProblem(path, f"{str(text)[:20]!r} is no number", "is it another kind of file?") from None


_READERS: dict[str, Callable[[Path], list[float]]] = {
    ".tlt": _plain, ".rawtlt": _plain, ".txt": _plain,
    ".mdoc": _mdoc, ".com": _com, ".aln": _aln, ".star": _star,
}  # fmt: skip
