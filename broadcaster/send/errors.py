"""Pure: the errors of a sender."""

from __future__ import annotations

from runtime.errors import TransientError


class GatewayError(TransientError):
    """The gateway cannot be used: bad credentials, a wrong URL, no network, or an outage (carousel.OUTAGE_SHARE).

    Most of these faults pass, and one class serves all of them. So the error is transient, although bad credentials and
    a wrong URL need a person. No retry depends on it: the state machine tries a batch again after every error
    (``States.ALL``), then sets it aside. A 403 is also reported as ``aws_refused`` (runtime/refusals.py).
    """
