"""Pure: the times of single calls that the planner and the simulation assume."""

from __future__ import annotations

from dataclasses import dataclass

PAGE_ROWS = 16_384
"""Rows of a page of 1 MB, at 64 bytes (docs/rows.md)."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of one call each. The defaults are estimates for AWS, because nothing was measured in an account.

    ``forecast/simulation/as_bench.py`` has the times of MiniStack and the stand-in on one machine.
    """

    call_s: float = 0.010
    """A read or write of DynamoDB, a PutRecord, a SendMessage (docs/architecture.md, "The calls in a row")."""
    stream_s: float = 0.070
    """From PutRecord until the fan-out has the record, with enhanced fan-out
    (https://docs.aws.amazon.com/streams/latest/dev/enhanced-consumers.html)."""
    start_s: float = 0.030
    """From StartExecution until the state machine calls the senders."""
    invoke_s: float = 0.020
    """From the state machine's call of a function that is warm until its code runs."""
    open_s: float = 0.020
    """To open a connection to the gateway: TCP and TLS 1.3."""
    post_s: float = 0.030
    """From a sender's POST until its answer; a viewer has the frame after about half of it."""
    publish_s: float = 0.030
    """From a publish until the service has taken it."""
    page_s: float = 0.050
    """A page of subscription rows of 1 MB."""
