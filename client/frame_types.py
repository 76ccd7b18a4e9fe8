"""The types of frames, snapshots and pages of the history, as the server sends them (docs/protocol.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from .event import Event

RawFrame = dict[str, object]
"""A JSON object from the server that has not been checked."""


class Position(TypedDict):
    """A follower's place in a match: it has every event of ``epoch`` up to ``seq``."""

    epoch: str
    seq: int


class Snapshot(TypedDict):
    """The match as it stands, and its newest events: all after the follower's position, if they fit into a frame."""

    type: Literal["snapshot"]
    match: str
    epoch: str
    seq: int
    """The number of the newest event."""
    status: str
    home: str
    away: str
    score: list[int]
    """Goals: home, away."""
    shootout: NotRequired[list[int] | None]
    """Kicks that were scored in the shoot-out: home, away."""
    events: list[Event]


class Update(TypedDict):
    """The events after ``prev`` up to ``seq``, and the match after them."""

    type: Literal["update"]
    match: str
    epoch: str
    prev: int
    seq: int
    status: str
    score: list[int]
    shootout: NotRequired[list[int] | None]
    events: list[Event]


class HistoryPage(TypedDict):
    """Events after the requested seq, at most 200, each with its score; ``seq`` is the newest event of the match."""

    match: str
    epoch: str
    seq: int
    events: list[Event]


class ErrorFrame(TypedDict):
    """The server's refusal of a request: a code for programs and a sentence for people."""

    type: Literal["error"]
    code: NotRequired[str]
    message: str
    match: NotRequired[str]
