"""Pure: how a viewer brings back what it missed: where it reads, when, and what it makes of the answer.

Repairs and the check after a silence go over HTTP, where one answer serves everyone who misses the same: the URL holds
the position and nothing of the viewer. The socket is asked only where HTTP does not help: an answer over it costs a
call of a function and a share of the send budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .frame_checks import is_whole

if TYPE_CHECKING:
    from .follower import Follower

TRIES = 4
"""Reads over HTTP before the socket is asked."""

SPREAD_SECONDS = 0.5
"""A gap is read within so long, each viewer at its own moment: thousands may miss the same frame."""

LONGEST_SECONDS = 8.0
"""Between two tries at most."""

PAGES = 50
"""Pages of the history that one repair reads at most: 10,000 events."""

Step = Literal["take", "pages", "ask"]


def delay(attempt: int, chance: float, spread: float = SPREAD_SECONDS) -> float:
    """Seconds to wait before attempt number ``attempt`` (from 1): full jitter, ``chance`` being in [0, 1)."""
    return chance * min(LONGEST_SECONDS, spread * 4.0 ** (attempt - 1))


def backoff(attempt: int, chance: float, base: float = 0.25, cap: float = 30.0) -> float:
    """Seconds to wait after failed connection number ``attempt`` (from 1): full jitter, ``chance`` being in [0, 1)."""
    return chance * min(cap, base * 2.0**attempt)


def patience(silence: float, chance: float) -> float:
    """Seconds without a frame after which a viewer looks: ``silence``, give or take a quarter.

    A goal ends the silence of all viewers at the same moment; their checks must not come at the same moment too.
    """
    return silence * (0.75 + chance / 2)


def looking(least: float, most: float, proven: float, chance: float) -> float:
    """Seconds without a frame of a match after which a viewer looks whether it missed one.

    ``least`` at first. On a connection that works it is the longest silence ``proven`` that a message has ended, up to
    ``most``. All give or take a quarter: see ``patience``.
    """
    return patience(max(least, min(most, proven)), chance)


def quiet(least: float, proven: float, chance: float) -> float:
    """Seconds without a frame on a connection after which the server is asked for a sign of life.

    ``least`` at first, then twice the longest silence ``proven`` that a frame has ended, both give or take a quarter.
    So a quiet connection that works is asked a few times in all, not so often a minute.
    """
    return patience(max(least, proven * 2), chance)


def grace(first: float, mutes: int, most: float = 60.0) -> float:
    """Seconds that the first frame of a connection may take.

    That is after ``mutes`` connections in a row that opened and brought none: twice as long each time, up to ``most``.
    A server that is only slow is so not asked more and more often.
    """
    return min(max(first, most), first * 2.0 ** min(mutes, 30))


def snapshot_path(follower: Follower) -> str:
    """Where the snapshot since a follower's position is, relative to the API's URL."""
    epoch = f"&epoch={follower.epoch}" if follower.epoch else ""
    return f"/matches/{follower.match}?after={follower.seq}{epoch}"


def history_path(follower: Follower) -> str:
    """Where the next page of the history after a follower's position is, relative to the API's URL."""
    return f"/matches/{follower.match}/events?after={follower.seq}"


def judge(follower: Follower, answer: dict[str, Any]) -> Step:
    """The next step with a snapshot that came over HTTP.

    ``take`` it; read ``pages`` of the history first, because it does not reach back to the follower; or ``ask`` over
    the socket, because it is not whole, or of another epoch. An answer may be some seconds old: who has heard of the
    new epoch would be thrown back into the old one. The socket's answers are never older than the question.
    """
    if not is_whole(answer) or answer["epoch"] != follower.epoch:
        return "ask"
    return "take" if follower.reaches(answer) else "pages"
