"""Query pages of subscriptions, decoded straight to connection ids.

botocore's parser reads an answer attribute by attribute, by the service's model. A page of subscriptions has some
16,000 rows. So orjson reads the answers of Query instead. Signing, retries and errors stay botocore's.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from broadcaster.send.lap_rows import HELD_BACK_AFTER
from runtime.attributes import DamagedRowError
from runtime.metrics import report_damaged_row
from subscriptions.store import page_query

if TYPE_CHECKING:
    from collections.abc import Mapping


_DIGITS = 10
"""The digits of a ``ttl``: seconds since 1970, in this century."""

PLAIN = 2
"""Attributes of an ordinary row on a page: the connection and its ``ttl``."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a shard.

    ``connections`` are in order, without expired rows. ``score_only`` are those of them that follow the score only. The
    next page begins after ``last``; None at the end of the shard. ``slow`` says in how many successive broadcasts a
    viewer took no frame. ``strange`` are the connections whose rows have no readable ``ttl``.
    """

    connections: list[str]
    score_only: frozenset[str]
    last: str | None
    slow: Mapping[str, int] = field(default_factory=dict)
    strange: tuple[str, ...] = ()


def calm_collector() -> None:
    """Make Python's garbage collector run rarely, in a process that reads pages.

    A page is tens of thousands of small objects without a cycle. With the usual thresholds, collecting takes longer
    than reading the page. Objects that exist already will stay, so they are frozen.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def decode_queries(client: Any) -> None:
    """Let orjson decode every answer of Query of a client. ``query`` still returns DynamoDB's own answer."""
    client.meta.events.register("before-parse.dynamodb.Query", _decode, unique_id="livescore-pages")


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict.update(orjson.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def page(answer: Mapping[str, Any], now: float) -> Page:
    """The answer of a ``page_query`` at ``now`` (seconds since 1970).

    DynamoDB deletes expired rows hours late
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html), so they are left out here.
    A row without a readable ``ttl`` counts as living: its key is the connection, so a living viewer gets the frame, and
    the answer 410 prunes a dead one.
    """
    items = answer["Items"]
    # Numbers with the same number of digits compare as text.
    until = str(int(now))
    strange: tuple[str, ...] = ()
    connections: list[str] = []
    with suppress(KeyError, TypeError):
        connections = [item["sk"]["S"] for item in items if item["ttl"]["N"] > until]
    if len(connections) < len(items):
        # Rows have expired, or are damaged. Few pages have such rows: read the page again, more slowly.
        strange = tuple(item["sk"]["S"] for item in items if not _has_ttl(item))
        connections = [item["sk"]["S"] for item in items if not _has_ttl(item) or item["ttl"]["N"] > until]
    # Few rows have more attributes than connection and ttl.
    marked = [item for item in items if len(item) > PLAIN]
    return Page(
        connections,
        frozenset(item["sk"]["S"] for item in marked if "only" in item),
        answer["LastEvaluatedKey"]["sk"]["S"] if "LastEvaluatedKey" in answer else None,
        {item["sk"]["S"]: failed for item in marked if (failed := _slow(item))},
        strange,
    )


def _slow(item: Mapping[str, Any]) -> int:
    """The successive broadcasts in which the viewer took no frame; 0 if the row has no readable number."""
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
        report_damaged_row(DamagedRowError(pk.rpartition("#")[0], f"{pk} {connection}", "it has no ttl that is a time"))
    return read
