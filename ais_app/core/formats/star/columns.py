"""Names of columns in STAR files, and which program writes which."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

from ais_app.core.tomogram import tomogram_name

COORDINATES = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
CENTRED = ("rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst")
ORIGINS_ANGST = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
ORIGINS = ("rlnOriginX", "rlnOriginY", "rlnOriginZ")
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
SUBTOMOGRAM_ANGLES = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
PIXEL_SIZE = "rlnPixelSize"
SCORE = "rlnAutopickFigureOfMerit"

WARP_COORDINATES = ("wrpCoordinateX1", "wrpCoordinateY1", "wrpCoordinateZ1")
WARP_ANGLES = ("wrpAngleRot1", "wrpAngleTilt1", "wrpAnglePsi1")

STOPGAP_COORDINATES = ("orig_x", "orig_y", "orig_z")
STOPGAP_SHIFTS = ("x_shift", "y_shift", "z_shift")
STOPGAP_ANGLES = ("phi", "psi", "the")

_HEAD = 2**18  # bytes in which the headers of all blocks of interest stand


def series_name(text: Any) -> str:
    """Return the name of a tilt series without folder, stack number and suffix.

    >>> series_name("tilts/TS_01.tomostar")
    'TS_01'
    """
    name = str(text).split("@")[-1].replace("\\", "/")
    return tomogram_name(name.removesuffix(".tomostar").removesuffix(":mrc"))


def flavour(path: Path) -> str:
    """Return the name of the coordinate format that a STAR file has, or ``""`` when it is none."""
    head = _head(path)
    blocks, columns = _headers(head)
    if set(CENTRED) <= columns:
        return "relion5"
    if set(STOPGAP_COORDINATES) <= columns:
        return "stopgap"
    if set(WARP_COORDINATES) <= columns:
        return "warp"
    if not set(COORDINATES) <= columns:
        return ""
    if "optics" in blocks:
        return "relion4" if "rlnTomoName" in columns else "relion3"
    if set(ORIGINS_ANGST) <= columns and "rlnTomoName" in columns:
        return "relion4"
    if "rlnMagnification" in columns or set(ORIGINS) <= columns:
        return "relion3"
    return "warp" if ".tomostar" in head and "rlnTomoName" not in columns else "star"


def missing_columns(path: Path) -> str:
    """Say which columns a STAR file would need to be one of coordinates; empty where it is no STAR file."""
    blocks, columns = _headers(_head(path))
    if not blocks:
        return ""
    sets = (COORDINATES, CENTRED, WARP_COORDINATES, STOPGAP_COORDINATES)
    nearest = max(sets, key=lambda each: len({*each} & columns))
    missing = [column for column in nearest if column not in columns]
    return f"has no column {', '.join(missing)}" if missing else ""


def _head(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return stream.read(_HEAD).decode("utf-8-sig", errors="replace")
    except (OSError, EOFError, zlib.error):
        return ""  # the reader says what is wrong with it


def _headers(text: str) -> tuple[set[str], set[str]]:
    blocks, columns = set(), set()
    for line in text.splitlines():
        if line.startswith("data_"):
            blocks.add(line[5:].strip())
        elif line.lstrip().startswith("_"):
            columns.add(line.split()[0][1:])
    return (blocks, columns) if blocks else (set(), set())
