"""Pure: how the running broadcasts of a cell share its send rate, by rows of its table ``broadcasts``.

Each match that is being broadcast has one row: ``broadcast`` (its name), ``batches`` (the number of batches of the
round), ``left0``, ``left1`` … (the posts that the batch of this number still has), ``done`` (the batches that are
done), ``ttl`` (when the row runs out), ``v`` (the version: runtime/attributes.py). The starter writes the row for the
first round, and the receipt for each further round. All executions of a broadcast use the same row. The senders read
all rows four times a second. The end of the broadcast deletes the row. A sender announces how many posts its batch
has left: when the sender begins, when that number grows, and each time it has halved. That is about twenty writes for a
million subscription rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from broadcaster.control.plan import MAX_SENDERS
from runtime.attributes import VERSION_ATTRIBUTE, as_number, count, parse_rows, reading_row, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runtime.attributes import DamagedRowError

RATE_SHARE = "rate-share"
"""The one partition key: one Query of a few kilobytes reads all rows."""

HORIZON_SECONDS = 0.5
"""A match gets the rate that sends its remaining posts within this many seconds: twice the time between two polls."""

_LONGEST_SECONDS = 900
"""Seconds, more than two leases. A ``ttl`` further ahead is damaged: its row would keep a part of the rate for ever."""

UNANNOUNCED = 1
"""The posts that count for a batch before its first announcement: its function may not run yet."""


@dataclass(frozen=True, slots=True)
class RateShare:
    """The row of one running broadcast. ``until``: when the row runs out (seconds since 1970)."""

    match: str
    broadcast: str
    batches: int
    done: frozenset[int]
    until: int
    left: Mapping[int, int] = field(default_factory=dict)
    """By batch: the posts that it has left, as its sender last announced."""

    @property
    def senders(self) -> int:
        """The number of senders whose batches are not done."""
        return self.batches - len(self.done)

    @property
    def need(self) -> float:
        """Requests a second that send all remaining posts within ``HORIZON_SECONDS``."""
        announced = [left for batch, left in self.left.items() if batch < MAX_SENDERS and batch not in self.done]
        return (sum(announced) + UNANNOUNCED * max(0, self.senders - len(announced))) / HORIZON_SECONDS


def share(
    rows: Iterable[RateShare], match: str, senders: int, rate: float, now: float, *, announced: bool = True
) -> float:
    """Requests a second for one sender of ``match``, out of the cell's ``rate``; ``now`` in seconds since 1970.

    The division is max-min fair among matches, by the posts that each has left. A match that needs less than an equal
    part leaves the rest to the others, however many they are. So a match without viewers costs the others nothing, and
    one match's storm cannot starve another's goal. The senders of a match divide its part equally. A sender
    whose batch is done leaves its part to the other senders of its match. A match whose batches are all done leaves its
    part to the other matches. ``senders`` is the number of the match's senders if its own row is missing.

    The need of the match itself does not limit its part. A new match gets at most an equal part until it has
    ``announced`` its need and the other senders have had time to read it, because until then they still use that part.
    """
    living = {each.match: each for each in rows if each.until > now and (each.senders > 0 or each.match == match)}
    mine = living[match].senders if match in living else senders
    others = [each.need for each in living.values() if each.match != match]
    part = _fair(others, rate) if announced else rate / (len(others) + 1)
    return part / max(1, mine)


def _fair(needs: list[float], rate: float) -> float:
    """The max-min fair part of ``rate`` for a match of unlimited need beside others with these ``needs``.

    The smallest needs are met first; the rest is divided equally (Bertsekas and Gallager, Data Networks, 6.5.2).
    """
    left, parts = rate, len(needs) + 1
    for need in sorted(needs):
        if need * parts >= left:
            break
        left, parts = left - need, parts - 1
    return left / parts


def parse(items: Iterable[Mapping[str, Any]], now: float) -> tuple[list[RateShare], list[DamagedRowError]]:
    """Rows as DynamoDB returns them at ``now`` (seconds since 1970), and the errors of those that cannot be read.

    A damaged row has no share of the rate. Its match sends all the same, until the next broadcast of the match
    overwrites the row; meanwhile its pace gives way when API Gateway answers 429.
    """
    return parse_rows(lambda item: _parse(item, now), items)


def _parse(item: Mapping[str, Any], now: float) -> RateShare:
    match = item["sk"]["S"]
    with reading_row(match, RATE_SHARE, item):
        if count(item, "batches") > MAX_SENDERS:
            raise ValueError(f"its attribute batches is {count(item, 'batches')}, above {MAX_SENDERS}")
        if count(item, "ttl") > now + _LONGEST_SECONDS:
            raise ValueError(f"its attribute ttl is {count(item, 'ttl')}, more than {_LONGEST_SECONDS} s from now")
        return RateShare(
            match=match,
            broadcast=text(item, "broadcast"),
            batches=count(item, "batches"),
            done=frozenset(int(each) for each in item["done"]["NS"]) if "done" in item else frozenset(),
            until=count(item, "ttl"),
            left={int(name[4:]): count(item, name) for name in item if name.startswith("left")},
        )


def rate_share_query(table: str) -> dict[str, Any]:
    """The arguments of a consistent Query for all rows: one page of 1 MB has room for some hundred."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :rate_share",
        "ExpressionAttributeValues": {":rate_share": {"S": RATE_SHARE}},
        "ConsistentRead": True,
    }


def first_rate_share_put(table: str, match: str, broadcast: str, batches: int, until: int) -> dict[str, Any]:
    """As ``rate_share_put``, for the first round.

    The call fails with ConditionalCheckFailedException if the broadcast has a row already, or if a newer broadcast has
    one: a repeated call, or one that comes late, must not undo what their senders have announced.
    """
    return {
        **rate_share_put(table, match, broadcast, batches, until),
        "ConditionExpression": "attribute_not_exists(pk) OR (#broadcast <> :broadcast AND #ttl <= :until)",
        "ExpressionAttributeNames": {"#broadcast": "broadcast", "#ttl": "ttl"},
        "ExpressionAttributeValues": {":broadcast": {"S": broadcast}, ":until": as_number(until)},
    }


def rate_share_put(table: str, match: str, broadcast: str, batches: int, until: int) -> dict[str, Any]:
    """The arguments of the PutItem that gives a round of ``batches`` its part of the rate, until ``until``."""
    return {
        "TableName": table,
        "Item": {
            **rate_share_key(match),
            **VERSION_ATTRIBUTE,
            "broadcast": {"S": broadcast},
            "batches": as_number(batches),
            "ttl": as_number(until),
        },
    }


def left_update(table: str, match: str, broadcast: str, batch: int, left: int) -> dict[str, Any]:
    """The arguments of the UpdateItem by which a sender announces the posts that its batch has left.

    The call fails with ConditionalCheckFailedException if the row belongs to another broadcast, or is gone.
    """
    return {
        "TableName": table,
        "Key": rate_share_key(match),
        "UpdateExpression": "SET #left = :left",
        "ConditionExpression": "#broadcast = :broadcast",
        "ExpressionAttributeNames": {"#left": f"left{batch}", "#broadcast": "broadcast"},
        "ExpressionAttributeValues": {":left": {"N": str(left)}, ":broadcast": {"S": broadcast}},
    }


def done_update(table: str, match: str, broadcast: str, batch: int, *, is_done: bool) -> dict[str, Any]:
    """The arguments of the UpdateItem by which a sender announces that its batch is done, or goes on after all.

    The answer has the whole row. The call fails as that of ``left_update`` does.
    """
    return {
        "TableName": table,
        "Key": rate_share_key(match),
        "UpdateExpression": f"{'ADD' if is_done else 'DELETE'} #done :batch",
        "ConditionExpression": "#broadcast = :broadcast",
        "ExpressionAttributeNames": {"#done": "done", "#broadcast": "broadcast"},
        "ExpressionAttributeValues": {":batch": {"NS": [str(batch)]}, ":broadcast": {"S": broadcast}},
        "ReturnValues": "ALL_NEW",
    }


def rate_share_renewal(table: str, match: str, broadcast: str, until: int) -> dict[str, Any]:
    """The arguments of the UpdateItem that lets a row run out later; it fails as that of ``left_update`` does."""
    return {
        "TableName": table,
        "Key": rate_share_key(match),
        "UpdateExpression": "SET #ttl = :until",
        "ConditionExpression": "#broadcast = :broadcast",
        "ExpressionAttributeNames": {"#broadcast": "broadcast", "#ttl": "ttl"},
        "ExpressionAttributeValues": {":until": {"N": str(until)}, ":broadcast": {"S": broadcast}},
    }


def deletion(table: str, match: str, broadcast: str) -> dict[str, Any]:
    """The arguments of the DeleteItem at the end of a broadcast; it fails as the call of ``left_update`` does."""
    return {
        "TableName": table,
        "Key": rate_share_key(match),
        "ConditionExpression": "#broadcast = :broadcast",
        "ExpressionAttributeNames": {"#broadcast": "broadcast"},
        "ExpressionAttributeValues": {":broadcast": {"S": broadcast}},
    }


def rate_share_key(match: str) -> dict[str, Any]:
    """The primary key of a match's row."""
    return {"pk": {"S": RATE_SHARE}, "sk": {"S": match}}
