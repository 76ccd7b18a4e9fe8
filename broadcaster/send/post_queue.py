"""Pure: what is still to be posted, what is to be tried again and when, and what became of the rest.

A post has a bounded number of tries. Those that the account's throttle or an outage refused count little: then the pace
drops, and it takes time.

Viewers that read come first. Three rules keep slow viewers out of their way:

1. Further tries go before first tries only as far as they pass, and a few more (``EARLY``). The others wait until every
   row of the lap has had its first try. While the account throttles every second post may be a further try.
2. ``Rows`` gives viewers that failed in two broadcasts running last, with half of the tries (``LapRows``).
3. Such a viewer that fails once more has its connection closed: it comes back with an empty buffer, or not at all.

A viewer counts as slow only if each of its tries was answered 429 while the account did not throttle.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Protocol

from broadcaster.send.gateway_answers import Answer
from broadcaster.send.pacing import AnswerCounts, backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from broadcaster.send.pacing import Pace
    from broadcaster.send.signing import Signer

TRIES = 6
"""With full jitter between 0.05 and 2 s these take about two seconds: a slow viewer may have read on by then."""

FUTILE_TRIES = 3
"""Tries when further ones are known to be in vain: of ``FUTILE_FROM`` or more, less than ``FUTILE_SHARE`` passed."""

FUTILE_FROM, FUTILE_SHARE = 100, 0.05

MOST_ERRED = 20_000
"""Connections remembered of which a try met an error."""

EXCUSED = 0.125
"""The weight of a try that the account's throttle or an outage has refused. It says little about the viewer."""


EARLY = 20
EARLY_SHARE = 0.05
"""Further tries that go before first tries and do not pass: so many, and this share of what was accepted."""


class PreparedRequest:
    """The frame that one kind of follower is being sent. It may be replaced while posts go on."""

    __slots__ = ("closes", "frame", "sign")

    def __init__(self, frame: bytes, sign: Signer, *, closes: bool = False) -> None:
        self.frame = frame
        self.sign = sign
        """Makes the signed request for a connection id."""
        self.closes = closes
        """Whether the request is a DELETE that closes the connection, not a POST."""


Post = tuple[str, PreparedRequest, str, float]
"""One post: connection id, what it is told, the key of the row's shard, how many tries have failed.

A plain tuple, because one is made for each viewer: a named one costs three times as much to make.
"""


class Rows(Protocol):
    """Where posts come from."""

    def next_row(self) -> Post | None:
        """The next post, None if there is none at the moment."""

    @property
    def waiting(self) -> int:
        """About how many ``next_row`` has: at least 1 if it may have one, or finds out that there are no more."""

    @property
    def fresh(self) -> bool:
        """Whether ``next_row`` may have a viewer that is not known to be slow."""

    @property
    def exhausted(self) -> bool:
        """Whether there will be no more."""


@dataclass(slots=True)
class Tally:
    """The outcomes of the posts, and the answers to all tries."""

    accepted: int = 0
    failed: int = 0
    unreached: int = 0
    """Of the failed, those that the gateway's errors or broken connections kept from their viewers."""
    gone: int = 0
    throttled: int = 0
    """429."""
    again: int = 0
    """5xx and what is not known."""
    refused_again: int = 0
    """Those of both that were further tries."""
    accepted_again: int = 0
    """The accepted that were further tries."""
    closed: int = 0
    """Connections closed because their viewers took nothing in three broadcasts running."""
    lost: int = 0
    """Connections to the gateway that broke with a request on its way."""


class PostQueue:
    """The posts of one ``Gateway.deliver``. Times are seconds of the loop's clock.

    ``gone`` takes a post whose connection is gone. ``slow`` takes one whose viewer took nothing on any try, and returns
    the request that closes its connection if that is to be closed.
    """

    def __init__(
        self, rows: Rows, pace: Pace, *, until: float, gone: Callable[[Post], None], tally: Tally | None = None,
        slow: Callable[[Post], PreparedRequest | None] = lambda _: None, chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.rows = rows
        self.pace = pace
        self.until = until
        """No new post is taken from then on."""
        self.tally = tally or Tally()
        self._gone = gone
        self._slow = slow
        self._chance = chance
        self._later: list[tuple[float, int, Post, bool]] = []
        self._order = count()
        self._alternates = False
        self._erred: set[str] = set()
        """Connections of which a try met an error, not a 429: that says nothing of their viewers."""
        self._early = self._passed() - EARLY
        """Further tries that went before first tries, from where they may not go further than ``_passed``."""

    @property
    def later(self) -> int:
        """The number of posts that are to be tried again."""
        return len(self._later)

    def next_post(self, now: float) -> Post | None:
        """The next post that is due: what is to be tried again if it may go first, else a row's first try."""
        later = self._later
        if later and later[0][0] <= now:
            self._alternates = not self._alternates
            if not self.rows.fresh or now >= self.until or (self._alternates and self.pace.throttled):
                return heappop(later)[2]
            if self._early < self._passed():
                self._early += 1
                return heappop(later)[2]
        post = self.rows.next_row() if now < self.until else None
        # The last page may turn out to have no row left.
        return heappop(later)[2] if post is None and later and later[0][0] <= now else post

    def _passed(self) -> float:
        return self.tally.accepted_again + EARLY_SHARE * self.tally.accepted

    def waits(self, now: float) -> float | None:
        """Seconds until ``next_post`` has a post: 0 if it has one now, None if nobody knows."""
        if self.rows.waiting and now < self.until:
            return 0.0
        return max(0.0, self._later[0][0] - now) if self._later else None

    def ready(self, now: float) -> int:
        """About how many posts ``next_post`` has."""
        due = bool(self._later) and self._later[0][0] <= now
        return due + (self.rows.waiting if now < self.until else 0)

    def finished(self, now: float) -> bool:
        """Whether nothing is left but what is on its way."""
        return not self._later and (now >= self.until or self.rows.exhausted)

    def answered(self, post: Post, answer: Answer, now: float) -> None:
        """Take an answer that is not FORBIDDEN."""
        tally = self.tally
        if post[1].closes and answer in (Answer.CLOSED, Answer.ACCEPTED):
            tally.closed += 1  # Its rows go with $disconnect.
        elif answer is Answer.ACCEPTED:
            tally.accepted += 1
            tally.accepted_again += post[3] > 0
        elif answer is Answer.GONE:
            tally.gone += 1
            tally.failed -= post[1].closes  # It did not fail to read: it had left.
            self._gone(post)
        elif answer is Answer.REFUSED:
            tally.failed += not post[1].closes
        else:
            if answer is Answer.THROTTLED:
                tally.throttled += 1
            else:
                tally.again += 1
            tally.refused_again += post[3] > 0
            counts = 1 if self.pace.tells_slow(now) else EXCUSED
            self._again(post, now, counts, unreached=answer is not Answer.THROTTLED)

    def lost(self, post: Post, now: float, *, idle: bool) -> None:
        """The connection broke before the answer.

        ``idle``: it had answered before, so it may just have been too old. That is held against nobody.
        """
        self.tally.lost += 1
        self._again(post, now, 0 if idle else 1, unreached=True, at_once=idle)

    def adjust_pace(self, now: float) -> None:
        """Let the pace judge what has been answered."""
        tally = self.tally
        taken = tally.accepted + tally.gone - tally.accepted_again
        refused = tally.throttled + tally.again - tally.refused_again
        self.pace.adjust(AnswerCounts(taken, refused, tally.accepted_again, tally.refused_again), now)

    def try_now(self, posts: Iterable[Post], now: float) -> None:
        """Take posts beside those that ``rows`` gives."""
        for post in posts:
            heappush(self._later, (now, next(self._order), post, False))

    def give_up(self) -> None:
        """Time is up: what was to be tried again has failed."""
        posts = [(post, unreached) for _, _, post, unreached in self._later if not post[1].closes]
        self.tally.failed += len(posts)
        self.tally.unreached += sum(unreached for _, unreached in posts)
        self._later.clear()

    def _are_in_vain(self, now: float) -> bool:
        tally = self.tally
        again = tally.accepted_again + tally.refused_again
        return again >= FUTILE_FROM and tally.accepted_again < FUTILE_SHARE * again and self.pace.tells_slow(now)

    def _again(self, post: Post, now: float, counts: float, *, unreached: bool, at_once: bool = False) -> None:
        connection, request, pk, tries = post
        tries += counts
        if unreached and len(self._erred) < MOST_ERRED:
            self._erred.add(connection)
        if tries >= TRIES or (tries >= FUTILE_TRIES and self._are_in_vain(now)):
            if request.closes:
                return  # It stays open, and the next broadcast tries again.
            self.tally.failed += 1
            self.tally.unreached += unreached
            is_slow = not unreached and connection not in self._erred and self.pace.tells_slow(now)
            if is_slow and (closing := self._slow(post)) is not None:
                heappush(self._later, (now, next(self._order), (connection, closing, pk, 0), False))
            return
        # A post that a throttle has refused waits the longest, because there will be more room later.
        attempt = TRIES if counts == EXCUSED else int(tries) + 1
        wait = 0.0 if at_once else backoff(attempt, self._chance())
        heappush(self._later, (now + wait, next(self._order), (connection, request, pk, tries), unreached))
