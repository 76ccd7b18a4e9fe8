"""Pure: the errors of a sender."""

from __future__ import annotations

from runtime.errors import TransientError


class GatewayError(TransientError):
    """The gateway cannot be used: bad credentials, a wrong URL, no network, or errors for over a tenth of a batch.

    The state machine calls the sender again in each of these cases, so the class is transient. A 403 is reported as
    ``aws_refused`` as well (runtime/refusals.py).
    """
