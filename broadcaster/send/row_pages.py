"""Query pages of subscriptions, decoded straight to connection ids.

botocore's parser walks an answer by the service's model, attribute by attribute. A page of subscriptions has some
16,000 rows, so it is taken from botocore before that and read by orjson; everything else of the client (signing,
retries, errors) stays as it is.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from broadcaster.send.lap_rows import HELD_BACK_AFTER
from runtime.attributes import UnreadableRowError
from runtime.metrics import report_unreadable
from subscriptions.store import page_query

if TYPE_CHECKING:
    from collections.abc import Mapping


_DIGITS = 10
"""Of a ``ttl``: the digits of a time of this century in seconds since the epoch."""

PLAIN = 2
"""Attributes of an ordinary row on a page: the connection and the time."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: living connections in order, those of them that follow the score only, and where it ends.

    ``last`` is the row to go on after, None at the end of the shard. ``slow`` has the connections whose viewers took
    nothing in the last broadcasts, and in how many. ``strange``: the connections whose row has no readable ``ttl``.
    """

    connections: list[str]
    score_only: frozenset[str]
    last: str | None
    slow: Mapping[str, int] = field(default_factory=dict)
    strange: tuple[str, ...] = ()


def calm_collector() -> None:
    """For a process that reads pages: keep Python's collector from walking over everything for each of them.

    A page is tens of thousands of small objects without a cycle among them. Objects that are loaded already stay, so
    they are frozen. With the usual thresholds, collecting takes longer than reading the page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def decode_queries(client: Any) -> None:
    """Have every Query answer of a client decoded by orjson. The query still returns DynamoDB's own answer."""
    client.meta.events.register("before-parse.dynamodb.Query", _decode, unique_id="livescore-pages")


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict.update(orjson.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def page(answer: Mapping[str, Any], now: float) -> Page:
    """The answer of a ``page_query`` at ``now`` (seconds since the epoch).

    TTL deletes hours late
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html):
    expired rows are left out here. A row without a
    readable ``ttl`` is sent to: its connection is its key, so a living viewer is told, and a dead one is pruned by the
    answer 410.
    """
    items = answer["Items"]
    # Times of the same number of digits compare as text.
    until = str(int(now))
    strange: tuple[str, ...] = ()
    connections: list[str] = []
    with suppress(KeyError, TypeError):
        connections = [item["sk"]["S"] for item in items if item["ttl"]["N"] > until]
    if len(connections) < len(items):
        # Few rows have expired, and one in a million is damaged: the page is read again, more slowly.
        strange = tuple(item["sk"]["S"] for item in items if not _has_ttl(item))
        connections = [item["sk"]["S"] for item in items if not _has_ttl(item) or item["ttl"]["N"] > until]
    # Few rows say more than the connection and the time.
    marked = [item for item in items if len(item) > PLAIN]
    return Page(
        connections,
        frozenset(item["sk"]["S"] for item in marked if "only" in item),
        answer["LastEvaluatedKey"]["sk"]["S"] if "LastEvaluatedKey" in answer else None,
        {item["sk"]["S"]: failed for item in marked if (failed := _slow(item))},
        strange,
    )


def _slow(item: Mapping[str, Any]) -> int:
    """In how many broadcasts running the viewer took nothing; 0 if the row does not say so in a readable way."""
    try:
        return min(max(0, int(item["slow"]["N"])), HELD_BACK_AFTER)
    except (KeyError, TypeError, ValueError):
        return 0


def _has_ttl(item: Mapping[str, Any]) -> bool:
    ttl = item.get("ttl")
    value = ttl.get("N") if isinstance(ttl, dict) else None
    return isinstance(value, str) and len(value) == _DIGITS and value.isdecimal()


async def read_page(client: Any, table: str, pk: str, after: str | None, now: float) -> Page:
    """Read one page of a shard. Raises botocore's ClientError or BotoCoreError."""
    read = page(await client.query(**page_query(table, pk, after)), now)
    for connection in read.strange:
        report_unreadable(
            UnreadableRowError(pk.rpartition("#")[0], f"{pk} {connection}", "it has no ttl that is a time")
        )
    return read
