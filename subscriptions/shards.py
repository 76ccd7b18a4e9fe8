"""Pure: which shard a connection's row lies in, and how the number of shards grows.

A DynamoDB partition takes 1,000 writes a second and 3,000 read units a second, so the rows of one match are spread
over shards. Their number is a power of two and only doubles. A row is never moved: a broadcast reads all shards, so
a row written with an old count is still found.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_PER_SHARD = 8_000
"""The greatest number of rows of a shard before a match gets more shards: about half a megabyte, one Query."""

DEFAULT_SHARDS = 16
MAX_SHARDS = 4096


def initial_shards(audience: int | None) -> int:
    """The first number of shards for a match whose operator expects ``audience`` viewers, if anything."""
    if audience is None:
        return DEFAULT_SHARDS
    return next(count for count in _powers() if count * ROWS_PER_SHARD >= audience or count == MAX_SHARDS)


def shard_count(grown: int | None, audience: int | None) -> int:
    """The number of shards of a match: ``grown``, else the first number."""
    return grown or initial_shards(audience)


def grown_shards(shards: int, rows: int, rows_per_shard: int = ROWS_PER_SHARD) -> int:
    """The number of shards after a broadcast has met ``rows`` rows in ``shards`` shards: doubled until they fit."""
    return next(count for count in _powers(shards) if rows <= count * rows_per_shard or count >= MAX_SHARDS)


def shard_of(connection: str, shards: int) -> int:
    """The shard of a connection's row, the same in every process and release.

    CRC-32 is stable and spreads API Gateway's random ids evenly; for powers of two,
    ``shard_of(c, n) == shard_of(c, 2 * n) % n``.
    """
    return crc32(connection.encode()) % shards


def every_shard_of(connection: str, audience: int | None, shards: int) -> list[int]:
    """Every shard that a row of the connection may lie in, over all counts the match has had."""
    counts = takewhile(lambda count: count <= shards, _powers(initial_shards(audience)))
    return sorted({shard_of(connection, count) for count in counts})


def _powers(start: int = 1) -> Iterator[int]:
    while True:
        yield start
        start *= 2
