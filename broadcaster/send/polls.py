"""Pure: a poll of the rows that steer a sender, and the action that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellState
    from broadcaster.control.rate_share import RateShare
    from broadcaster.send.update_frames import Frames
    from matches.match_state import MatchState

POLL_SECONDS = 0.25
"""Seconds between two polls of a sender."""

RENEW_SECONDS = 5.0
"""Seconds between two renewals of the lease. If Lambda refuses the next invocations, nobody renews the lease, so it
must outlast the state machine's tries (docs/reliability.md)."""


@dataclass(frozen=True, slots=True)
class Poll:
    """The rows as one poll found them."""

    match_state: MatchState
    """The match at home."""
    cell_state: CellState
    """The match in this cell, and its lease."""
    rate_shares: list[RateShare]
    """All broadcasts that share the cell's send rate."""


class Decision(NamedTuple):
    """The reads and writes that a poll requires."""

    has_lease: bool
    renew_lease: bool = False
    read_frames: bool = False
    """The match has an event that this sender does not send yet."""


def decide(poll: Poll, *, owner: str, lap_seq: int, now: float, lease_seconds: float) -> Decision:
    """Decide for a sender of the execution ``owner``; ``now``: seconds since 1970.

    ``lap_seq``: the newest event in the frame that the lap sends.
    """
    if poll.cell_state.owner != owner:
        return Decision(has_lease=False)
    return Decision(
        has_lease=True,
        renew_lease=poll.cell_state.lease_until - now < lease_seconds - RENEW_SECONDS,
        read_frames=poll.match_state.newest_seq > lap_seq,
    )


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Another execution has the lease, or nobody has: stop."""


@dataclass(frozen=True, slots=True)
class NewerEvent:
    """The match has a newer event: send these frames to every row."""

    poll: Poll
    frames: Frames


@dataclass(frozen=True, slots=True)
class GoOn:
    """Go on with the frames that are being sent."""

    poll: Poll


Action = LeaseLost | NewerEvent | GoOn
