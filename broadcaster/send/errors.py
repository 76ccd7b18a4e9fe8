"""Pure: the errors of a sender."""

from __future__ import annotations

from runtime.errors import TransientError


class GatewayError(TransientError):
    """No POST can succeed, whatever the connection: bad credentials, a wrong URL, or no network."""
