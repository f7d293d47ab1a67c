"""STAR files: named blocks of pairs or tables, with their comments, read and written without loss.

Sub-set of STAR as RELION and its kin write it: one row a line, ``#`` starts a comment, cells with white space
stand in single or double quotes. Comments are kept because RELION reads its version from them
(``# version 50001``). Hall SR (1991) J. Chem. Inf. Comput. Sci. 31, 326.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import read_text

Block: TypeAlias = "pd.DataFrame | dict[str, Any]"

# a quote ends a cell only where white space follows, so that 5'-end needs no second kind of quote
_CELL = re.compile(r"""\s*(?:"(.*?)"(?=\s|$)|'(.*?)'(?=\s|$)|(\#.*)|(\S+))""")
# text that needs no quotes
_PLAIN = re.compile(r"""(?!data_|loop_)[^\s"'#_]\S*""", re.IGNORECASE)
# what a number parser would take but not give back: leading zeros (names of tomograms), signs, hexadecimals, INFINITY
_NAME_LIKE = re.compile(r"(?m)^[-+]?0\d|^\+|^\s*$|[_xX]|^(?!-?inf$|nan$)-?(?i:inf|nan)")


@dataclass(frozen=True)
class StarFile:
    """The content of a STAR file.

    Parameters
    ----------
    blocks
        Block name (without ``data_``) to a table or a dictionary, in the order of the file.
    comments
        Block name to the comment lines before it, without their ``#``.
    """

    blocks: dict[str, Block] = field(default_factory=dict)
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_star(path: str | Path) -> StarFile:
    """Read a STAR file, also one packed with gzip.

    Columns of numbers become int64 or float64; all others stay text, exactly as written (``"007"`` too).

    Raises
    ------
    FileProblem
        The file is missing or breaks the syntax; the message gives the line.
    """
    path = Path(path)
    star = StarFile()
    comments: list[str] = []
    current: _OpenBlock | None = None
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split() if '"' not in line and "'" not in line and "#" not in line else _cells(line)
        if not words:
            comments += _comment(line)
        elif words[0].lower().startswith("data_"):
            if current is not None:
                current.store(star)
            current = _OpenBlock(path, words[0][5:], tuple(comments))
            if current.name in star.blocks:
                raise FileProblem(path, f"line {number}: there are two blocks data_{current.name}", "rename one")
            comments = []
        elif current is None:
            raise FileProblem(path, f"line {number} stands before the first data_ block", "is it a STAR file?")
        else:
            current.add(number, words)
    if current is None:
        raise FileProblem(path, "has no data_ block" if comments else "is empty", "is it a STAR file?")
    current.store(star)
    return star


class _OpenBlock:
    """A block while it is read, line by line."""

    def __init__(self, path: Path, name: str, comments: tuple[str, ...]) -> None:
        self.path, self.name, self.comments = path, name, comments
        self.loop = False
        self.columns: list[str] = []
        self.rows: list[list[str]] = []
        self.pairs: dict[str, Any] = {}

    def add(self, number: int, words: list[str]) -> None:
        """Take one line that is neither empty nor a comment."""
        if words[0] == "loop_":
            self._start_loop(number)
        elif self.loop and (self.rows or not words[0].startswith("_")):
            self._add_row(number, words)
        elif not words[0].startswith("_"):
            raise FileProblem(self.path, f"line {number}: {words[0]!r} is neither a name nor in a loop_")
        elif self.loop:
            self._add_column(number, words[0][1:])
        elif len(words) != 2:
            raise FileProblem(self.path, f"line {number}: {words[0]} has {len(words) - 1} values, it needs one")
        else:
            self.pairs[words[0][1:]] = typed([words[1]]).tolist()[0]

    def _start_loop(self, number: int) -> None:
        if self.loop or self.pairs:
            problem = f"line {number}: data_{self.name} holds more than one table"
            raise FileProblem(self.path, problem, "give each a data_ block of its own")
        self.loop = True

    def _add_column(self, number: int, name: str) -> None:
        if name in self.columns:
            raise FileProblem(self.path, f"line {number}: the column {name} stands twice", "rename or remove one")
        self.columns.append(name)

    def _add_row(self, number: int, words: list[str]) -> None:
        if len(words) != len(self.columns):
            problem = f"line {number} has {len(words)} values for {len(self.columns)} columns"
            raise FileProblem(self.path, problem, "is the file complete?")
        self.rows.append(words)

    def store(self, star: StarFile) -> None:
        """Close the block."""
        if self.loop:
            cells = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.columns)
            star.blocks[self.name] = pd.DataFrame(
                {name: typed(column) for name, column in zip(self.columns, cells, strict=True)}
            )
        else:
            star.blocks[self.name] = self.pairs
        if self.comments:
            star.comments[self.name] = self.comments


def _comment(line: str) -> list[str]:
    stripped = line.strip()
    return [stripped[1:].strip()] if stripped.startswith("#") else []


def _cells(line: str) -> list[str]:
    cells = []
    for double, single, comment, plain in _CELL.findall(line):
        if comment:
            break
        cells.append(plain or double or single)
    return cells


def typed(cells: Sequence[str]) -> np.ndarray:
    """Return int64 or float64 when every cell is a number, else the text as an object array."""
    if cells and not _NAME_LIKE.search("\n".join(cells)):
        try:
            numbers = pd.to_numeric(np.array(cells, dtype=object))
        except (ValueError, TypeError):
            pass
        else:
            if numbers.dtype in (np.int64, np.float64):
                return np.asarray(numbers)
    text = np.empty(len(cells), dtype=object)
    text[:] = cells
    return text


def write_star(path: str | Path, star: StarFile) -> None:
    """Write a STAR file; `path` is written to directly (callers use `core.files.replacing`).

    Float columns are written with as many digits as they need to be read back unchanged; a column that holds
    text (see `fixed`) is written as it is, in quotes where it must be.
    """
    pieces = []
    for name, block in star.blocks.items():
        comments = "".join(f"# {line}\n" for line in star.comments.get(name, ()))
        content = _table_text(block) if isinstance(block, pd.DataFrame) else _pairs_text(block)
        pieces.append(f"{comments}\ndata_{name}\n\n{content}\n")
    Path(path).write_text("\n".join(pieces), encoding="utf-8", newline="\n")


def fixed(values: np.ndarray, decimals: int = 6) -> np.ndarray:
    """Return numbers as text with a fixed number of decimals and no negative zero."""
    rounded = np.round(np.asarray(values, dtype=float), decimals) + 0.0
    text = np.array([f"{value:.{decimals}f}" for value in rounded.ravel().tolist()], dtype=object)
    return text.reshape(rounded.shape)


def _pairs_text(pairs: Mapping[str, Any]) -> str:
    width = max(map(len, pairs), default=0) + 2
    return "".join(f"_{name:{width}} {_cell(value)}\n" for name, value in pairs.items())


def _table_text(table: pd.DataFrame) -> str:
    header = "loop_\n" + "".join(f"_{name} #{number}\n" for number, name in enumerate(table.columns, start=1))
    columns = [_column_text(table.iloc[:, number].to_numpy()) for number in range(table.shape[1])]
    return header + "".join(f"{' '.join(row)}\n" for row in zip(*columns, strict=True))


def _column_text(values: np.ndarray) -> list[str]:
    if values.dtype.kind in "iuf":
        cells = values.astype(str).tolist()
    else:
        cells = [_cell(value) for value in values]
    width = max(map(len, cells), default=0)
    return [cell.rjust(width) for cell in cells]


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "nan" if isinstance(value, float) else "<NA>"
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    if "\n" in text or "\r" in text:
        raise ParameterProblem(repr(text), "a cell of a STAR file cannot hold a line break", "remove it")
    for quote in "\"'":
        if not re.search(quote + r"(\s|$)", text):
            return f"{quote}{text}{quote}"
    raise ParameterProblem(repr(text), "a cell of a STAR file cannot hold both kinds of quotes", "remove one kind")
