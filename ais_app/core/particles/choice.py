"""Some of the subtomograms of a stack: those of a class, those with certain numbers; and those that hold nothing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.particles.labels import labels_of

if TYPE_CHECKING:
    from ais_app.core.particles.stack import SubtomogramStack

_RANGES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


@dataclass(frozen=True)
class ParticleChoice(Params):
    """Which subtomograms of a stack take part; all of them if nothing is said."""

    of_class: tuple[str, ...] = param(
        (), "Only subtomograms of this class of the stack, a name, or a number from 1; repeatable"
    )
    rows: str | None = param(None, "Only these subtomograms, counted from 0: 0-4,7")
    leave_out: str | None = param(None, "All but these subtomograms, counted from 0: 0-4,7")

    def __post_init__(self) -> None:
        if isinstance(self.of_class, str):  # one name, which is not to be read letter by letter
            object.__setattr__(self, "of_class", (self.of_class,))
        super().__post_init__()

    def __bool__(self) -> bool:
        return bool(self.of_class) or self.rows is not None or self.leave_out is not None

    @property
    def words(self) -> str:
        """What was chosen, in a few words, for names of classes."""
        among = " and ".join(map(str, self.of_class))
        parts = [among, self.rows or "", f"all but {self.leave_out}" if self.leave_out else ""]
        return ", ".join(filter(None, parts))


def chosen_rows(stack: SubtomogramStack, choice: ParticleChoice) -> np.ndarray:
    """Return the numbers of the subtomograms that are chosen, (k,) int64, ascending.

    Parameters
    ----------
    stack
        Whole, as it was opened.
    choice
        Where classes and rows are given, a subtomogram must be among both.

    Raises
    ------
    ParameterProblem
        There is no such class or row, or nothing is left.
    """
    taken = np.ones(len(stack), bool)
    if choice.of_class:
        taken &= _of_classes(stack, choice.of_class)
    for text, wanted, option in ((choice.rows, True, "rows"), (choice.leave_out, False, "leave_out")):
        if text is not None:
            taken &= np.isin(np.arange(len(stack)), _numbers(text, len(stack), option)) == wanted
    if not taken.any():
        raise ParameterProblem(_name(stack), f"none of its {len(stack):,} subtomograms is chosen", "choose some")
    return np.flatnonzero(taken)


def rows_text(rows: Iterable[int]) -> str:
    """Return numbers in ascending order as `ParticleChoice` takes them: ``"0-4,7"``."""
    parts: list[list[int]] = []
    for row in rows:
        if parts and parts[-1][1] == int(row) - 1:
            parts[-1][1] = int(row)
        else:
            parts.append([int(row)] * 2)
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in parts)


def without_empty(stack: SubtomogramStack) -> SubtomogramStack:
    """Return a stack without cubes that are the same everywhere, and warn where there are some; see `empty_cubes`."""
    empty = empty_cubes(stack, "left out")
    return stack.subset(~empty) if empty.any() else stack


def empty_cubes(stack: SubtomogramStack, are: str) -> np.ndarray:
    """Return which cubes are the same everywhere, (n,) bool, and warn where there are some that they `are` left out.

    Nothing can be aligned to them, and no class explains them: the edge of a tomogram, or a part that was not recorded.

    Raises
    ------
    ParameterProblem
        There are no others.
    """
    empty = stack.empty()
    if not empty.any():
        return empty
    numbers = rows_text(stack.rows[empty])
    if empty.all():
        problem = f"all cubes that are chosen ({numbers}, counted from 0) are the same everywhere"
        raise ParameterProblem(_name(stack), problem, "extract them where the tomogram holds something")
    text = f"cubes that are the same everywhere are {are}: {numbers}, counted from 0"
    warnings.warn(DataWarning(f"{_name(stack)}: {text}"), stacklevel=3)
    return empty


def _of_classes(stack: SubtomogramStack, wanted: Iterable[str]) -> np.ndarray:
    labels, names = labels_of(stack)
    if not names:
        remedy = "keep some in it: ais-app subtomo sort, faml, cluster --save or classify --save"
        raise ParameterProblem("of_class", f"{_name(stack)} has no classes", remedy)
    taken = np.zeros(len(stack), bool)
    for each in map(str, wanted):
        number = names.index(each) if each in names else int(each) - 1 if each.isdecimal() else -1
        if not 0 <= number < len(names):
            known = ", ".join(f"{name} ({int((labels == n).sum()):,})" for n, name in enumerate(names))
            raise ParameterProblem("of_class", f"{_name(stack)} has no class {each}", f"it has {known}")
        taken |= labels == number
    return taken


def _numbers(text: str, count: int, option: str) -> np.ndarray:
    words = "".join(text.split())
    if not _RANGES.fullmatch(words):
        raise ParameterProblem(option, f"{text!r} is no list of numbers", "write 0-4,7")
    numbers = []
    for word in words.split(","):
        low, _, high = word.partition("-")
        first, last = int(low), int(high or low)
        if last < first:
            raise ParameterProblem(option, f"{word} runs backwards", f"write {last}-{first}")
        if last >= count:
            raise ParameterProblem(option, f"{word}: there are {count:,} subtomograms", f"give 0 to {count - 1}")
        numbers.append(np.arange(first, last + 1))
    return np.concatenate(numbers)


def _name(stack: SubtomogramStack) -> str:
    return "stack" if stack.path is None else str(stack.path)
