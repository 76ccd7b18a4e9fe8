"""Pure: the posts of one lap, their order, their tries, and their outcomes.

A post has a bounded number of tries. A try that the account's throttle or an outage refused counts little: the pace
drops then, and the post waits longer.

Viewers that read come first. Three rules keep slow viewers out of their way:

1. Of the further tries, as many go before first tries as further tries were accepted, plus 20 (``EARLY``) and 5 % of
   all accepted posts. The other further tries wait until every row of the lap has had its first try. While the account
   throttles, every second post may be a further try.
2. ``Rows`` gives last the rows of viewers that took no frame in two successive broadcasts; they have half of the tries
   (``LapRows``).
3. If such a viewer fails once more, its connection is closed. The client comes back with an empty buffer, or not at
   all.

A viewer counts as slow if its tries are used up, no try met an error, and the account did not throttle at the last
refusal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
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
"""With full jitter between 0.05 and 2 s the tries take about two seconds. A slow viewer may have read on by then."""

FUTILE_TRIES = 3
"""Tries of a post while further tries are in vain: of ``FUTILE_FROM`` or more, less than ``FUTILE_SHARE`` passed."""

FUTILE_FROM, FUTILE_SHARE = 100, 0.05

MOST_ERRORED = 20_000
"""The most connections of which the queue remembers that a try met an error."""

EXCUSED = 0.125
"""The weight of a try that the account's throttle or an outage has refused: it says little about the viewer."""


EARLY = 20
EARLY_SHARE = 0.05
"""The further tries that may go before first tries although none passes: ``EARLY``, and this share of all accepted."""


class PreparedRequest:
    """A frame and its signer, for one kind of follower. Both may be replaced while posts go on."""

    __slots__ = ("closes", "frame", "sign")

    def __init__(self, frame: bytes, sign: Signer, *, closes: bool = False) -> None:
        self.frame = frame
        self.sign = sign
        """Returns the bytes of the signed request for a connection id."""
        self.closes = closes
        """Whether the request is a DELETE that closes the connection, not a POST."""


Post = tuple[str, PreparedRequest, str, float]
"""One post: connection id, request, partition key of the row's shard, weight of its failed tries (see ``EXCUSED``).

A plain tuple, because one is made for each viewer: a named tuple costs three times as much to make.
"""


class Rows(Protocol):
    """The rows of a lap, each as its first post."""

    def next_row(self) -> Post | None:
        """The post of the next row, None if no row is there at the moment."""

    @property
    def waiting_rows(self) -> int:
        """About how many rows are there: at least 1 if ``next_row`` may have one, or would find the end of the lap."""

    @property
    def fresh(self) -> bool:
        """Whether ``next_row`` may have the row of a viewer that is not known to be slow."""

    @property
    def exhausted(self) -> bool:
        """Whether no more rows will come."""


@dataclass(slots=True)
class Tally:
    """The outcomes of the posts, and the answers to all tries."""

    accepted_posts: int = 0
    """Answers 200."""
    failed_posts: int = 0
    """Posts that have no further try, and were neither accepted nor answered with 410."""
    outage_posts: int = 0
    """The failed posts that errors of the gateway or broken connections kept from their viewers."""
    gone_connections: int = 0
    """Connections that the gateway does not know (410, or 400 for the id)."""
    throttled_tries: int = 0
    """Answers 429."""
    errored_tries: int = 0
    """Answers 5xx, and unknown answers."""
    refused_further_tries: int = 0
    """The further tries in ``throttled_tries`` and ``errored_tries``."""
    accepted_further_tries: int = 0
    """The further tries in ``accepted_posts``."""
    closed_connections: int = 0
    """Connections closed because their viewers took no frame in three successive broadcasts."""
    broken_connections: int = 0
    """Connections to the gateway that broke with a request on its way."""
    first_post: float | None = field(default=None, compare=False)
    """When the first request was sent (loop's clock); None before it."""


class PostQueue:
    """The posts of one ``Gateway.deliver``. Times are seconds of the loop's clock.

    ``on_gone`` is called with a post whose connection is gone. ``on_slow`` is called with a post whose viewer took no
    frame on any try; it returns the request that closes the viewer's connection, or None to leave the connection open.
    """

    def __init__(
        self, rows: Rows, pace: Pace, *, until: float, on_gone: Callable[[Post], None], tally: Tally | None = None,
        on_slow: Callable[[Post], PreparedRequest | None] = lambda _: None, chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.rows = rows
        self.pace = pace
        self.until = until
        """No row is handed out from this time on."""
        self.tally = tally or Tally()
        self._on_gone = on_gone
        self._on_slow = on_slow
        self._chance = chance
        self._further_tries: list[tuple[float, int, Post, bool]] = []
        self._order = count()
        self._alternates = False
        self._errored_connections: set[str] = set()
        """Connections of which a try met an error instead of a 429. An error says nothing about the viewer."""
        self._early_tries = self._early_limit() - EARLY
        """Further tries that went before first tries, less ``EARLY``. It may not grow beyond ``_early_limit``."""

    @property
    def further_tries(self) -> int:
        """The number of posts that are to be tried again."""
        return len(self._further_tries)

    def next_post(self, now: float) -> Post | None:
        """The next post that is due: a further try if that may go first, else the first try of the next row."""
        further_tries = self._further_tries
        if further_tries and further_tries[0][0] <= now:
            self._alternates = not self._alternates
            if not self.rows.fresh or now >= self.until or (self._alternates and self.pace.throttled):
                return heappop(further_tries)[2]
            if self._early_tries < self._early_limit():
                self._early_tries += 1
                return heappop(further_tries)[2]
        post = self.rows.next_row() if now < self.until else None
        # No row was left after all: a further try goes.
        return heappop(further_tries)[2] if post is None and further_tries and further_tries[0][0] <= now else post

    def _early_limit(self) -> float:
        return self.tally.accepted_further_tries + EARLY_SHARE * self.tally.accepted_posts

    def waits(self, now: float) -> float | None:
        """Seconds until ``next_post`` has a post: 0 if it has one now, None if that is not known."""
        if self.rows.waiting_rows and now < self.until:
            return 0.0
        return max(0.0, self._further_tries[0][0] - now) if self._further_tries else None

    def due_posts(self, now: float) -> int:
        """About how many posts are due."""
        due = bool(self._further_tries) and self._further_tries[0][0] <= now
        return due + (self.rows.waiting_rows if now < self.until else 0)

    def finished(self, now: float) -> bool:
        """Whether no post is left, except the posts on their way."""
        return not self._further_tries and (now >= self.until or self.rows.exhausted)

    def answered(self, post: Post, answer: Answer, now: float) -> None:
        """Note the answer to a post, any answer but FORBIDDEN."""
        tally = self.tally
        if post[1].closes and answer in (Answer.CLOSED, Answer.ACCEPTED):
            tally.closed_connections += 1  # $disconnect deletes its rows.
        elif answer is Answer.ACCEPTED:
            tally.accepted_posts += 1
            tally.accepted_further_tries += post[3] > 0
        elif answer is Answer.GONE:
            tally.gone_connections += 1
            tally.failed_posts -= post[1].closes  # The viewer was not slow: it had left.
            self._on_gone(post)
        elif answer is Answer.REFUSED:
            tally.failed_posts += not post[1].closes
        else:
            if answer is Answer.THROTTLED:
                tally.throttled_tries += 1
            else:
                tally.errored_tries += 1
            tally.refused_further_tries += post[3] > 0
            counts = 1 if self.pace.tells_slow(now) else EXCUSED
            self._try_again(post, now, counts, met_outage=answer is not Answer.THROTTLED)

    def connection_broke(self, post: Post, now: float, *, was_reused: bool) -> None:
        """The connection broke before the answer came.

        ``was_reused``: the connection had answered an earlier request, so it may just have been too old. Then the try
        does not count.
        """
        self.tally.broken_connections += 1
        self._try_again(post, now, 0 if was_reused else 1, met_outage=True, at_once=was_reused)

    def adjust_pace(self, now: float) -> None:
        """Adjust the pace to the answers so far."""
        tally = self.tally
        passes = tally.accepted_posts + tally.gone_connections - tally.accepted_further_tries
        refusals = tally.throttled_tries + tally.errored_tries - tally.refused_further_tries
        further_passes, further_refusals = tally.accepted_further_tries, tally.refused_further_tries
        self.pace.adjust(AnswerCounts(passes, refusals, further_passes, further_refusals), now)

    def try_now(self, posts: Iterable[Post], now: float) -> None:
        """Add posts that are due at once, beside the posts that ``rows`` gives."""
        for post in posts:
            heappush(self._further_tries, (now, next(self._order), post, False))

    def give_up(self) -> None:
        """The time is up: the posts that wait for a further try have failed."""
        posts = [(post, met_outage) for _, _, post, met_outage in self._further_tries if not post[1].closes]
        self.tally.failed_posts += len(posts)
        self.tally.outage_posts += sum(met_outage for _, met_outage in posts)
        self._further_tries.clear()

    def _are_in_vain(self, now: float) -> bool:
        tally = self.tally
        passes = tally.accepted_further_tries
        further_tries = passes + tally.refused_further_tries
        return further_tries >= FUTILE_FROM and passes < FUTILE_SHARE * further_tries and self.pace.tells_slow(now)

    def _try_again(self, post: Post, now: float, counts: float, *, met_outage: bool, at_once: bool = False) -> None:
        connection, request, pk, tries = post
        tries += counts
        if met_outage and len(self._errored_connections) < MOST_ERRORED:
            self._errored_connections.add(connection)
        if tries >= TRIES or (tries >= FUTILE_TRIES and self._are_in_vain(now)):
            if request.closes:
                return  # The connection stays open, and the next broadcast tries again.
            self.tally.failed_posts += 1
            self.tally.outage_posts += met_outage
            is_slow = not met_outage and connection not in self._errored_connections and self.pace.tells_slow(now)
            if is_slow and (closing := self._on_slow(post)) is not None:
                heappush(self._further_tries, (now, next(self._order), (connection, closing, pk, 0), False))
            return
        # A post that a throttle has refused waits longest, because the account has more room later.
        attempt = TRIES if counts == EXCUSED else int(tries) + 1
        wait = 0.0 if at_once else backoff(attempt, self._chance())
        heappush(self._further_tries, (now + wait, next(self._order), (connection, request, pk, tries), met_outage))
