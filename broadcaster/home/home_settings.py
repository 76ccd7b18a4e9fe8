"""The settings of the functions at home (runtime.environment)."""

from __future__ import annotations

from dataclasses import dataclass

from broadcaster.transports.description import parse_cells
from runtime.environment import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSettings:
    """Of the functions ``fanout`` and ``watchdog``: both start broadcasts in the cells."""

    matches_table: str
    broadcasts_table: str
    cells: dict[str, dict[str, str]]
    """By name of a cell: its texts (broadcaster/transports/description.py)."""
    set_aside_queue: str
    """The URL of home's queue for what was set aside."""
    watchdog_queue: str
    """The URL of the queue that the watchdog reads."""
    watchdog_seconds: int
    """Seconds from an event to the watchdog's first check of it."""
    send_rate: int
    """POSTs a second that all senders of a cell together may use."""
    sender_rate: int
    """POSTs a second that one sender is planned for."""
    namespace: str
    """The first segment of the deployment's channels (matches/channels.py)."""
    deployment: str = UNKNOWN

    def __post_init__(self) -> None:
        """Raises SettingsError for a cell that is described wrongly, so that INIT names it."""
        parse_cells(self.cells)
