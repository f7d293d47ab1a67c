"""Errors that a person can act on: what, where, and the remedy."""

from __future__ import annotations

from pathlib import Path


class AisAppError(Exception):
    """Something a person can put right.

    Parameters
    ----------
    subject
        What it is about: a file, a parameter, a feature, a model.
    problem
        What is wrong with it, with the offending value.
    remedy
        What to do about it; empty when the problem says it already.
    """

    def __init__(self, subject: str | Path, problem: str, remedy: str = "") -> None:
        self.subject = str(subject)
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{subject}: {problem}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        # so that it crosses process boundaries: Exception would hand its one message to three parameters
        return type(self), (self.subject, self.problem, self.remedy)


class FileProblem(AisAppError):
    """A file is missing, damaged, of an unknown format, or cannot be written."""


class ParameterProblem(AisAppError):
    """A parameter is out of its bounds or does not fit the data."""


class ProjectProblem(AisAppError):
    """A project does not hold what was asked of it, or is locked."""


class ModelProblem(AisAppError):
    """A model package, an architecture or an engine cannot do what was asked."""


class DataWarning(UserWarning):
    """Data were read, but something about them should be looked at."""
