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


def finite(content: Any) -> Any:
    """Return the same values with ``None`` for NaN and infinity: the loss of a training that went astray."""
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
