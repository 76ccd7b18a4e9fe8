"""Pure: the JSON of events, matches and snapshots, as types. docs/api.md and docs/protocol.md have each field.

These are plain dicts at run time, as orjson reads and writes them. Import them for type checkers only: then they cost
a cold start nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, TypeAlias, TypedDict, final

if TYPE_CHECKING:
    from matches.clock import Clock

Score: TypeAlias = Sequence[int]
"""The goals of the home side and of the away side: a tuple as the rules make it, a list as JSON is read."""


class EventChanges(TypedDict, total=False):
    """The fields that an amendment corrects, each with its right value. None takes the field away."""

    player: str | None
    assist: str | None
    player_on: str | None
    player_off: str | None
    minute: int
    stoppage: int | None


class _EventFields(TypedDict):
    kind: str
    """One of ``matches.event_kinds.KINDS``."""
    event_id: str
    at: int
    """When the API accepted the event: milliseconds since 1970, by the API's clock."""
    team: NotRequired[str]
    """``home`` or ``away``."""
    player: NotRequired[str | None]
    assist: NotRequired[str | None]
    player_on: NotRequired[str | None]
    player_off: NotRequired[str | None]
    no_replacement: NotRequired[bool]
    bench: NotRequired[bool]
    minute: NotRequired[int]
    stoppage: NotRequired[int | None]
    late: NotRequired[bool]
    scored: NotRequired[bool]
    reason: NotRequired[str]
    decision: NotRequired[str]
    about: NotRequired[str]
    cancels: NotRequired[str]
    """The id of the event that a cancellation takes back."""
    amends: NotRequired[str]
    """The id of the event that an amendment corrects."""


class EventBody(_EventFields):
    """An event as its operator posted it. The rules of the game read this."""

    score: NotRequired[Score]
    """Of an award: the score that counts from now on."""


class StoredEvent(_EventFields):
    """An event that was applied, as viewers and readers get it and as ``body`` of its row has it."""

    seq: int
    score: Score
    """The score after the event."""
    shootout: NotRequired[Score]
    cancels_seq: NotRequired[int]
    amends_seq: NotRequired[int]
    cancelled_by: NotRequired[int]
    """The seq of the cancellation that took this event back."""
    amended_by: NotRequired[int]
    """The seq of the latest amendment of this event."""


class AuditedEvent(StoredEvent):
    """An event as its operator posted it, for operators only."""

    by: NotRequired[str]
    """The subject of the operator's token."""


class LineupNames(TypedDict):
    """The names of each side's players, as they were given."""

    home: list[str]
    away: list[str]


class MatchSummary(TypedDict):
    """A match as it stands, without its events: one entry of a day's list."""

    match: str
    epoch: str
    seq: int
    """The newest event of the match."""
    status: str
    home: str
    away: str
    competition: str | None
    kickoff: str
    neutral: bool
    leg: int | None
    first_leg: Score | None
    half_minutes: int
    extra_half_minutes: int
    score: Score
    shootout: Score | None
    clock: Clock | None
    viewers: int | None
    """Rounded; None if nobody has counted yet."""


class Snapshot(MatchSummary):
    """The answer to a viewer's ``subscribe`` or ``sync``, and to a reader of one match."""

    type: Literal["snapshot"]
    recovered: bool
    """Whether ``events`` has every event after the position that was asked with."""
    events: list[StoredEvent]


class DayList(TypedDict):
    """One page of the matches of a day in UTC."""

    day: str
    page: int
    """From 1."""
    matches: list[MatchSummary]
    more: bool
    """Whether there is another page."""


class BatchTimes(TypedDict):
    """The times of one batch in a round, in milliseconds since 1970; 0 for what did not happen."""

    batch: int
    started: int
    """When the batch's first sender began."""
    first: int
    """When the first POST was sent."""
    last: int
    """When the last answer of the last lap came."""


@final
class Receipt(TypedDict):
    """The counts of one round of a broadcast in one cell (broadcaster/control/receipt.py)."""

    cell: str
    broadcast: str
    """The execution and the round."""
    prev: int
    """The seq up to which the cell had been told before the round."""
    seq: int
    """The seq that the round has brought to every row that it could reach."""
    rows: int
    batches: int
    accepted: int
    gone: int
    failed: int
    skipped: int
    closed: int
    throttled: int
    queries: int
    invocations: int
    started: int
    """Milliseconds since 1970."""
    ended: int
    """Milliseconds since 1970."""
    ms: int
    due_at: NotRequired[int]
    """When the starter made the first event of the broadcast due: milliseconds since 1970. Release 0.2.0 had no such
    field, nor the next three."""
    started_at: NotRequired[int]
    """When the execution began that ended the round: milliseconds since 1970."""
    posts: NotRequired[Sequence[BatchTimes]]
    at: NotRequired[int]
    """When the receipt was written: milliseconds since 1970."""
    set_aside: int
    """Batches that failed for good."""
    stopped: NotRequired[bool]
    """True if an operator ended the broadcast."""


class PublishedFeed(TypedDict):
    """A frame that a broadcasting transport has taken."""

    feed: str
    """``all`` or ``score`` (matches/channels.py)."""
    bytes: int
    events: int
    """The number of events in the frame."""
    taken_at: int
    """When the service had taken the frame: milliseconds since 1970."""


class RefusedFeed(TypedDict):
    """A frame that a broadcasting transport has refused, before another try succeeded."""

    feed: str
    reason: str
    """The service's code."""
    at: int
    """Milliseconds since 1970."""


@final
class BroadcastReceipt(TypedDict):
    """The frames that a broadcasting transport has taken in one cell (broadcaster/transports/publisher.py).

    The service tells the viewers itself and reports no counts.
    """

    cell: str
    transport: str
    broadcast: str
    prev: int
    """The seq up to which the cell had been told before."""
    seq: int
    due_at: int
    """When the event became due: milliseconds since 1970."""
    published: list[PublishedFeed]
    refused: list[RefusedFeed]
    at: int
    """When the receipt was written: milliseconds since 1970."""


AnyReceipt: TypeAlias = Receipt | BroadcastReceipt

"""Only a receipt of senders has ``accepted``."""


class UnsubscribedFrame(TypedDict):
    """The answer to a viewer's ``unsubscribe``."""

    type: Literal["unsubscribed"]
    match: str


class ListeningFrame(TypedDict):
    """The answer to a viewer's ``listen``: from now on the connection gets the messages to its subject."""

    type: Literal["listening"]


class ErrorFrame(TypedDict):
    """The answer to a viewer's request that is refused."""

    type: Literal["error"]
    code: str
    message: str
    match: NotRequired[str]
