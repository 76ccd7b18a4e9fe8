"""Pure: API Gateway's limits, their changes at run time, and the token bucket of each rate."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from runtime.errors import ProgramError


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the stand-in. The defaults are AWS's for a new account, if AWS publishes them.

    Sources: "limits" is
    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html,
    "websocket" is
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html,
    both of the
    API Gateway developer guide.
    """

    account_rate: float = 10_000
    """POSTs and viewers' messages a second in all (limits). 0 with a burst of 0 refuses everything, like a stage whose
    ``default_route_settings`` have no throttle (terraform-provider-aws#14742)."""

    account_burst: float = 5_000
    """Size of that bucket (limits)."""

    stage_rate: float = 0
    """POSTs a second that pass the stage's default throttle. 0 with a burst of 0: POSTs do not count against it.
    AWS does not document whether they do
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html)."""

    stage_burst: float = 0
    """Size of that bucket."""

    connects_per_second: float = 500
    """New connections a second; the bucket holds those of one second (websocket)."""

    message_bytes: int = 128 * 1024
    """A larger message of a viewer closes the socket with 1009, a larger POST is answered 413 (websocket)."""

    frame_bytes: int = 32 * 1024
    """A larger frame of a viewer closes the socket with 1009; larger POSTs leave as several frames (websocket)."""

    idle_seconds: float = 600
    """An idle connection is closed after this many seconds (websocket). Checked twice a second."""

    age_seconds: float = 7_200
    """A connection is closed at this age in seconds (websocket). Checked twice a second."""

    buffer_bytes: int = 128 * 1024
    """Bytes that may wait for one slow viewer, beside those in the kernel's buffers. Above this POSTs to it are
    answered 429, as in PostToConnection's reference (LimitExceededException). AWS publishes no size."""

    latency_ms: float = 0
    """Milliseconds by which an answer of @connections is delayed; the frame leaves at once. AWS publishes no value."""

    lose_disconnect: float = 0
    """Share of ``$disconnect`` events that are lost: AWS calls them best effort
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html)."""

    check_every: int = 100
    """One of this many requests to @connections has its signature verified; 1: each, 0: none. AWS verifies each."""


class LimitError(ProgramError, ValueError):
    """An unknown limit or an invalid value; the text is for people."""


def changed(limits: Limits, wish: Any) -> Limits:
    """``limits`` with the changes of the JSON object ``wish``.

    Raises LimitError for an unknown limit or an invalid value.
    """
    if not isinstance(wish, dict):
        raise LimitError("Limits are a JSON object.")
    kinds = {field.name: field.type for field in fields(Limits)}
    for name, value in wish.items():
        if name not in kinds:
            raise LimitError(f"There is no limit {name}; there are {', '.join(kinds)}.")
        whole = kinds[name] == "int"
        if type(value) is not int and (whole or type(value) is not float):
            raise LimitError(f"{name} is {'a whole number' if whole else 'a number'}.")
        if not 0 <= value < float("inf"):
            raise LimitError(f"{name} is 0 or more.")
        if name == "lose_disconnect" and value > 1:
            raise LimitError("lose_disconnect is a share from 0 to 1.")
    return replace(limits, **wish)


class Bucket:
    """Lets ``rate`` requests a second pass, and ``burst`` at once after a pause; refuses the others.

    A refused request takes no token. (Callers of broadcaster.send.pacing.TokenBucket wait instead.)
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Whether a request at ``now`` (seconds, never going back) may pass."""
        tokens = self._tokens + (now - self._at) * self._rate
        self._at = now
        tokens = min(tokens, self._burst)
        if tokens < 1:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1
        return True
