"""Pure: how fast to send, and how long to wait before trying again."""

from __future__ import annotations

BURST_SECONDS = 0.1
"""A sender that was held up may catch up on so much of its rate at once."""

WINDOW_SECONDS = 0.25
"""Over so long the answers are counted before the pace is judged."""

THROTTLE_SHARE = 0.05
"""More 429 than this among a window's answers, and it is the account's throttle. Fewer are slow viewers, whose own
buffers are full."""

FEW = 20
"""With fewer answers in a window its share says nothing."""

SLOWEST = 0.05
RECOVERY = 0.1
"""Of the full pace: how far down it goes, and how much of it comes back with a window without a throttle."""


class TokenBucket:
    """Requests at ``rate`` a second, with a burst after a pause. Times are seconds of one clock."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now
        self.spent = 0
        """Requests that have gone since the beginning."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self._rate

    def change(self, rate: float, burst: float, now: float) -> None:
        """Go on at another rate; what has been earned so far stays, up to the burst."""
        self.tokens(now)
        self._rate, self._burst = rate, burst
        self._tokens = min(self._tokens, burst)

    def tokens(self, now: float) -> int:
        """How many requests may go at once."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return int(self._tokens)

    def spend(self, count: int) -> None:
        """``count`` requests have gone."""
        self._tokens -= count
        self.spent += count

    def wait(self) -> float:
        """Seconds from the last look until there is a token."""
        return max(0.0, (1.0 - self._tokens) / self._rate)


class Pace:
    """A sender's share of the send budget, less while the account throttles.

    A 429 means either the account's throttle or one slow viewer's full buffer (the answer does not say which;
    apigateway/latest/developerguide/limits.html). Which it is shows in the share that they have of a window's answers
    to first tries. What is tried again is left out: at the end of a lap only the slow viewers are left.
    """

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._earned = 0.0
        self._shared_from = now
        self._factor = 1.0
        self._window_from = now
        self._counted = (0, 0, 0)
        self.throttled = False
        """Whether the last window said that the account throttles."""
        self.bucket = TokenBucket(share, self._burst(), now)

    def share(self, rate: float, now: float) -> None:
        """Another share of the budget, in requests a second."""
        if rate != self._share:
            self._earned, self._shared_from = self.earned(now), now
            self._share = rate
            self._apply(now)

    def earned(self, now: float) -> float:
        """Requests that the shares since the beginning came to, throttled or not, and without a burst."""
        return self._earned + (now - self._shared_from) * self._share

    def look(self, taken: int, refused: int, refused_again: int, now: float) -> None:
        """Judge a window, if it is over.

        All of these count from the beginning of the send: posts that were taken for good or bad, first tries that were
        refused, and further tries that were.
        """
        if now - self._window_from < WINDOW_SECONDS:
            return
        counted = (taken, refused, refused_again)
        taken, refused, refused_again = (now - before for now, before in zip(counted, self._counted, strict=True))
        first, every = taken + refused, taken + refused + refused_again
        if first >= FEW:
            self.throttled = refused / first > THROTTLE_SHARE
        elif self.throttled:
            self.throttled = every > 0 and (refused + refused_again) / every > THROTTLE_SHARE
        if self.throttled:
            self._factor = max(SLOWEST, self._factor * max(0.5, taken / max(1, every)))
        else:
            self._factor = min(1.0, self._factor + RECOVERY)
        self._window_from, self._counted = now, counted
        self._apply(now)

    def _apply(self, now: float) -> None:
        self.bucket.change(self._share * self._factor, self._burst(), now)

    def _burst(self) -> float:
        return max(1.0, self._share * self._factor * BURST_SECONDS)


def backoff(attempt: int, chance: float, base: float = 0.05, cap: float = 2.0) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (from 1): full jitter, ``chance`` being in [0, 1)."""
    return chance * min(cap, base * 2.0**attempt)
