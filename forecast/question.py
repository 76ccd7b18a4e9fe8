"""Pure: the question that the planner answers, and the simulation plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Mapping


class QuestionError(ProgramError, ValueError):
    """A question that has no answer, such as an audience of zero; the text is for people."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Question:
    """An audience, the matches that it watches, and the account that serves it."""

    viewers: int
    """Viewers of all matches together. They are spread equally over the matches, and over the cells."""
    events: int
    """Events of each match."""
    hours: float
    """Hours for which every viewer stays."""
    matches: int = 1
    """Matches that are played at the same time."""
    cells: int = 1
    """Cells of the same transport. Each has the quotas of a region of its own."""
    region: str = "us-east-1"
    """The region whose default quotas and prices count."""
    quotas: Mapping[str, float] = field(default_factory=dict)
    """Quotas that the account has raised, by their key in terraform/quotas_and_prices.json; defaults for the others."""
    within_s: float | None = None
    """Seconds in which the last viewer is to have a goal; None if the asker only wants to know how long it takes."""
