"""Pure: the seconds in which the senders of one cell send a frame to the viewers of a match.

``forecast/agreement.py`` compares them with the simulation, in which the senders themselves run.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING

from broadcaster.control.rate_share import RateShare, share
from broadcaster.send.pacing import BURST_SECONDS
from broadcaster.send.polls import POLL_SECONDS
from forecast.account import CONNECTIONS, MOST_OPENING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP_S, STEPS = 0.005, 200
"""Seconds of a step of a sender's beginning. After so many steps it has as many connections as it needs."""

STEPS_WITH_POLLS = 600
"""This many steps are counted singly if a sender's rate changes at its polls, because that counts in a short batch."""

FIRST_POLL_SECONDS = 0.05
"""Seconds from a sender's first page to its first poll; a test compares them with the sender's."""


class Polls:
    """The rate of one sender by its polls.

    While ``rivals`` other matches like its own have the same goal, each match begins with an equal part. The senders
    announce their remaining posts at their polls. A match whose rivals need less than an equal part gets what they
    leave (``broadcaster.control.rate_share``). The senders of a match that are done leave their part to the others.
    """

    def __init__(
        self,
        rate: float,
        senders: int,
        call_s: float,
        *,
        rivals: int = 0,
        others: int = 0,
        more: int = 0,
        done_at: float = float("inf"),
    ) -> None:
        """``rate``: POSTs a second of all senders of its match, at an equal part. ``call_s``: seconds of a call.

        ``others``: senders of its match whose batches have ``more`` rows than its own, or fewer if that is below 0.
        They have announced their end at ``done_at`` seconds.
        """
        self._rivals = rivals
        self._senders = senders
        self._others, self._more, self._done_at = frozenset(range(senders - others, senders)), more, done_at
        self._cell_rate = rate * (rivals + 1)
        self._call_s = call_s
        self._poll_at = FIRST_POLL_SECONDS + call_s
        self._known_from = float("inf")
        self._announced: int | None = None
        self.rate = rate / senders
        self.knows_done = False
        """Whether a poll has shown that the other senders are done."""

    def poll(self, at: float, left: int) -> bool:
        """Poll if it is time at ``at`` seconds, when the batch has ``left`` posts; returns whether the rate changed."""
        at += 1e-9
        if at < self._poll_at or left == 0:
            return False
        before, announced = self.rate, self._announced
        self.rate = self._share(announced or 0, at)
        self._poll_at += POLL_SECONDS + self._call_s
        if announced is None or left <= announced / 2:
            self._known_from = min(self._known_from, at + self._call_s + POLL_SECONDS)
            self._announced = left
            self._poll_at += self._call_s
        return self.rate != before

    def _share(self, announced: int, at: float) -> float:
        done = self._others if at >= self._done_at else frozenset()
        self.knows_done = bool(done)
        left = dict.fromkeys(range(self._senders), announced) | dict.fromkeys(
            self._others, max(0, announced + self._more)
        )
        rows = [RateShare(str(each), "", self._senders, done, 1, left) for each in range(self._rivals + 1)]
        return share(rows, "0", self._senders, self._cell_rate, 0.0, announced=at >= self._known_from)


class SenderCurve:
    """The POSTs of one sender by time, from its first page on.

    The sender opens at most 32 connections at a time, 400 in all, and has one request on its way on each. Its bucket
    begins with the burst of a tenth of a second. After ``STEPS`` steps it sends evenly.
    """

    def __init__(self, rows: int, rate: float, open_s: float, post_s: float, polls: Polls | None = None) -> None:
        """``rows``: of its batch. ``rate``: POSTs a second of its part of the send rate."""
        self.rows = rows
        self.most = CONNECTIONS / post_s
        """POSTs a second that its connections carry."""
        self._sent = list(accumulate(_posts_of_steps(rows, rate, open_s, post_s, polls)))
        self._rate = min(rate if polls is None else polls.rate, self.most)
        self._even_from = (len(self._sent) - 1) * STEP_S
        self.outlasts_steps = self._sent[-1] < rows
        """Whether posts are left after the steps that are counted singly."""

    def seconds(self, posts: int) -> float:
        """Seconds until so many posts have left."""
        if posts <= self._sent[-1]:
            return bisect_left(self._sent, posts) * STEP_S
        return self._even_from + (posts - self._sent[-1]) / self._rate

    def posts(self, seconds: float) -> float:
        """Posts that have left after so many seconds."""
        step = int(seconds / STEP_S)
        if step < len(self._sent) - 1:
            return self._sent[step]
        return min(self.rows, self._sent[-1] + (seconds - self._even_from) * self._rate)


def _posts_of_steps(rows: int, rate: float, open_s: float, post_s: float, polls: Polls | None) -> list[int]:
    """The posts that leave in each step of the beginning."""
    steps = STEPS if polls is None else STEPS_WITH_POLLS
    opens, answers = (max(1, round(each / STEP_S)) for each in (open_s, post_s))
    burst = max(1.0, rate * BURST_SECONDS)
    tokens, idle, opened, opening, left = burst, 0, 0, 0, rows
    ready, fresh, posts = [0] * (steps + answers), [0] * (steps + opens), []
    for step in range(steps):
        if polls is not None and polls.poll(step * STEP_S, left):
            rate, burst = polls.rate, max(1.0, polls.rate * BURST_SECONDS)
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
    batches: Sequence[int], rate: float, *, open_s: float, post_s: float, call_s: float, rivals: int = 0
) -> tuple[float, float, float]:
    """Seconds from the senders' first pages until the first, the middle and the last POST of all ``batches``.

    ``batches``: the rows of each. ``rate``: POSTs a second of all together. A sender whose batch is done leaves its
    part to the others, who learn that at their next poll. ``rivals``: other matches like this one with a goal at the
    same moment.
    """
    senders, sizes = len(batches), sorted(batches)
    part = rate / senders
    smaller = [each for each in sizes if each < sizes[-1]]
    if not smaller:
        polls = Polls(rate, senders, call_s, rivals=rivals) if rivals else None
        largest = SenderCurve(sizes[-1], part, open_s, post_s, polls)
        return largest.seconds(1), largest.seconds(ceil(sum(sizes) / senders / 2)), largest.seconds(sizes[-1])
    more, largest_ones = sizes[-1] - smaller[-1], senders - len(smaller)
    polls = Polls(rate, senders, call_s, rivals=rivals, others=largest_ones, more=more) if rivals else None
    sent_at = SenderCurve(smaller[-1], part, open_s, post_s, polls).seconds(smaller[-1])
    # The rest of the step, the answer to the last POST, and the call that announces the end.
    done_at = sent_at + STEP_S + post_s + call_s
    found = []
    # A poll at about that moment may come before or after it: the mean of both.
    for at in (done_at - STEP_S, done_at + STEP_S):
        polls = Polls(rate, senders, call_s, rivals=rivals, others=len(smaller), more=-more, done_at=at)
        largest = SenderCurve(sizes[-1], part, open_s, post_s, polls)
        last = largest.seconds(sizes[-1])
        # Half the time between two polls, and the call that reads.
        learnt = at + POLL_SECONDS / 2 + call_s
        if not polls.knows_done and largest.outlasts_steps and learnt < last:
            faster = min(rate / largest_ones, largest.most)
            last = learnt + (sizes[-1] - largest.posts(learnt)) / faster
        found.append((largest.seconds(1), largest.seconds(ceil(sum(sizes) / senders / 2)), last))
    (first, middle, one), (_, _, other) = found
    return first, middle, (one + other) / 2
