"""Pure: the times of one event at home, as its ``event#`` row has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matches.match_rows import parse_event
from runtime.attributes import count, reading_row

if TYPE_CHECKING:
    from runtime.attributes import Item


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """An event with its times, in milliseconds since 1970.

    A time is None if the release that numbered the event did not store it.
    """

    seq: int
    kind: str
    """One of ``matches.event_kinds.KINDS``."""
    team: str | None
    """``home`` or ``away``; None for an event of no side."""
    accepted: int
    """The API accepted the event, by the API's clock."""
    streamed: int | None = None
    """Kinesis took the record, by its own clock."""
    numbered: int | None = None
    """The fan-out was about to write the event, by its clock."""


def parse_traced(item: Item) -> TracedEvent:
    """The times in an ``event#`` row as DynamoDB returns it. Raises DamagedRowError."""
    event = parse_event(item)
    with reading_row(item["match_id"]["S"], item["item"]["S"], item):
        return TracedEvent(
            seq=event["seq"],
            kind=event["kind"],
            team=event.get("team"),
            accepted=event["at"],
            streamed=count(item, "streamed") if "streamed" in item else None,
            numbered=count(item, "numbered") if "numbered" in item else None,
        )
