"""JSON in the cells of a project: written strictly, read with errors in words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem


def to_text(content: Any, subject: str) -> str:
    """Return JSON-able values as text.

    Raises
    ------
    ParameterProblem
        They are not: another kind of object, NaN or infinity.
    """
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        remedy = "give numbers, text, lists and mappings"
        raise ParameterProblem(subject, f"cannot be kept as JSON ({error})", remedy) from error


def to_finite_text(content: Any, subject: str) -> str:
    """Return JSON-able values as `to_text` does, with null for NaN and infinity: the loss of a training astray.

    Raises
    ------
    ParameterProblem
        They are another kind of object.
    """
    try:
        return to_text(content, subject)
    except ParameterProblem:  # to look at each of thousands of values first takes longer than the rest
        return to_text(_finite(content), subject)


def from_text(text: str, path: Path, subject: str) -> Any:
    """Return what a cell of the project at `path` holds.

    Raises
    ------
    FileProblem
        It is no JSON: the project is damaged.
    """
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise FileProblem(path, f"its {subject} is damaged ({error})", "restore the project from a copy") from error


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
