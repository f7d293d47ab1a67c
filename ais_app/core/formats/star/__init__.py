"""STAR files: the syntax, and the columns that RELION, Warp and their kin share."""

from ais_app.core.formats.star.syntax import Block, StarFile, fixed, read_star, write_star

__all__ = ["Block", "StarFile", "fixed", "read_star", "write_star"]
