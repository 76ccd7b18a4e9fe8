"""Who shares the send budget of a cell: the rows of its live broadcasts, in its ``broadcasts`` table.

One row per match that is being broadcast: ``owner`` (the execution), ``batches`` (how many senders it began with),
``ended`` (the batches that are done), ``ttl`` (when it is taken for dead), ``v`` (the version, matches.rows). The state
machine writes it at the beginning of each round, the senders read all of them four times a second, and the end of the
broadcast removes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matches.rows import count, readable, reading, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matches.rows import UnreadableRowError

LIVE = "live"
"""The one partition key: all rows are read with one Query of a few kilobytes."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A live broadcast."""

    match: str
    owner: str
    batches: int
    ended: frozenset[int]
    until: int

    @property
    def senders(self) -> int:
        """Senders that are still at it."""
        return self.batches - len(self.ended)


def share(broadcasts: Iterable[Broadcast], match: str, senders: int, rate: float, now: float) -> float:
    """Requests a second for one sender of ``match``: matches share the ``rate`` equally, and so do their senders.

    A sender that has ended leaves its share to the others of its match, a match that has ended to the other matches.
    ``senders`` counts those of the match if its row is missing. One match's storm cannot starve another's goal.
    """
    living = {each.match: each for each in broadcasts if each.until > now and (each.senders > 0 or each.match == match)}
    mine = living[match].senders if match in living else senders
    return rate / len(living.keys() | {match}) / max(1, mine)


def parse(items: Iterable[Mapping[str, Any]]) -> tuple[list[Broadcast], list[UnreadableRowError]]:
    """Rows as DynamoDB returns them, and what is wrong with those that cannot be read.

    An unreadable row has no share of the rate. Its match sends all the same, until the next broadcast of the match
    overwrites the row; the pace then gives way by the 429s.
    """
    return readable(_parse, items)


def _parse(item: Mapping[str, Any]) -> Broadcast:
    match = item["sk"]["S"]
    with reading(match, LIVE, item):
        return Broadcast(
            match=match,
            owner=text(item, "owner"),
            batches=count(item, "batches"),
            ended=frozenset(int(each) for each in item["ended"]["NS"]) if "ended" in item else frozenset(),
            until=count(item, "ttl"),
        )


def live_query(table: str) -> dict[str, Any]:
    """The arguments of a consistent Query for all live broadcasts: some hundred fit its megabyte."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :live",
        "ExpressionAttributeValues": {":live": {"S": LIVE}},
        "ConsistentRead": True,
    }


def ended(table: str, match: str, owner: str, batch: int, *, is_ended: bool) -> dict[str, Any]:
    """The arguments of the UpdateItem by which a sender says that its batch has ended, or goes on after all.

    The answer carries the whole row. Fails with ConditionalCheckFailedException if the row is another's or gone.
    """
    return {
        "TableName": table,
        "Key": live_key(match),
        "UpdateExpression": f"{'ADD' if is_ended else 'DELETE'} ended :batch",
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":batch": {"NS": [str(batch)]}, ":owner": {"S": owner}},
        "ReturnValues": "ALL_NEW",
    }


def renewal(table: str, match: str, owner: str, until: int) -> dict[str, Any]:
    """The arguments of the UpdateItem that keeps a row alive; it fails as ``ended`` does."""
    return {
        "TableName": table,
        "Key": live_key(match),
        "UpdateExpression": "SET #ttl = :until",
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner", "#ttl": "ttl"},
        "ExpressionAttributeValues": {":until": {"N": str(until)}, ":owner": {"S": owner}},
    }


def removal(table: str, match: str, owner: str) -> dict[str, Any]:
    """The arguments of the DeleteItem at the end of a broadcast; it fails as ``ended`` does."""
    return {
        "TableName": table,
        "Key": live_key(match),
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": {"S": owner}},
    }


def live_key(match: str) -> dict[str, Any]:
    """The primary key of a match's row."""
    return {"pk": {"S": LIVE}, "sk": {"S": match}}
