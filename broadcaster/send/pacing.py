"""Pure: how fast to send, and how long to wait before trying again."""

from __future__ import annotations

from dataclasses import astuple, dataclass

BURST_SECONDS = 0.1
"""A sender that was held up may catch up on this many seconds of its rate at once."""

WINDOW_SECONDS = 0.25
"""Seconds that a window of answers lasts at least."""

LONGEST_WINDOW = 2.0
"""Seconds after which a window ends, even with few answers."""

FEW = 20
"""With fewer answers to first tries in a window, the share of refused tries says nothing."""

THROTTLE_SHARE = 0.05
"""The account throttles if it refuses a larger share of the tries than this."""

THROTTLED_ABOVE = 0.5
"""If a larger share of the first tries is refused, the account throttles, whatever the second tries say."""

MEMORY = 0.75
"""Weight of the sums of earlier windows when the next window is added."""

SLOWEST = 0.05
RECOVERY = 0.1
"""Parts of the full pace: the lowest pace, and the gain of each window without a throttle."""

PATIENCE_WINDOWS = 6
"""Windows in which a lower pace has to lower the share of refused tries. They are enough to halve the pace down to
``SLOWEST``."""

HELPS = 0.5
"""A lower pace helps if the share of refused tries (429 and 5xx) falls to this part of the share before."""

HELPED_WINDOWS = 40
"""Further windows that a lower pace has after it has helped."""

TRUST_SECONDS = 10.0
"""Seconds for which the pace stays full after a lower pace did not help."""


class TokenBucket:
    """Requests at ``rate`` a second, with a burst after a pause. Times are seconds of one clock."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now
        self.spent = 0
        """Requests sent since the beginning."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self._rate

    def change(self, rate: float, burst: float, now: float) -> None:
        """Go on at another rate. The tokens so far stay, up to the burst."""
        self.tokens(now)
        self._rate, self._burst = rate, burst
        self._tokens = min(self._tokens, burst)

    def tokens(self, now: float) -> int:
        """The number of requests that may be sent now."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return int(self._tokens)

    def spend(self, count: int) -> None:
        """``count`` requests have been sent."""
        self._tokens -= count
        self.spent += count

    def wait(self) -> float:
        """Seconds from the last call of ``tokens`` until there is a token."""
        return max(0.0, (1.0 - self._tokens) / self._rate)


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Numbers of answers to first tries and to further tries. Passes: 200 and 410. Refusals: 429 and 5xx."""

    first_passes: float = 0
    first_refusals: float = 0
    further_passes: float = 0
    further_refusals: float = 0

    def since(self, before: AnswerCounts) -> AnswerCounts:
        """The answers since ``before``."""
        return AnswerCounts(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))

    def after(self, before: AnswerCounts) -> AnswerCounts:
        """These answers and, with less weight, the answers of the windows ``before``."""
        return AnswerCounts(*(now + MEMORY * then for now, then in zip(astuple(self), astuple(before), strict=True)))

    @property
    def first_answers(self) -> float:
        """Answers to first tries."""
        return self.first_passes + self.first_refusals

    @property
    def all_answers(self) -> float:
        """All answers."""
        return self.first_answers + self.further_passes + self.further_refusals

    @property
    def refused_share(self) -> float:
        """The share of first tries that was refused."""
        return self.first_refusals / self.first_answers if self.first_answers else 0.0

    @property
    def throttle_share(self) -> float:
        """The estimated share of all tries that the account refuses.

        Let f be the share of slow viewers, who refuse nearly every try. Let a be the share of tries that the account
        refuses, first and further ones alike. First tries pass with (1 - f)(1 - a). Of the viewers whose first try was
        refused, (1 - f)a / (share refused) are not slow, and their second tries pass with 1 - a. So
        a = (refusals / passes of first tries) * (share of further tries that pass).

        Without further tries, every refusal counts as the account's. If that is wrong, one window is too slow; the
        opposite mistake would be a storm. The same holds if most first tries are refused: few matches have more slow
        viewers than others.
        """
        further = self.further_passes + self.further_refusals
        if further < 1 or self.refused_share > THROTTLED_ABOVE:
            return self.refused_share
        return self.first_refusals / max(1.0, self.first_passes) * self.further_passes / further


class Pace:
    """A sender's part of the send rate, less while the account throttles.

    A 429 means either the account's throttle or one slow viewer's full buffer (the answer does not say which;
    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
    ``AnswerCounts.throttle_share`` tells the two apart by second tries. Viewers that read only at times may still look
    like a throttle of the account. So the pace becomes full again if a lower pace does not lower the share of refused
    tries.
    """

    def __init__(self, rate: float, now: float) -> None:
        """``rate``: requests a second of the batch's part of the send rate."""
        self._rate = rate
        self._earned = 0.0
        self._rate_from = now
        self._factor = 1.0
        self._window_from = now
        self._counted = AnswerCounts()
        self._recent = AnswerCounts()
        self._lowered: tuple[float, int] | None = None
        """The share of refused tries when the pace was lowered, and the windows since (below 0 after it has helped)."""
        self._trusted_until = now
        self.throttled = False
        """Whether the account throttles, by the last window."""
        self.bucket = TokenBucket(rate, self._burst(), now)

    def set_rate(self, rate: float, now: float) -> None:
        """Set another part of the send rate, in requests a second."""
        if rate != self._rate:
            self._earned, self._rate_from = self.earned(now), now
            self._rate = rate
            self._apply(now)

    def earned(self, now: float) -> float:
        """Requests that the allotted rate has permitted so far, ignoring throttling and bursts."""
        return self._earned + (now - self._rate_from) * self._rate

    def adjust(self, answers: AnswerCounts, now: float) -> None:
        """Adjust the pace to a window, if the window is over. ``answers`` count from the beginning of the laps."""
        window, lasted = answers.since(self._counted), now - self._window_from
        if lasted < WINDOW_SECONDS:
            return
        if window.first_answers < FEW and not self.throttled and lasted < LONGEST_WINDOW:
            return
        self._recent, was_throttled = window.after(self._recent), self.throttled
        self.throttled = self._recent.throttle_share > THROTTLE_SHARE
        if window.first_answers < FEW:
            # Almost only further tries are left. No throttle can begin now, and one that lasts is over when they pass.
            are_refused = window.first_refusals + window.further_refusals > THROTTLE_SHARE * window.all_answers
            self.throttled = self.throttled and was_throttled and are_refused
        self._judge(window, now)
        self._window_from, self._counted = now, answers
        self._apply(now)

    def tells_slow(self, now: float) -> bool:
        """Whether a refusal now means that the viewer is slow: not while the account throttles, or may throttle."""
        return not self.throttled and now >= self._trusted_until

    def _judge(self, window: AnswerCounts, now: float) -> None:
        if self.throttled and now < self._trusted_until:
            self.throttled = False
        if not self.throttled:
            self._lowered = None
            self._factor = min(1.0, self._factor + RECOVERY)
            return
        refused_part = (window.first_refusals + window.further_refusals) / max(1.0, window.all_answers)
        before, windows = self._lowered or (refused_part, 0)
        if refused_part <= HELPS * before:
            # The lower pace helps, so the account throttles. At the slowest pace the part may not fall further.
            windows = -HELPED_WINDOWS
        elif windows >= PATIENCE_WINDOWS and refused_part < 1.0:
            # The lower pace did not help: these viewers cannot take more. If nothing passes at all (a part of 1), the
            # account throttles all the same.
            self._trusted_until, self._lowered, self._factor, self.throttled = now + TRUST_SECONDS, None, 1.0, False
            return
        self._lowered = (before, windows + 1)
        self._factor = max(SLOWEST, self._factor * max(0.5, 1.0 - window.throttle_share))

    def _apply(self, now: float) -> None:
        self.bucket.change(self._rate * self._factor, self._burst(), now)

    def _burst(self) -> float:
        return max(1.0, self._rate * self._factor * BURST_SECONDS)


def backoff(attempt: int, chance: float, base: float = 0.05, cap: float = 2.0) -> float:
    """Seconds to wait after the failed attempt number ``attempt`` (from 1), with full jitter: ``chance`` in [0, 1)."""
    return chance * min(cap, base * 2.0 ** min(attempt, 30))
