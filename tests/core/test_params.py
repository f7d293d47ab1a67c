"""Parameter sets: bounds, choices, names, and the options made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from ais_app.cli.options import with_params
from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param


@dataclass(frozen=True)
class Example(Params):
    threshold: float = param(0.5, "Probability above which", low=0, high=1)
    spacing: float = param(100.0, "Smallest distance", unit="Å", low=0)
    mode: str = param("ball", "Shape of it", choices=("ball", "disk"))
    limit: int | None = param(None, "Largest number", low=1)
    levels: tuple[float, ...] = param((), "Levels to use")
    closed: bool = param(True, "Close it")
    shape: tuple[int, int, int] = param((8, 16, 16), "Size of it", unit="voxels", low=1)


@pytest.mark.parametrize(
    "values",
    [{"threshold": 1.5}, {"threshold": float("nan")}, {"spacing": -1.0}, {"mode": "cube"}, {"limit": 0}],
)
def test_values_out_of_bounds_are_refused_with_the_value_in_words(values):
    with pytest.raises(ParameterProblem) as problem:
        Example(**values)
    assert next(iter(values)) in str(problem.value)
    assert str(next(iter(values.values()))) in str(problem.value)


def test_a_misspelt_name_suggests_the_right_one():
    with pytest.raises(ParameterProblem, match="did you mean spacing"):
        Example.from_dict({"spacin": 3.0})


def test_parameters_survive_a_round_trip_through_json_values():
    example = Example(threshold=0.25, levels=(1.0, 2.0), limit=4)
    assert Example.from_dict(example.to_dict()) == example


@pytest.fixture
def command():
    app = typer.Typer()
    seen = []

    @app.command()
    @with_params(Example)
    def main(name: Annotated[str, typer.Argument()], params: Example) -> None:
        seen.append((name, params))

    def call(*arguments: str):
        return CliRunner().invoke(app, list(arguments)), seen

    return call


def test_options_come_from_the_fields(command):
    arguments = [
        "x",
        "--spacing",
        "80",
        "--no-closed",
        "--limit",
        "3",
        "--levels",
        "1",
        "--levels",
        "2",
        "--shape",
        "4,5,6",
    ]
    result, seen = command(*arguments)
    assert result.exit_code == 0, result.output
    assert seen == [("x", Example(spacing=80.0, closed=False, limit=3, levels=(1.0, 2.0), shape=(4, 5, 6)))]


def test_without_options_the_defaults_hold(command):
    result, seen = command("x")
    assert result.exit_code == 0, result.output
    assert seen == [("x", Example())]


def test_help_shows_unit_and_default(command):
    result, _ = command("--help")
    assert "Å" in result.output
    assert "100.0" in result.output
    assert "8,16,16" in result.output


def test_a_wrong_option_is_a_usage_error(command):
    assert command("x", "--threshold", "2")[0].exit_code == 2
    assert command("x", "--treshold", "0.2")[0].exit_code == 2
    assert command("x", "--mode", "cube")[0].exit_code == 2
    assert command("x", "--shape", "4,5")[0].exit_code == 2
