"""What a benchmark must reach: each goal is noted with its number, and a program that misses one ends with 1."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Goals:
    """Notes goals as numbers come in; `settle` says how many were reached, and which were not."""

    asked: int = 0
    missed: list[str] = field(default_factory=list)

    def at_least(self, what: str, value: float, goal: float) -> None:
        """Ask for a value of `goal` or more."""
        self._note(f"{what}: {value:.3f}, at least {goal:g} asked", value >= goal)

    def at_most(self, what: str, value: float, goal: float) -> None:
        """Ask for a value of `goal` or less."""
        self._note(f"{what}: {value:.3f}, at most {goal:g} asked", value <= goal)

    def settle(self) -> None:
        """Print the sum.

        Raises
        ------
        SystemExit
            With 1, where a goal was missed.
        """
        if self.asked:
            print(f"\n{self.asked - len(self.missed)} of {self.asked} goals reached", *self.missed, sep="\n")
        if self.missed:
            raise SystemExit(1)

    def _note(self, words: str, reached: bool) -> None:
        self.asked += 1
        if not reached:  # also what is no number
            self.missed.append(f"missed: {words}")


GOALS = Goals()
