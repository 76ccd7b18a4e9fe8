"""The clients and caches that the routes use: one of each for a process, made in INIT (runtime/lifecycle.py)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from api.api_settings import ApiSettings
from api.momento_access import MomentoAccess, MomentoCell, tokens_url
from api.shared_reads import SharedReads
from broadcaster.control.cell_state import CellStates
from broadcaster.transports.description import parse_cells
from broadcaster.transports.registry import make_messenger
from broadcaster.transports.transport import Clients
from matches.calendar import Calendar
from matches.channels import Channels
from matches.ledger import Ledger
from matches.recent_events import RecentEvents
from runtime import aws
from runtime.cell_calls import CellCalls
from runtime.environment import settings
from runtime.secure_parameter import SecureParameter
from subscriptions.viewer_counts import ViewerCounts

if TYPE_CHECKING:
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.messenger import Messenger

THREADS = 10
"""Calls of one cell side by side: the POSTs of a message to the connections of one viewer."""


@cache
def ledger() -> Ledger:
    """The table of matches."""
    return Ledger(settings(ApiSettings).matches_table, aws.dynamodb())


@cache
def recent_events() -> RecentEvents:
    """The newest events of each match."""
    return RecentEvents(ledger())


@cache
def shared_reads() -> SharedReads:
    """The cached reads of matches for readers."""
    return SharedReads(ledger())


@cache
def calendar() -> Calendar:
    """The matches of a day."""
    return Calendar(settings(ApiSettings).matches_table, aws.dynamodb())


@cache
def viewer_counts() -> ViewerCounts:
    """The counts of viewers."""
    return ViewerCounts(settings(ApiSettings).matches_table, aws.dynamodb(patience="once"))


def channels() -> Channels:
    """The names of the deployment's channels."""
    return Channels(settings(ApiSettings).namespace)


@cache
def descriptions() -> dict[str, CellDescription]:
    """The cells by name. Raises SettingsError."""
    return parse_cells(settings(ApiSettings).cells)


@cache
def cells() -> dict[str, CellStates]:
    """Name of a cell -> the state rows of its matches."""
    table = settings(ApiSettings).broadcasts_table
    return {
        name: CellStates(table + each.suffix, aws.dynamodb(each.region, "hurried"))
        for name, each in descriptions().items()
    }


@cache
def messengers() -> dict[str, Messenger]:
    """Name of a cell -> its messenger. They are made for the first message, because most processes send none."""
    own = settings(ApiSettings)
    # A call that was given up holds its threads, so each cell has threads of its own.
    return {
        name: make_messenger(
            each,
            own.subscriptions_table,
            Clients(aws.make, aws.credentials, ledger(), ThreadPoolExecutor(THREADS), channels()),
        )
        for name, each in descriptions().items()
    }


@cache
def momento_access() -> MomentoAccess:
    """The tokens of viewers at Momento."""
    cells = {
        name: MomentoCell(
            each.texts["cache"],
            tokens_url(each.texts["url"]),
            SecureParameter(each.texts["api_key_parameter"], aws.ssm),
        )
        for name, each in descriptions().items()
        if "api_key_parameter" in each.texts
    }
    return MomentoAccess(settings(ApiSettings).matches_table, aws.dynamodb(), cells)


@cache
def cell_calls() -> CellCalls:
    """Calls to all cells side by side."""
    return CellCalls(len(cells()))


@cache
def message_calls() -> CellCalls:
    """The same for messages, which use other services."""
    return CellCalls(len(cells()))


def make() -> None:
    """Make all of them. Raises SettingsError for a missing setting."""
    for each in (recent_events, shared_reads, calendar, viewer_counts, cell_calls, aws.kinesis):
        each()
