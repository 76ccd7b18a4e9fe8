"""Pure: the seconds in which the senders of one cell send a frame to the viewers of a match.

``forecast/agreement.py`` compares them with the simulation, in which the senders themselves run.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING

from broadcaster.send.pacing import BURST_SECONDS
from broadcaster.send.polls import POLL_SECONDS
from forecast.account import CONNECTIONS, MOST_OPENING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP_S, STEPS = 0.005, 200
"""Seconds of a step of a sender's beginning. After so many steps it has as many connections as it needs."""


class SenderCurve:
    """The POSTs of one sender by time, from its first page on.

    The sender opens at most 32 connections at a time, 400 in all, and has one request on its way on each. Its bucket
    begins with the burst of a tenth of a second. After ``STEPS`` steps it sends evenly.
    """

    def __init__(self, rows: int, rate: float, open_s: float, post_s: float) -> None:
        """``rows``: of its batch. ``rate``: POSTs a second of its part of the send rate."""
        self.rows = rows
        self.most = CONNECTIONS / post_s
        """POSTs a second that its connections carry."""
        self._rate = min(rate, self.most)
        self._sent = list(accumulate(_posts_of_steps(rows, rate, open_s, post_s)))

    def seconds(self, posts: int) -> float:
        """Seconds until so many posts have left."""
        if posts <= self._sent[-1]:
            return bisect_left(self._sent, posts) * STEP_S
        return (STEPS - 1) * STEP_S + (posts - self._sent[-1]) / self._rate

    def posts(self, seconds: float) -> float:
        """Posts that have left after so many seconds."""
        step = int(seconds / STEP_S)
        if step < STEPS - 1:
            return self._sent[step]
        return min(self.rows, self._sent[-1] + (seconds - (STEPS - 1) * STEP_S) * self._rate)


def _posts_of_steps(rows: int, rate: float, open_s: float, post_s: float) -> list[int]:
    """The posts that leave in each step of the beginning."""
    opens, answers = (max(1, round(each / STEP_S)) for each in (open_s, post_s))
    burst = max(1.0, rate * BURST_SECONDS)
    tokens, idle, opened, opening, left = burst, 0, 0, 0, rows
    ready, fresh, posts = [0] * (STEPS + answers), [0] * (STEPS + opens), []
    for step in range(STEPS):
        tokens = min(burst, tokens + rate * STEP_S)
        idle, opening, opened = idle + fresh[step] + ready[step], opening - fresh[step], opened + fresh[step]
        now = min(idle, int(tokens), left)
        left, idle, tokens = left - now, idle - now, tokens - now
        ready[step + answers] = now
        posts.append(now)
        if idle == 0 and tokens >= 1:
            more = min(MOST_OPENING - opening, CONNECTIONS - opened - opening, int(tokens), left - opening)
            fresh[step + opens] = max(0, more)
            opening += max(0, more)
    return posts


def batch_seconds(
    batches: Sequence[int], rate: float, *, open_s: float, post_s: float, call_s: float
) -> tuple[float, float, float]:
    """Seconds from the senders' first pages until the first, the middle and the last POST of all ``batches``.

    ``batches``: the rows of each. ``rate``: POSTs a second of all together. A sender whose batch is done leaves its
    part to the others, who learn that at their next poll.
    """
    share, sizes = rate / len(batches), sorted(batches)
    largest = SenderCurve(sizes[-1], share, open_s, post_s)
    first, middle = largest.seconds(1), largest.seconds(ceil(sum(sizes) / len(sizes) / 2))
    alone = largest.seconds(sizes[-1])
    smaller = [each for each in sizes if each < sizes[-1]]
    if smaller:
        # Half the time between two polls, the answer to the last POST, and the calls that announce and read.
        learnt = largest.seconds(smaller[-1]) + post_s + POLL_SECONDS / 2 + 2 * call_s
        if learnt < alone:
            faster = min(rate / (len(sizes) - len(smaller)), largest.most)
            return first, middle, learnt + (sizes[-1] - largest.posts(learnt)) / faster
    return first, middle, alone
