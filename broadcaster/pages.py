"""Query pages of subscriptions, decoded straight to connection ids.

botocore's parser walks an answer by the service's model, attribute by attribute. A page of subscriptions has some
16,000 rows, so it is taken from botocore before that and read by orjson; everything else of the client (signing,
retries, errors) stays as it is.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from subscriptions.store import page_query

if TYPE_CHECKING:
    from collections.abc import Mapping


PLAIN = 2
"""Attributes of an ordinary row on a page: the connection and the time."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: living connections in order, those of them that follow the score only, and where it ends.

    ``last`` is the row to go on after, None at the end of the shard. ``slow`` has the connections whose viewers took
    nothing in the last broadcasts, and in how many.
    """

    connections: list[str]
    score_only: frozenset[str]
    last: str | None
    slow: Mapping[str, int] = field(default_factory=dict)


def calm_collector() -> None:
    """For a process that reads pages: keep Python's collector from walking over everything for each of them.

    A page is tens of thousands of small objects without a cycle among them. What has been loaded so far stays; with the
    usual thresholds collecting takes longer than reading the page does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def decode_queries(client: Any) -> None:
    """Have every Query answer of a client decoded by orjson. What it returns is what DynamoDB sent, as before."""
    client.meta.events.register("before-parse.dynamodb.Query", _decode, unique_id="livescore-pages")


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict.update(orjson.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def page(answer: Mapping[str, Any], now: float) -> Page:
    """The answer of a ``page_query`` at ``now`` (seconds since the epoch).

    TTL deletes hours late (developerguide/howitworks-ttl.html): expired rows are left out here.
    """
    items = answer["Items"]
    # Times of the same number of digits compare as text; those of this century have ten.
    until = str(int(now))
    connections = [item["sk"]["S"] for item in items if item["ttl"]["N"] > until]
    # Few rows say more than the connection and the time.
    marked = [item for item in items if len(item) > PLAIN]
    return Page(
        connections,
        frozenset(item["sk"]["S"] for item in marked if "only" in item),
        answer["LastEvaluatedKey"]["sk"]["S"] if "LastEvaluatedKey" in answer else None,
        {item["sk"]["S"]: int(item["slow"]["N"]) for item in marked if "slow" in item},
    )


async def read_page(client: Any, table: str, pk: str, after: str | None, now: float) -> Page:
    """Read one page of a shard. Raises botocore's ClientError or BotoCoreError."""
    return page(await client.query(**page_query(table, pk, after)), now)
