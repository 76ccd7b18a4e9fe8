"""Pure: how fast to send, and how long to wait before trying again."""

from __future__ import annotations


class TokenBucket:
    """Requests at ``rate`` a second, with a burst after a pause.

    Tokens may go below zero: each caller is told how long to wait for the token it has just taken, so that any number
    of callers line up without a lock.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one token; returns the seconds to wait before using it, 0 if at once."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate)


def backoff(attempt: int, chance: float, base: float = 0.05, cap: float = 2.0) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (from 1): full jitter, ``chance`` being in [0, 1)."""
    return chance * min(cap, base * 2.0**attempt)
