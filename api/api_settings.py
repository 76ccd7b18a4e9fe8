"""The settings of the HTTP API's function (runtime.environment)."""

from __future__ import annotations

from dataclasses import dataclass, field

from broadcaster.transports.description import parse_cells
from runtime.environment import MAY_BE_EMPTY
from subscriptions.viewer_settings import ChannelSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings(ChannelSettings):
    """Of the function ``api``. It verifies viewers' tokens for the route of Momento (api/listeners.py)."""

    matches_table: str
    stream: str
    """The name of the stream of events."""
    operator_scope: str = field(metadata=MAY_BE_EMPTY)
    """The scope that the token of an operator must have."""
    message_scope: str = field(metadata=MAY_BE_EMPTY)
    """The scope that the token of a program must have that sends messages to single viewers."""
    broadcasts_table: str
    subscriptions_table: str
    cells: dict[str, dict[str, str]]
    """By name of a cell: its texts (broadcaster/transports/description.py)."""
    site_keys: str = field(metadata=MAY_BE_EMPTY)
    """The keys of which the site sends one, separated by commas; empty where there is no site."""

    def __post_init__(self) -> None:
        """Raises SettingsError for a cell that is described wrongly, so that INIT names it."""
        parse_cells(self.cells)
