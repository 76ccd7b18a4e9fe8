"""A function's metrics for CloudWatch: Powertools' metrics, in one line of its log for each invocation.

The line is in the embedded metric format, from which CloudWatch takes the metrics
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
No service is called, so no goal waits. The namespace is ``livescore``. The dimensions ``deployment`` and ``service``
keep the metrics of two deployments in one account and region apart. The line also has the events that the invocation
handled, so that a query finds them. As dimensions, each event would be a metric of its own and be paid for as one.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, get_args

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from runtime.environment import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.attributes import DamagedRowError

NAMESPACE: Final = "livescore"

Service = Literal[
    "api",
    "fanout",
    "sender",
    "receipt",
    "routes",
    "authorizer",
    "watchdog",
    "events_authorizer",
    "graphql_authorizer",
    "iot_authorizer",
    "iot_presence",
]
Count = Literal[
    "EventsApplied", "EventsRefused", "RecordsSetAside", "CellsUnreached", "Accepted", "Gone", "Failed", "Closed",
    "Throttled", "Broadcasts", "BatchesSetAside", "Subscribed", "Refused", "LetIn", "Restarted", "RowsUnreadable",
    "AwsRefused", "FramesUnpublished",
]  # fmt: skip
Milliseconds = Literal["NumberedAfter", "GoalToGateway", "BroadcastTook"]
Percent = Literal["BudgetUsed"]

UNITS: Final[dict[str, MetricUnit]] = {
    **dict.fromkeys(get_args(Count), MetricUnit.Count),
    **dict.fromkeys(get_args(Milliseconds), MetricUnit.Milliseconds),
    **dict.fromkeys(get_args(Percent), MetricUnit.Percent),
}

REPORT_SECONDS = 60.0
"""Seconds between two reports of the same damaged row by one process: a sender meets it four times a second."""

_REPORTED = 1_000
"""The most damaged rows that a process remembers."""

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

logger = Logger(service="rows")
_running: Metrics | None = None
"""The metrics of the invocation that is running in this process, if one is."""
_reported: dict[tuple[str, str], float] = {}
"""(match, row) of a damaged row -> when this process reported it last, in monotonic seconds."""


class Metrics:
    """The metrics of one service. Threads may add to them: runtime/cell_calls.py asks each cell in a thread."""

    def __init__(self, service: Service) -> None:
        # Powertools' usual class keeps one set for the process, whatever service its instances name.
        self._metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
        self._events: list[dict[str, Any]] = []
        self._invoked = False
        self._lock = Lock()

    def add(self, name: Count | Milliseconds | Percent, value: float = 1) -> bool:
        """Note a value. A name may get several values in one invocation. Returns whether it counts.

        Outside of an invocation this does nothing: commands and the model run the same code.
        """
        with self._lock:
            if self._invoked:
                # Powertools prints when it has a hundred values, and printing is all that can fail.
                with suppress(OSError):
                    self._metrics.add_metric(name, UNITS[name], value)
            return self._invoked

    def note_event(self, match: str, seq: int | None, event_id: str | None = None) -> None:
        """Note an event that this invocation handles. ``seq`` and ``event_id`` are left out if they are not known."""
        if self._invoked:
            known = {"match": match, "seq": seq, "event_id": event_id}
            self._events.append({name: value for name, value in known.items() if value is not None})

    def publish_after(self, handler: Callable[P, R]) -> Callable[P, R]:
        """Decorate a handler: after each invocation, failed ones too, the line is printed if it has a value."""

        @wraps(handler)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            global _running  # noqa: PLW0603 - a process runs one invocation at a time
            # Both add and flush may print a line, and every line needs the dimension. Without the clear, Powertools
            # warns when the name changes between invocations, which happens in tests.
            self._metrics.dimension_set.clear()
            self._metrics.set_default_dimensions(deployment=_deployment())
            self._invoked = True
            _running = self
            try:
                return handler(*args, **kwargs)
            finally:
                _running = None
                self._publish()

        return wrapper

    def _publish(self) -> None:
        with self._lock:
            self._invoked = False
            if self._metrics.metric_set:
                if self._events:
                    self._metrics.add_metadata("events", self._events)
                with suppress(OSError):
                    self._metrics.flush_metrics()
            self._events = []
            self._metrics.clear_metrics()


def _deployment() -> str:
    """The deployment's name, or ``UNKNOWN`` if the environment lacks it: metrics must not stop the function."""
    name = os.environ.get("DEPLOYMENT")
    if name is None:
        # An apply that takes a release back removes the variable before it changes the code.
        logger.warning("deployment_unknown")
        return UNKNOWN
    return name


def report_damaged_row(error: DamagedRowError) -> None:
    """Report a damaged row: a log line, and the metric RowsUnreadable of the running invocation."""
    key, now = (error.match, error.row), time.monotonic()
    if now - _reported.get(key, -REPORT_SECONDS) < REPORT_SECONDS:
        return
    if len(_reported) >= _REPORTED:
        _reported.clear()
    _reported[key] = now
    logger.error("row_unreadable", match=error.match, row=error.row, reason=error.reason)
    note("RowsUnreadable")


def note(name: Count) -> bool:
    """Count one of these in the metrics of the invocation that is running in this process. Returns whether one is."""
    running = _running
    return running is not None and running.add(name)


def undamaged_rows(found: tuple[list[T], list[DamagedRowError]]) -> list[T]:
    """The rows that ``attributes.parse_rows`` has read. This reports the others."""
    rows, errors = found
    for error in errors:
        report_damaged_row(error)
    return rows
