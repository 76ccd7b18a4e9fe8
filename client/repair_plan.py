"""Pure: the plan of a repair: the URLs to read, the seconds to wait, and the next step after an answer.

A viewer reads missed events over HTTP. The URL holds the position and nothing of the viewer, so one answer serves all
viewers that miss the same events. A viewer asks over the socket only if HTTP does not help, because that costs a call
of a function and a part of the send budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .frame_checks import is_whole

if TYPE_CHECKING:
    from .follower import Follower
    from .frame_types import RawFrame

TRIES = 4
"""Tries over HTTP before the viewer asks over the socket."""

SPREAD_SECONDS = 0.5
"""Seconds within which a viewer reads a gap, at a random moment: thousands of viewers may miss the same frame."""

LONGEST_SECONDS = 8.0
"""The longest pause between two tries, in seconds."""

PAGES = 50
"""The most pages of the history that one repair reads: 10,000 events."""

Step = Literal["take", "pages", "ask"]


def delay(attempt: int, chance: float, spread: float = SPREAD_SECONDS) -> float:
    """Seconds to wait before attempt number ``attempt`` (from 1): full jitter, ``chance`` in [0, 1)."""
    return chance * min(LONGEST_SECONDS, spread * 4.0 ** (min(attempt, 30) - 1))


def backoff(attempt: int, chance: float, base: float = 0.25, cap: float = 30.0) -> float:
    """Seconds to wait after failed connection number ``attempt`` (from 1): full jitter, ``chance`` in [0, 1)."""
    return chance * min(cap, base * 2.0 ** min(attempt, 30))


def patience(silence: float, chance: float) -> float:
    """Seconds without a frame after which a viewer reads over HTTP: ``silence``, up to a quarter more or less.

    A goal ends the silence of all viewers at the same moment. Their next reads must not all come at one moment too.
    """
    return silence * (0.75 + chance / 2)


def looking(least: float, most: float, proven: float, chance: float) -> float:
    """Seconds without a frame of a match after which a viewer reads over HTTP whether it missed one.

    At first that is ``least``. On a connection that works it is ``proven``, the longest silence that a message has
    ended, but at most ``most``. Both are up to a quarter more or less: see ``patience``.
    """
    return patience(max(least, min(most, proven)), chance)


def quiet(least: float, proven: float, chance: float) -> float:
    """Seconds without a frame on a connection after which the viewer asks the server for a sign of life.

    At first that is ``least``, then twice ``proven``, the longest silence that a frame has ended; both are up to a
    quarter more or less. So a quiet connection that works gets a few such requests in all, and not some each minute.
    """
    return patience(max(least, proven * 2), chance)


def grace(first: float, mutes: int, most: float = 60.0) -> float:
    """Seconds that the first frame of a connection may take.

    The time doubles with each of the ``mutes`` connections in a row that opened and brought no frame, up to ``most``.
    So a server that is only slow does not get more and more requests.
    """
    return min(max(first, most), first * 2.0 ** min(mutes, 30))


def snapshot_path(follower: Follower) -> str:
    """The path of the snapshot since a follower's position, relative to the API's URL."""
    epoch = f"&epoch={follower.epoch}" if follower.epoch else ""
    return f"/matches/{follower.match}?after={follower.seq}{epoch}"


def history_path(follower: Follower) -> str:
    """The path of the next page of the history after a follower's position, relative to the API's URL."""
    return f"/matches/{follower.match}/events?after={follower.seq}"


def judge(follower: Follower, answer: RawFrame) -> Step:
    """The next step with a snapshot that came over HTTP.

    - ``take``: take it.
    - ``pages``: read pages of the history first, because the snapshot does not reach back to the follower.
    - ``ask``: ask over the socket, because the snapshot is not whole or is of another epoch. A snapshot over HTTP may
      be some seconds old and of the epoch before. Answers over the socket are never older than the request.
    """
    if not is_whole(answer) or answer["type"] != "snapshot" or answer["epoch"] != follower.epoch:
        return "ask"
    return "take" if follower.reaches(answer) else "pages"
