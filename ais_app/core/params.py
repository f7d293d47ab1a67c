"""Parameter sets: one dataclass drives the Python API, the command line and the forms of the window."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ais_app.core.errors import ParameterProblem

P = TypeVar("P", bound="Params")


def param(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Any] = (),
    option: str = "",
) -> Any:
    """Declare one parameter: its default, what it does, its unit and its bounds.

    Parameters
    ----------
    default
        Value when a person says nothing; ``dataclasses.MISSING`` makes it required.
    help
        One sentence without a full stop, shown in ``--help`` and as a tooltip.
    unit
        Unit as shown to a person: ``"Å"``, ``"Å³"``, ``"°"``, ``"voxels"``.
    low, high
        Inclusive bounds of a number.
    choices
        The allowed values.
    option
        Name on the command line where it differs from ``--field-name``.
    """
    metadata = {"help": help, "unit": unit, "low": low, "high": high, "choices": tuple(choices), "option": option}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Params:
    """Base of every parameter set; checks its bounds when it is made."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(type(self).__name__, field, getattr(self, field.name))

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-able values; tuples become lists."""
        return {
            field.name: list(value) if isinstance(value := getattr(self, field.name), tuple) else value
            for field in dataclasses.fields(self)
        }

    @classmethod
    def from_dict(cls: type[P], values: Mapping[str, Any]) -> P:
        """Make a parameter set from ``to_dict``'s values.

        Raises
        ------
        ParameterProblem
            A name is unknown (the nearest known one is suggested) or a value is out of bounds.
        """
        hints = typing.get_type_hints(cls)
        for name in values:
            if name not in hints:
                near = difflib.get_close_matches(name, hints, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(hints))}"
                raise ParameterProblem(name, f"{cls.__name__} has no such parameter", remedy)
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


def _check(owner: str, field: dataclasses.Field[Any], value: Any) -> None:
    limits = field.metadata
    unit = f" {limits['unit']}" if limits.get("unit") else ""
    if limits.get("choices") and value not in limits["choices"]:
        allowed = ", ".join(map(str, limits["choices"]))
        raise ParameterProblem(field.name, f"{value!r} is not one of {allowed}", f"see {owner}")
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            continue
        low, high = limits.get("low"), limits.get("high")
        # a comparison with NaN is always false, so NaN is refused wherever there is a bound
        if (low is not None and not number >= low) or (high is not None and not number <= high):
            span = f"{'-inf' if low is None else low} to {'inf' if high is None else high}{unit}"
            raise ParameterProblem(field.name, f"{number}{unit} is out of bounds", f"choose {span}")
