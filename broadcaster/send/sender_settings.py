"""The settings of the sender's function (runtime.environment)."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.environment import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """Of the function ``sender``."""

    home_region: str
    matches_table: str
    subscriptions_table: str
    broadcasts_table: str
    connections_url: str
    """The URL of the cell's @connections API."""
    lease_seconds: int
    """Seconds that a renewed lease lasts."""
    send_rate: int
    """POSTs a second that all senders of the cell together may use."""
    deployment: str = UNKNOWN
