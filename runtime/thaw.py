"""Clocks and connections after a freeze: a clock that counts the freeze, and the age of connections.

Between two invocations Lambda freezes the environment, for seconds or for hours
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). No AWS document says which clocks go on
meanwhile, so no single clock is trusted. The wall clock is right afterwards: Lambda's own Python runtime computes the
time that an invocation has left from it (``get_remaining_time_in_millis`` in
https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/lambda_context.py). But a wall
clock may be set back, and then the monotonic ones are right.

"Lambda purges idle connections over time. Attempting to reuse an idle connection when invoking a function will result
in a connection error" (https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html). Where no error comes either,
a call waits for its time-out: five seconds, which a goal does not have.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _readings() -> tuple[float, ...]:
    """Wall clock, monotonic clock, and the monotonic clock that also counts a machine's sleep, in seconds."""
    return time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)


IDLE_SECONDS = 50.0
"""A connection that has been idle for longer is not used again. AWS documents no number for API Gateway or DynamoDB.
Its load balancers close an idle connection after 60 seconds
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html)."""


class Clock:
    """Seconds since it was made. Between two calls it advances as far as the clock that advanced furthest.

    So it is never behind any of ``readings``, and never goes back. For any number of threads.
    """

    def __init__(self, readings: Callable[[], tuple[float, ...]] = _readings) -> None:
        self._readings = readings
        self._last = readings()
        self._seconds = 0.0
        self._lock = Lock()

    def __call__(self) -> float:
        """The seconds until now."""
        with self._lock:
            now = self._readings()
            self._seconds += max(0.0, *(after - before for before, after in zip(self._last, now, strict=True)))
            self._last = now
            return self._seconds


seconds = Clock()
"""The clock of this process, for values and connections that outlive an invocation."""


class Usage:
    """The time of the last use of a client, by a clock in seconds that counts a freeze."""

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._clock = clock
        self._used = clock()

    def note(self, **_: object) -> None:
        """Note a use now. Ignores the arguments that botocore's events pass."""
        self._used = self._clock()

    @property
    def is_long_ago(self) -> bool:
        """Whether the client's connections have been idle for more than ``IDLE_SECONDS``."""
        return self._clock() - self._used > IDLE_SECONDS
