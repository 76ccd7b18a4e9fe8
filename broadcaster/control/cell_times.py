"""Pure: the times at which one cell told one event, from the cell's receipt, or from its rows while it tells the event.

trace.py makes the trace of an event of them. All times are milliseconds since 1970; None stands for a time that is not
known, or for a thing that did not happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.attributes import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from broadcaster.control.cell_state import CellState
    from matches.match_state import MatchState
    from matches.traced_event import TracedEvent

LATER_EXECUTION_MS = 10_000
"""An execution that began this long after the first sender is not the first one of its broadcast: it has taken over
from another one, which began 100 s earlier (``hand_over_seconds``)."""


@dataclass(frozen=True, slots=True)
class CellRows:
    """A cell's rows of a match. ``reports``: the progress rows of its last round (progress.py)."""

    cell_state: CellState
    reports: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class SenderTimes:
    """The times of the senders of one batch."""

    batch: int | None
    """The number of the batch; None for the times of all batches together."""
    started: int | None
    first_post: int | None
    last_post: int | None
    """The last answer of the last lap."""


@dataclass(frozen=True, slots=True)
class CellTimes:
    """The times of an event in one cell."""

    name: str
    is_told: bool = False
    """Whether a broadcast of the event has ended."""
    is_unreached: bool = False
    """The cell does not answer, and home has no receipt of it."""
    is_joined: bool = False
    """A broadcast of an earlier event was running, and told this event too."""
    has_receipt: bool = False
    is_stopped: bool = False
    """An operator stopped the broadcast."""
    set_aside: int = 0
    """Batches that failed for good."""
    due_at: int | None = None
    started: int | None = None
    """The execution began."""
    senders: Sequence[SenderTimes] = ()
    published: Mapping[str, int] = field(default_factory=dict)
    """In a cell whose transport broadcasts, by feed (``all``, ``score``): when the service had taken its frame."""
    receipt_at: int | None = None


def receipts_of(seq: int, receipts: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By name of a cell: the receipt of the round that told event ``seq``. ``receipts``: oldest first.

    If every batch of a round was set aside, the next round of the cell counts, if there is one.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for each in receipts:
        name, prev = each.get("cell"), _whole(each, "prev")
        if not isinstance(name, str) or prev is None or not prev < seq <= each["seq"]:
            continue
        if name not in found or _told_nobody(found[name]):
            found[name] = each
    return found


def times_in_receipt(event: TracedEvent, match: str, name: str, receipt: Mapping[str, Any]) -> CellTimes:
    """The times of an event that a cell has told."""
    senders = _senders_in(receipt)
    is_joined = _began_earlier(event, match, receipt.get("broadcast"))
    started = _time(receipt, "started_at")
    first = min((each.started for each in senders if each.started is not None), default=None)
    if started is not None and first is not None and started - first > LATER_EXECUTION_MS:
        started = None
    return CellTimes(
        name,
        is_told=True,
        is_joined=is_joined,
        has_receipt=True,
        is_stopped=receipt.get("stopped") is True,
        set_aside=_count(receipt, "set_aside"),
        due_at=None if is_joined else _time(receipt, "due_at"),
        started=None if is_joined else started,
        senders=[_joined(event, each) for each in senders] if is_joined else senders,
        published=_published(receipt),
        receipt_at=_time(receipt, "at"),
    )


def times_so_far(event: TracedEvent, state: MatchState, name: str, rows: CellRows | None) -> CellTimes:
    """The times of an event of which a cell has sent no receipt. ``rows``: None if the cell does not answer."""
    if rows is None:
        return CellTimes(name, is_unreached=True)
    cell_state = rows.cell_state
    if cell_state.epoch != state.epoch:
        # The cell has not heard of the match, or its row belongs to an earlier match of the id.
        return CellTimes(name)
    if cell_state.ended_seq >= event.seq:
        # The receipt could not be written at home, and the rows may be those of a later event.
        return CellTimes(name, is_told=True)
    senders = [_so_far(event, each) for each in rows.reports]
    if not _began_earlier(event, state.match, cell_state.round_name):
        return CellTimes(name, due_at=cell_state.due_at or None, senders=senders)
    is_joined = any(each.last_post is not None for each in senders)
    return CellTimes(name, is_joined=is_joined, senders=[_joined(event, each) for each in senders])


def _told_nobody(receipt: Mapping[str, Any]) -> bool:
    return _count(receipt, "set_aside") > 0 and _count(receipt, "accepted") == 0


def _senders_in(receipt: Mapping[str, Any]) -> list[SenderTimes]:
    posts = receipt.get("posts")
    if isinstance(posts, list):
        return [_sender(each, "first", "last") for each in posts if isinstance(each, dict)]
    # A receipt of an older release has only the start of the first sender, and the milliseconds of the whole round.
    began, took = _time(receipt, "started"), _whole(receipt, "ms")
    return [SenderTimes(None, began, None, began + took)] if began is not None and took is not None else []


def _published(receipt: Mapping[str, Any]) -> dict[str, int]:
    """By feed: when the service had taken the frame."""
    taken = receipt.get("published")
    frames = [each for each in taken if isinstance(each, dict)] if isinstance(taken, list) else []
    found = {str(each.get("feed")): _time(each, "taken_at") for each in frames}
    return {feed: at for feed, at in found.items() if at is not None}


def _so_far(event: TracedEvent, report: Mapping[str, Any]) -> SenderTimes:
    """The times in the progress row of a batch."""
    found = _sender(report, "first_post", "ended")
    if report["lap_seq"] < event.seq:
        return SenderTimes(found.batch, found.started, found.first_post, None)
    return found


def _sender(body: Mapping[str, Any], first: str, last: str) -> SenderTimes:
    posted = _time(body, first)
    # A lap without a POST has an end too, but no last POST.
    return SenderTimes(
        _whole(body, "batch"), _time(body, "started"), posted, None if posted is None else _time(body, last)
    )


def _joined(event: TracedEvent, sender: SenderTimes) -> SenderTimes:
    """The times of senders in a broadcast of an earlier event, without the times that belong to the earlier event."""
    known = event.accepted if event.numbered is None else event.numbered
    if sender.started is not None and sender.started >= known:
        return sender
    return SenderTimes(sender.batch, None, None, sender.last_post)


def _began_earlier(event: TracedEvent, match: str, broadcast: str | None) -> bool:
    """Whether a broadcast began for an earlier event. Its name is ``<match>-<seq>-<token>``."""
    seq = (broadcast or "").removeprefix(f"{match}-").partition("-")[0]
    return seq.isdecimal() and int(seq) < event.seq


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    value: Any = body.get(name)
    return int(value) if is_whole(value) else None


def _count(body: Mapping[str, Any], name: str) -> int:
    return _whole(body, name) or 0


def _time(body: Mapping[str, Any], name: str) -> int | None:
    """A time in milliseconds since 1970. Rows have 0 for a time that is not known."""
    return _whole(body, name) or None
