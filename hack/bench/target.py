"""A number that is to be reached, as a line of a table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A number that is to be at most, or at least, so much; its values run by run."""

    what: str
    bound: float
    values: Sequence[float]
    unit: str = ""
    at_least: bool = False

    @property
    def measured(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool:
        """Whether the median is on the right side of the bound."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        """Return a line of the table: what, bound, median, least and most, ratio, met or not."""
        sign, unit = "≥" if self.at_least else "≤", self.unit and f" {self.unit}"
        spread = f"{min(self.values):.3g}-{max(self.values):.3g}"
        ratio = self.measured / self.bound
        met = "met" if self.is_met else "**missed**"
        return (
            f"| {self.what} | {sign} {self.bound:g}{unit} | {self.measured:.3g}{unit} "
            f"| {spread} | {ratio:.2f} | {met} |"
        )
