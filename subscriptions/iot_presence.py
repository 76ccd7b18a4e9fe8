"""Counts the viewers of a cell of IoT Core, from the lifecycle events that its rules hand over.

(https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html) Each event changes rows (iot_viewers.py).
Then the rows of its matches are counted, and the count goes to the row of the cell at home (viewer_counts.py).

One count serves all events of the seconds before it: the first event claims the count, waits, and counts. The others
see the claim and leave the count to it. The more viewers a match had, the longer the wait. So a count costs 20,000 rows
a second at most, and the last event of a rush is counted too.

A viewer may subscribe to the channel of a match that does not exist, or under another competition. The count is
written only if a match has this channel.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from matches.channels import Channels
from matches.ledger import Ledger, UnknownMatchError
from runtime import aws, lifecycle
from runtime.environment import settings
from runtime.metrics import Metrics
from subscriptions.iot_viewers import IotViewers, channels
from subscriptions.viewer_counts import ViewerCounts
from subscriptions.viewer_settings import PresenceSettings

if TYPE_CHECKING:
    from collections.abc import Collection

    from aws_lambda_powertools.utilities.typing import LambdaContext

ROWS_PER_SECOND: Final = 20_000
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 20.0
"""Seconds from a claim to its count: one more for each ``ROWS_PER_SECOND`` viewers of the count before."""

MARGIN_SECONDS: Final = 0.5
"""A claim that ends sooner than this is taken for ended: the clocks of two processes differ."""

logger = Logger(service="iot_presence")
metrics = Metrics("iot_presence")
_last_counts: dict[str, int] = {}
"""Channel -> the viewers at this process's last count."""


@cache
def _viewers() -> IotViewers:
    return IotViewers(settings(PresenceSettings).broadcasts_table, aws.dynamodb())


@cache
def _ledger() -> Ledger:
    own = settings(PresenceSettings)
    return Ledger(own.matches_table, aws.dynamodb(own.home_region))


@cache
def _counts() -> ViewerCounts:
    own = settings(PresenceSettings)
    return ViewerCounts(own.matches_table, aws.dynamodb(own.home_region))


def _channels() -> Channels:
    return Channels(settings(PresenceSettings).namespace)


def _make() -> None:
    _viewers()
    _ledger()
    _counts()


@lifecycle.prepare(PresenceSettings, _make, lambda: _ledger().open_connection())
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take one lifecycle event. An error is raised: Lambda then delivers the event again."""
    write_counts(change_rows(event))


def change_rows(event: dict[str, Any]) -> set[str]:
    """Change the rows as the event says; returns the channels whose viewers have changed."""
    kind, session = event.get("eventType"), event.get("sessionIdentifier")
    if not isinstance(session, str):
        logger.warning("lifecycle_event_unread", event_type=kind)
        return set()
    feeds = {each for each in event.get("topics", ()) if isinstance(each, str) and _channels().is_feed(each)}
    if kind == "disconnected":
        return _viewers().ended(session)
    if not feeds or kind not in ("subscribed", "unsubscribed"):
        return set()
    stated = event.get("timestamp")
    at = stated if isinstance(stated, int) else time.time_ns() // 1_000_000
    if kind == "subscribed":
        _viewers().subscribed(session, feeds, at)
    else:
        _viewers().unsubscribed(session, feeds, at)
    return channels(feeds)


def write_counts(changed: Collection[str]) -> None:
    """Count channels and write their counts at home, each channel unless another invocation will do so.

    The claims of all channels wait side by side: a connection may have 50 matches, and the function has a minute.
    """
    claimed, longest = [], 0.0
    for channel in sorted(changed):
        seconds = min(LONGEST_SECONDS, SHORTEST_SECONDS + _last_counts.get(channel, 0) / ROWS_PER_SECOND)
        if _viewers().claim_count(channel, time.time() + MARGIN_SECONDS, seconds):
            claimed.append(channel)
            longest = max(longest, seconds)
    if claimed:
        time.sleep(longest + MARGIN_SECONDS)
    for channel in claimed:
        _write_count(channel)


def _write_count(channel: str) -> None:
    viewers = _viewers().count(channel)
    _last_counts[channel] = viewers
    match = channel.rpartition("/")[2]
    try:
        state = _ledger().state(match)
    except UnknownMatchError:
        return
    if _channels().match(state.competition, match) == channel:
        _counts().correct(match, settings(PresenceSettings).cell, viewers)
