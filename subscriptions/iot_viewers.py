"""The viewers of one cell of IoT Core: rows in the cell's table ``broadcasts``, made from lifecycle events.

(https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html) IoT Core may deliver the events in any
order, more than once, and a while late. So no counter is changed by them: rows are written and deleted, each as often
as an event comes, and the rows are counted.

- ``session#<session>``, ``state``: the feeds that one connection has subscribed to, and ``ended`` once it has ended. A
  session never begins again, so an event that comes after its end changes nothing. ``at#<feed>`` is the time of the
  newest event about the feed, so a late event about an older subscription changes nothing either. That time is AWS's
  ``timestamp``, which AWS calls an approximation. Events of subscriptions have nothing better: ``versionNumber`` is
  only in those of connections, and is the same from a connection's beginning to its end. Of two events of one
  millisecond, the subscription counts.
- ``viewers#<channel>#<shard>``, ``<session>``: this connection hears this match.
- ``viewers#<channel>``, ``count``: until when a process waits to count these rows (iot_presence.py).

All rows expire ``ROW_SECONDS`` after the last write: a connection whose end was never reported is counted no longer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from botocore.exceptions import ClientError

from runtime.attributes import VERSION_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mypy_boto3_dynamodb import DynamoDBClient

    from runtime.attributes import Item

ROW_SECONDS: Final = 25 * 3600
"""Life of a row in seconds. A connection lasts 24 hours at most (iot_authorizer.LONGEST_SECONDS)."""

SHARDS: Final = 16
"""Partitions of a match's rows. A partition takes 1,000 writes a second, and IoT Core 3,000 connections a second."""

_ADD: Final = "SET #ttl = :ttl, v = :v, #at = :at ADD feeds :value"
_MAY_ADD: Final = "attribute_not_exists(ended) AND (attribute_not_exists(#at) OR #at <= :at)"
_DELETE: Final = "SET #ttl = :ttl, v = :v, #at = :at DELETE feeds :value"
_MAY_DELETE: Final = "attribute_not_exists(#at) OR #at < :at"
_END: Final = "SET #ttl = :ttl, v = :v, ended = :value"


class IotViewers:
    """The rows of the connections that hear matches in one cell.

    Every method raises botocore's ClientError and BotoCoreError.
    """

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        """``table``: the cell's table ``broadcasts``."""
        self.table, self._db = table, client

    def subscribed(self, session: str, feeds: Collection[str], at: int) -> None:
        """A connection has subscribed to feeds, such as ``livescore/open/m1/all``.

        ``at``: when, in milliseconds since 1970. Nothing changes for a feed about which something newer is known.
        """
        for channel in channels(feeds):
            self._db.put_item(
                TableName=self.table, Item={**_viewer(channel, session), **VERSION_ATTRIBUTE, "ttl": _until()}
            )
        known = [self._change_feed(session, feed, at, _ADD, _MAY_ADD) for feed in feeds]
        if None in known:
            self._forget(session, channels(feeds) - channels(self._heard(session)))

    def unsubscribed(self, session: str, feeds: Collection[str], at: int) -> None:
        """A connection has ended some of its subscriptions. ``at``: as in ``subscribed``."""
        known = [self._change_feed(session, feed, at, _DELETE, _MAY_DELETE) for feed in feeds]
        left = self._heard(session) if known[-1] is None else known[-1]
        self._forget(session, channels(feeds) - channels(left))

    def ended(self, session: str) -> set[str]:
        """A connection has ended. Returns the channels that it heard."""
        heard = channels(self._change(session, _END, {"BOOL": True}))
        self._forget(session, heard)
        return heard

    def claim_count(self, channel: str, now: float, seconds: float) -> bool:
        """Whether this process shall count a channel in ``seconds``; False if another will do so after ``now``."""
        try:
            self._db.update_item(
                TableName=self.table,
                Key={"pk": {"S": f"viewers#{channel}"}, "sk": {"S": "count"}},
                UpdateExpression="SET #until = :until, #ttl = :ttl, #v = :v",
                ConditionExpression="attribute_not_exists(#until) OR #until <= :now",
                ExpressionAttributeNames={"#until": "until", "#ttl": "ttl", "#v": "v"},
                ExpressionAttributeValues={
                    ":until": _ms(now + seconds), ":now": _ms(now), ":ttl": _until(), ":v": VERSION_ATTRIBUTE["v"],
                },
            )  # fmt: skip
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def count(self, channel: str) -> int:
        """The number of connections that hear a channel now."""
        found = 0
        for shard in range(SHARDS):
            start: Item | None = None
            while True:
                page = self._db.query(
                    TableName=self.table,
                    Select="COUNT",
                    ConsistentRead=True,
                    KeyConditionExpression="pk = :partition",
                    FilterExpression="#ttl > :now",
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={
                        ":partition": {"S": f"viewers#{channel}#{shard}"}, ":now": {"N": str(int(time.time()))},
                    },
                    **({"ExclusiveStartKey": start} if start else {}),  # type: ignore[arg-type]
                )  # fmt: skip
                found += page["Count"]
                start = page.get("LastEvaluatedKey")
                if not start:
                    break
        return found

    def _change_feed(self, session: str, feed: str, at: int, update: str, condition: str) -> set[str] | None:
        """Change one feed of a connection; returns the connection's feeds afterwards, None if nothing changes."""
        try:
            at_millisecond = {":at": {"N": str(at)}}
            names = {"#at": f"at#{feed}"}
            return self._change(
                session, update, {"SS": [feed]}, names=names, values=at_millisecond, condition=condition
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return None

    def _heard(self, session: str) -> set[str]:
        """The feeds that a connection hears: none after its end."""
        # By a query: the function may get no item of this table.
        page = self._db.query(
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :session",
            ExpressionAttributeValues={":session": {"S": f"session#{session}"}},
        )
        [row] = page["Items"] or [{}]
        feeds: Any = {} if "ended" in row else row.get("feeds", {})
        return set(feeds.get("SS", ()))

    def _change(
        self,
        session: str,
        update: str,
        value: Any,
        *,
        names: dict[str, str] | None = None,
        values: dict[str, Any] | None = None,
        condition: str | None = None,
    ) -> set[str]:
        """Change the row of a connection; returns the connection's feeds afterwards."""
        more: Any = {"ConditionExpression": condition} if condition else {}
        answer = self._db.update_item(
            TableName=self.table,
            Key={"pk": {"S": f"session#{session}"}, "sk": {"S": "state"}},
            UpdateExpression=update,
            ExpressionAttributeNames={"#ttl": "ttl", **(names or {})},
            ExpressionAttributeValues={
                ":ttl": _until(), ":v": VERSION_ATTRIBUTE["v"], ":value": value, **(values or {}),
            },
            ReturnValues="ALL_NEW",
            **more,
        )  # fmt: skip
        feeds: Any = answer.get("Attributes", {}).get("feeds", {})
        return set(feeds.get("SS", ()))

    def _forget(self, session: str, heard: Iterable[str]) -> None:
        for channel in heard:
            self._db.delete_item(TableName=self.table, Key=_viewer(channel, session))


def channels(feeds: Iterable[str]) -> set[str]:
    """The channels of matches, from their feeds."""
    return {feed.rpartition("/")[0] for feed in feeds}


def _viewer(channel: str, session: str) -> Item:
    shard = crc32(session.encode()) % SHARDS
    return {"pk": {"S": f"viewers#{channel}#{shard}"}, "sk": {"S": session}}


def _until() -> dict[str, str]:
    return {"N": str(int(time.time()) + ROW_SECONDS)}


def _ms(seconds: float) -> dict[str, str]:
    return {"N": str(int(seconds * 1000))}
