"""Pure: how the live broadcasts of a cell share its send rate, by rows of its ``broadcasts`` table.

One row per match that is being broadcast: ``owner`` (the execution), ``batches`` (how many senders it began with),
``left0``, ``left1`` … (how many posts each batch still has), ``ended`` (the batches that are done), ``ttl`` (when it is
taken for dead), ``v`` (the version: attributes.py). The state machine writes it at the beginning of each round, the
senders read all of them four times a second, and the end of the broadcast removes it. A sender states what it has left
when it begins, when that grows, and each time it has halved: about twenty writes for a million rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from broadcaster.control.plan import MAX_SENDERS
from runtime.attributes import count, parse_rows, reading_row, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runtime.attributes import UnreadableRowError

RATE_SHARE = "rate-share"
"""The one partition key: all rows are read with one Query of a few kilobytes."""

HORIZON_SECONDS = 0.5
"""A match is left the rate that sends its remaining posts within so long: twice the time between two looks."""

_LONGEST_SECONDS = 900
"""A ``ttl`` is at most so far ahead, more than two leases: a damaged one would keep its part of the rate for ever."""

UNSTATED = 1
"""Posts that a batch counts for that has not stated yet how many it has: its function may not run yet."""


@dataclass(frozen=True, slots=True)
class RateShare:
    """A live broadcast."""

    match: str
    owner: str
    batches: int
    ended: frozenset[int]
    until: int
    left: Mapping[int, int] = field(default_factory=dict)
    """By batch: the posts that it still had when it last said so."""

    @property
    def senders(self) -> int:
        """Senders that are still at it."""
        return self.batches - len(self.ended)

    @property
    def need(self) -> float:
        """Requests a second that send what is left within ``HORIZON_SECONDS``."""
        stated = [left for batch, left in self.left.items() if batch < self.batches and batch not in self.ended]
        return (sum(stated) + UNSTATED * max(0, self.senders - len(stated))) / HORIZON_SECONDS


def share(
    broadcasts: Iterable[RateShare], match: str, senders: int, rate: float, now: float, *, stated: bool = True
) -> float:
    """Requests a second for one sender of ``match``: max-min fair among matches, by what each has left to post.

    A match that needs less than an equal part of ``rate`` leaves the rest to the others, however many they are. So a
    match without viewers costs the others nothing, and one match's storm cannot starve another's goal. The senders of
    the match share its part equally; a sender that has ended leaves its part to them, a match that has ended to the
    other matches. ``senders`` counts those of the match if its row is missing.

    The match's own need is not looked at: it may be done sooner than within the horizon, because the others leave it
    the requests for that. Until it has ``stated`` its need and the others had time to see it, the match has an equal
    part at most: in that time the others use what they do not know to be wanted.
    """
    living = {each.match: each for each in broadcasts if each.until > now and (each.senders > 0 or each.match == match)}
    mine = living[match].senders if match in living else senders
    others = [each.need for each in living.values() if each.match != match]
    part = _fair(others, rate) if stated else rate / (len(others) + 1)
    return part / max(1, mine)


def _fair(needs: list[float], rate: float) -> float:
    """The max-min fair part of ``rate`` for one that takes all it gets beside others with these ``needs``.

    (Bertsekas and Gallager, Data Networks, 6.5.2: the smallest needs are met first, the rest is divided equally.)
    """
    left, parts = rate, len(needs) + 1
    for need in sorted(needs):
        if need * parts >= left:
            break
        left, parts = left - need, parts - 1
    return left / parts


def parse(items: Iterable[Mapping[str, Any]]) -> tuple[list[RateShare], list[UnreadableRowError]]:
    """Rows as DynamoDB returns them, and what is wrong with those that cannot be read.

    An unreadable row has no share of the rate. Its match sends all the same, until the next broadcast of the match
    overwrites the row; the pace then gives way by the 429s.
    """
    return parse_rows(_parse, items)


def _parse(item: Mapping[str, Any]) -> RateShare:
    match = item["sk"]["S"]
    with reading_row(match, RATE_SHARE, item):
        if count(item, "batches") > MAX_SENDERS:
            raise ValueError(f"its attribute batches is {count(item, 'batches')}, above {MAX_SENDERS}")
        if count(item, "ttl") > time.time() + _LONGEST_SECONDS:
            raise ValueError(f"its attribute ttl is {count(item, 'ttl')}, more than {_LONGEST_SECONDS} s from now")
        return RateShare(
            match=match,
            owner=text(item, "owner"),
            batches=count(item, "batches"),
            ended=frozenset(int(each) for each in item["ended"]["NS"]) if "ended" in item else frozenset(),
            until=count(item, "ttl"),
            left={int(name[4:]): count(item, name) for name in item if name.startswith("left")},
        )


def rate_share_query(table: str) -> dict[str, Any]:
    """The arguments of a consistent Query for all live broadcasts: some hundred fit its megabyte."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :rate_share",
        "ExpressionAttributeValues": {":rate_share": {"S": RATE_SHARE}},
        "ConsistentRead": True,
    }


def statement(table: str, match: str, owner: str, batch: int, left: int) -> dict[str, Any]:
    """The arguments of the UpdateItem by which a sender says how many posts its batch has left; fails as ``ended``."""
    return {
        "TableName": table,
        "Key": rate_share_key(match),
        "UpdateExpression": "SET #left = :left",
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#left": f"left{batch}", "#owner": "owner"},
        "ExpressionAttributeValues": {":left": {"N": str(left)}, ":owner": {"S": owner}},
    }


def ended(table: str, match: str, owner: str, batch: int, *, is_ended: bool) -> dict[str, Any]:
    """The arguments of the UpdateItem by which a sender says that its batch has ended, or goes on after all.

    The answer carries the whole row. Fails with ConditionalCheckFailedException if the row is another's or gone.
    """
    return {
        "TableName": table,
        "Key": rate_share_key(match),
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
        "Key": rate_share_key(match),
        "UpdateExpression": "SET #ttl = :until",
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner", "#ttl": "ttl"},
        "ExpressionAttributeValues": {":until": {"N": str(until)}, ":owner": {"S": owner}},
    }


def removal(table: str, match: str, owner: str) -> dict[str, Any]:
    """The arguments of the DeleteItem at the end of a broadcast; it fails as ``ended`` does."""
    return {
        "TableName": table,
        "Key": rate_share_key(match),
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": {"S": owner}},
    }


def rate_share_key(match: str) -> dict[str, Any]:
    """The primary key of a match's row."""
    return {"pk": {"S": RATE_SHARE}, "sk": {"S": match}}
