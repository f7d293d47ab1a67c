"""Classes of subtomograms by name: of a stack, of a table, and back into a stack.

A stack keeps numbers in ``classes.npy``; what they are called is in ``class_names.json`` beside it, or in the notes of
a stack that was written with classes.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ais_app.core.errors import AisAppError, FileProblem, ParameterProblem
from ais_app.core.files import read_json, write_json, write_text
from ais_app.core.particles.stack import SubtomogramStack, save_classes

NO_CLASS = -1
COLUMN = "class_name"  # of particles, as everywhere in the program
_NAMES = "class_names"
_WHOLE = re.compile(r"-?\d+\.0*")  # numbers of classes in a column with gaps
_NONE = ("", "nan", "na", "n/a", "none", "null", "unknown", "-1")


def class_names_of(stack: SubtomogramStack) -> tuple[str, ...]:
    """Return the names of a stack's classes, by their numbers; those without are ``class N``, from 1 as in files."""
    count = 0 if stack.classes is None or not len(stack.classes) else int(stack.classes.max()) + 1
    named: Sequence[object] = stack.notes.get(_NAMES, ())
    if stack.path is not None and (file := stack.path / f"{_NAMES}.json").is_file():
        named = read_json(file)
    if not isinstance(named, (list, tuple)):
        raise FileProblem(stack.path or "stack", "its names of classes are damaged", "save the classes anew")
    names = [str(name) for name in named]
    return (*names, *(f"class {number + 1}" for number in range(len(names), count)))


def labels_of(stack: SubtomogramStack) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the class of each subtomogram of a stack, (n,) int64, −1 for none, and the names of the classes.

    Those of the stack; where it has none, the column ``class_name`` of its particles.
    """
    if stack.classes is not None:
        return stack.classes, class_names_of(stack)
    if COLUMN in stack.particles.table:
        return numbered(stack.particles.table[COLUMN].tolist())
    return np.full(len(stack), NO_CLASS, np.int64), ()


def numbered(values: Sequence[object], names: Sequence[str] = ()) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn names of classes into numbers.

    Parameters
    ----------
    values
        (n,); an empty one, ``nan``, ``na``, ``n/a``, ``none``, ``null``, ``unknown`` and ``-1``, in capitals too, stand
        for no class.
    names
        Those that are known, in the order of their numbers; new ones follow, sorted (numbers as numbers).

    Returns
    -------
    ndarray, tuple of str
        (n,) int64, −1 for none; all names.
    """
    words = ["" if value is None or value != value else _word(value) for value in values]
    unnamed = [word.lower() in _NONE for word in words]
    new = {word for word, none in zip(words, unnamed, strict=True) if not none} - set(names)
    every = (*names, *sorted(new, key=_order))
    number = {name: position for position, name in enumerate(every)}
    found = [NO_CLASS if none else number[word] for word, none in zip(words, unnamed, strict=True)]
    return np.array(found, dtype=np.int64), every


def read_labels(path: str | Path, column: str | None, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read classes from a table: CSV, TSV or any list of particles, one row a subtomogram in the order of the stack.

    Parameters
    ----------
    path
        The file. A column ``row`` says which subtomogram each line is about; without it they come in order.
    column
        Its name; if not given ``class_name``, ``class``, ``aisClassName`` or ``rlnClassNumber``.
    count
        Subtomograms of the stack.

    Raises
    ------
    FileProblem
        The file cannot be read, has no such column, or not one line for each subtomogram.
    """
    table = _table(Path(path))
    known = [column] if column is not None else [COLUMN, "class", "aisClassName", "rlnClassNumber"]
    chosen = next((name for name in known if name in table), None)
    if chosen is None:
        there = ", ".join(map(str, table.columns)) or "none"
        raise FileProblem(path, f"has no column {' or '.join(known)}", f"its columns: {there}; say which: --column")
    values: list[object] = table[chosen].tolist()
    if "row" in table.columns:
        rows = pd.to_numeric(table["row"], errors="coerce").to_numpy()
        if not np.isin(rows, np.arange(count)).all():
            raise FileProblem(path, f"its column row has numbers that are not 0 to {count - 1}", "is it of this stack?")
        placed: list[object] = [None] * count
        for row, value in zip(rows.astype(int), values, strict=True):
            placed[row] = value
        values = placed
    if len(values) != count:
        problem = f"has {len(values):,} lines, but the stack has {count:,} subtomograms"
        raise FileProblem(path, problem, "give one line for each, in their order, or a column row")
    return numbered(values)


def joined_labels(
    stack: SubtomogramStack, rows: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the classes of all subtomograms of a stack where some get new ones and the others keep theirs.

    Parameters
    ----------
    stack
        Whole.
    rows, labels
        (k,) which get new ones, and these, −1 for none.
    names
        Of the new classes; one that the others have too gets a number behind.

    Returns
    -------
    ndarray, tuple of str
        (n,) int64, −1 for none; the names: those that the others have come first, and keep their order.
    """
    before, called = labels_of(stack)
    others = before.copy()
    others[rows] = NO_CLASS
    kept = [number for number in range(len(called)) if (others == number).any()]
    names_now = [called[number] for number in kept]
    for name in names:
        tries = itertools.chain([name], (f"{name} ({again})" for again in itertools.count(2)))
        names_now.append(next(each for each in tries if each not in names_now))
    after = np.full(len(stack), NO_CLASS, np.int64)
    for number, old in enumerate(kept):
        after[others == old] = number
    after[rows] = np.where(labels < 0, NO_CLASS, labels + len(kept))
    return after, tuple(names_now)


def write_labels(path: str | Path, labels: np.ndarray, names: Sequence[str]) -> Path:
    """Write classes, (n,) with −1 for none, as a table that `read_labels` reads; its numbers are from 1."""
    called = ["" if label < 0 else names[label] for label in labels]
    table = pd.DataFrame({"row": np.arange(len(labels)), COLUMN: called, "number": labels + 1})
    # in quotes a name may begin with what else begins a comment
    return write_text(path, table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def save_labels(path: str | Path, labels: np.ndarray, names: Sequence[str]) -> None:
    """Keep classes, (n,) int64 with −1 for none, and their names in the stack at `path`.

    Raises
    ------
    ParameterProblem
        A number has no name, or there is not one for each subtomogram.
    """
    if labels.size and int(labels.max()) >= len(names):
        raise ParameterProblem("classes", f"number {int(labels.max())} has no name", "name all of them")
    save_classes(path, labels)
    write_json(Path(path) / f"{_NAMES}.json", list(names))


def _table(path: Path) -> pd.DataFrame:
    from ais_app.core.coordinates import read_particles

    separators = {".csv": ",", ".tsv": "\t"}
    if path.suffix.lower() in separators:
        try:
            # as text: 01 and 1 may be the names of two classes
            options: dict[str, Any] = {"comment": "#", "dtype": str, "keep_default_na": False}
            return pd.read_csv(path, sep=separators[path.suffix.lower()], **options)
        except OSError as error:
            raise FileProblem(path, error.strerror or str(error), "check the name") from error
        except (ValueError, pd.errors.ParserError) as error:
            raise FileProblem(path, f"is no table ({error})", "give CSV or STAR") from error
    try:
        return read_particles(path).table
    except AisAppError as error:
        raise FileProblem(path, f"is no table that can be read ({error})", "give CSV or STAR") from error


def _word(value: object) -> str:
    word = str(value).strip()
    return word.partition(".")[0] if _WHOLE.fullmatch(word) else word


def _order(word: str) -> tuple[int, float, str]:
    return (0, float(word), word) if word.lstrip("-").isdigit() else (1, 0.0, word)
