"""The architectures that networks can be built of: those that come with the program, and a person's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.core.errors import ModelProblem
from ais_app.core.registry import plugins

if TYPE_CHECKING:
    from ais_app.models import Architecture


def architectures() -> dict[str, Architecture]:
    """Return every known architecture by its name."""
    return plugins("ais_app.models", "ARCHITECTURE")


def architecture(name: str) -> Architecture:
    """Return an architecture by its name.

    Raises
    ------
    ModelProblem
        There is none of this name; the message lists those there are.
    """
    known = architectures()
    if name not in known:
        raise ModelProblem("architecture", f"{name!r} is not known", f"known: {', '.join(known)}")
    return known[name]
