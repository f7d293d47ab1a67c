"""What a coordinate format means, in words: unit, origin, centre, angles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ais_app.core.coordinates import coordinate_format
from ais_app.core.particle_set import Particles
from ais_app.core.position_check import position_problems
from ais_app.state.readings import Placed, Reading
from ais_app.state.records import TomogramEntry

_RELION = "angles rot, tilt, psi in degrees (RELION)"
_UNBINNED = "x, y, z in pixels of the unbinned tilt series, the centre of the first voxel is 0"
_ORIGIN = "the centre of the first voxel is 0"
# a format that is not here is told by its title
_WORDS = {
    "star": f"x, y, z in voxels, {_ORIGIN}; {_RELION}",
    "relion3": f"{_UNBINNED}; {_RELION}",
    "relion4": f"{_UNBINNED}; {_RELION}",
    "relion5": f"x, y, z in Å from the centre of the tomogram; {_RELION}",
    "warp": f"x, y, z in voxels (rln columns) or Å (wrp columns), {_ORIGIN}; {_RELION}",
    "stopgap": "x, y, z in voxels; angles phi, psi, theta in degrees (STOPGAP)",
    "dynamo": "x, y, z in voxels; angles tdrot, tilt, narot in degrees (Dynamo)",
    "motl": "x, y, z in voxels; angles phi, psi, theta in degrees (TOM)",
    "imod": "x, y, z in voxels, z from the centre of the first slice; orientations as slicer angles",
    "copick": f"x, y, z in Å, {_ORIGIN}; orientations as matrices",
    "csv": f"{_ORIGIN}; {_RELION}",
    "tsv": f"{_ORIGIN}; {_RELION}",
}
_UNITS = {"angstrom": "x, y, z in Å", "nm": "x, y, z in nm", "voxels": "x, y, z in voxels"}


def convention(format: str, options: Mapping[str, Any], writing: bool = False) -> str:
    """Return unit, origin and angles of a format with its options, in words."""
    chosen = coordinate_format(format)
    values = chosen.params.from_dict({name: value for name, value in options.items() if value is not None}).to_dict()
    words = [_WORDS.get(format, chosen.title)]
    if "unit" in values:
        said = _UNITS.get(values["unit"])
        words.insert(0, said or ("x, y, z in Å" if writing else "x, y, z in the unit of the header, else voxels"))
    if "first_index" in values:
        words.append(f"the first voxel is {values['first_index']}")
    if "half_voxel" in values:
        words.append("x and y from the corner of a voxel" if values["half_voxel"] else "x and y from voxel centres")
    if "centre" in values:
        words.append(f"centre: {_centre(values['centre'], writing)}")
    return "; ".join(words)


def _centre(rule: str, writing: bool) -> str:
    return {"relion-picker": "size / 2 - 1", "half": "size / 2", "half-integer": "size / 2 rounded down"}.get(
        rule, "size / 2 - 1 (RELION's picker)" if writing else "as the file's comment says, else size / 2 - 1"
    )


def described(reading: Reading, entry: TomogramEntry) -> list[str]:
    """Return how a file was read: format, convention, voxel size, corrections; a line each."""
    lines = [coordinate_format(reading.format).title if reading.format else "unknown format"]
    if not reading.format:
        return lines
    lines.append(convention(reading.format, reading.options))
    lines.append(_size(reading, reading.particles, entry))
    correction, changed = reading.correction, []
    if correction.factor != 1:
        changed.append(f"multiplied by {correction.factor:g}")
    if correction.first_index:
        changed.append("counted from 1")
    if correction.centred:
        changed.append("counted from the middle of the tomogram")
    if changed:
        lines.append("positions are " + ", ".join(changed))
    turned = reading.particles is not None and reading.particles.rotations is not None
    lines.append("with orientations" if turned else "without orientations")
    return lines


def _size(reading: Reading, particles: Particles | None, entry: TomogramEntry) -> str:
    pixel = reading.options.get("pixel_size")
    if pixel:
        return f"pixels of {pixel:g} Å, as set"
    own = f"; the tomogram's are {entry.voxel_size:.4g} Å" if entry.voxel_size is not None else ""
    if reading.options.get("voxel_size") and "pixel_size" not in _fields(reading.format):
        size = reading.options["voxel_size"]
        same = entry.voxel_size is not None and abs(size / entry.voxel_size - 1) < 1e-6
        return f"voxels of {size:.4g} Å, " + ("the tomogram's: the file does not say" if same else f"as set{own}")
    if particles is not None and particles.voxel_size is not None:
        return f"voxels of {particles.voxel_size:.4g} Å{own}"
    return "no voxel size is needed" + own


def _fields(format: str) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = coordinate_format(format).params.__dataclass_fields__
    return fields


def unit_guess(found: Placed) -> str:
    """Return what the positions look like where that is not what they were read as; the options put it right."""
    for part in found.parts.values():
        for problem in position_problems(part):
            words = problem.removeprefix(f"{part.names[0]}: ").partition(":")[0]
            if "look like" in words:
                return f": {words}"
    return ""


def about_names(found: Placed, entry: TomogramEntry) -> str:
    """Return what is to be known about the names in a file; empty when nothing is."""
    lines = []
    if found.assumed:
        lines.append(f"The file is of {found.assumed}; it is taken to be {entry.name}.")
    if found.unknown:
        names = ", ".join(found.unknown[:4]) + (" …" if len(found.unknown) > 4 else "")
        lines.append(f"Not in the project, left out: {names}.")
    if entry.voxel_size_zyx is None:
        lines.append(f"The voxel size of {entry.name} is not known: set it in Tomogram > Voxel size.")
    return "\n".join(lines)
