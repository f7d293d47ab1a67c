"""Names of length units in image files, in Å."""

from __future__ import annotations

_NAMES = {
    1e-2: ("pm", "picometer", "picometre"),
    1.0: ("Å", "\u212b", "A", "angstrom", "angstroem", "ångström"),
    10.0: ("nm", "nanometer", "nanometre"),
    1e4: ("µm", "\u03bcm", "um", "micron", "micrometer", "micrometre", "\\u00b5m"),
    1e7: ("mm", "millimeter", "millimetre"),
    1e8: ("cm", "centimeter", "centimetre"),
    1e10: ("m", "meter", "metre"),
    2.54e8: ("inch", "in"),
}
_ANGSTROM = {name.lower(): size for size, names in _NAMES.items() for name in names}


def in_angstrom(unit: str | None) -> float | None:
    """Return how many Å one such unit is, or ``None`` for a unit that is no length ("pixel", none at all).

    >>> in_angstrom("nanometer"), in_angstrom("Microns"), in_angstrom("pixel")
    (10.0, 10000.0, None)
    """
    return _ANGSTROM.get((unit or "").strip().lower().removesuffix("s"))
