"""Pure: API Gateway's limits, what may be set at run time, and the bucket behind every rate."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from runtime.errors import ProgramError


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the stand-in; the defaults are AWS's for a new account, where AWS publishes them.

    Sources: "limits" is
    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html,
    "websocket" is
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html,
    both of the
    API Gateway developer guide.
    """

    account_rate: float = 10_000
    """POSTs and viewers' messages a second, all together (limits). 0 with a burst of 0 refuses everything, as a stage
    whose ``default_route_settings`` name no throttle does (terraform-provider-aws#14742)."""

    account_burst: float = 5_000
    """Size of that bucket (limits)."""

    stage_rate: float = 0
    """POSTs a second that the stage's default throttle lets pass. 0 with a burst of 0: POSTs do not count against it.
    AWS does not document whether they do
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html)."""

    stage_burst: float = 0
    """Size of that bucket."""

    connects_per_second: float = 500
    """New connections a second; the bucket holds one second's worth (websocket)."""

    message_bytes: int = 128 * 1024
    """A larger message of a viewer closes the socket with 1009, a larger POST is answered 413 (websocket)."""

    frame_bytes: int = 32 * 1024
    """A larger frame of a viewer closes the socket with 1009; larger POSTs leave as several frames (websocket)."""

    idle_seconds: float = 600
    """A connection on which nothing moves for so long is closed (websocket). Looked at twice a second."""

    age_seconds: float = 7_200
    """A connection lives no longer than this (websocket). Looked at twice a second."""

    buffer_bytes: int = 128 * 1024
    """Bytes that may wait here for one slow viewer before POSTs to it are answered 429, beside those in the kernel's
    buffers. That AWS answers so is in PostToConnection's reference (LimitExceededException); it publishes no size."""

    latency_ms: float = 0
    """An answer of @connections leaves so much later; the frame leaves at once. AWS publishes no figure."""

    lose_disconnect: float = 0
    """Share of ``$disconnect`` events that never come: AWS calls them best effort
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html)."""

    check_every: int = 100
    """Every so many requests to @connections the signature is verified; 1: each, 0: none. AWS verifies each."""


class LimitError(ProgramError, ValueError):
    """A limit that does not exist or a value that it cannot have; the text is for a person."""


def changed(limits: Limits, wish: Any) -> Limits:
    """``limits`` with the fields of the JSON object ``wish``.

    Raises LimitError for anything that is not a limit with a number it may have.
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
    """Lets ``rate`` requests a second pass, after a pause ``burst`` at once; refuses the others.

    A refused request costs nothing. (broadcaster.send.pacing.TokenBucket is the other side: its callers wait.)
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
