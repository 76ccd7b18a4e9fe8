"""The matches of a day, by an index of the ledger's table.

Index ``by_day`` of ``matches``, keys ``day`` (UTC day of the kick-off) and ``starts`` (the kick-off in UTC). Only
``state`` rows have these two, and only who creates or changes a match writes them. An event changes nothing that
the index holds, so a goal writes nothing there
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html).
A match from before there was the index is in
it once it is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matches.kickoff import calendar_entry
from matches.match_rows import parse_state
from runtime.attributes import Item, parse_rows
from runtime.bulk_rows import read_rows
from runtime.metrics import readable_rows

if TYPE_CHECKING:
    from datetime import date

    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.match_state import MatchState

INDEX = "by_day"

PAGE = 200
"""Matches of one page of a day's list."""

PAGES = 50
"""Pages of a day's list at most."""


class Calendar:
    """The index with the states that it points at. Raises botocore's errors, and TimeoutError as ``read_rows`` does."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def keys_of(self, day: date) -> list[Item]:
        """The keys of all matches of a UTC day by kick-off, at most ``PAGES`` pages of them.

        The index follows a new or moved match within moments.
        """
        pages = self._db.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=INDEX,
            KeyConditionExpression="#day = :day",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues={":day": {"S": day.isoformat()}},
            PaginationConfig={"MaxItems": PAGE * PAGES},
        )
        return [{name: item[name] for name in ("match_id", "item")} for page in pages for item in page["Items"]]

    def states(self, day: date, keys: list[Item]) -> list[MatchState]:
        """The matches of these keys, read consistently, by kick-off; those whose time is not known come last.

        A match whose state cannot be read is reported and left out.
        """
        states = readable_rows(parse_rows(parse_state, read_rows(self._db, self.table, keys)))
        placed = [(calendar_entry(state.kickoff), state) for state in states]
        # A match that was moved to another day a moment ago may still be in the index.
        here = [(place["starts"], state.match, state) for place, state in placed if place["day"] == day.isoformat()]
        return [state for _, _, state in sorted(here, key=lambda each: each[:2])]
