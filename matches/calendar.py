"""The matches of a day, by an index of the ledger's table.

The index ``by_day`` of ``matches`` has the keys ``day`` (UTC day of the kick-off) and ``starts`` (the kick-off in UTC).
Only ``state`` rows have these two attributes, and only the creation or a change of a match writes them. An event
changes nothing that the index holds, so a goal writes nothing there
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matches.kickoff import calendar_entry
from matches.match_rows import parse_state
from runtime.attributes import Item, parse_rows
from runtime.bulk_rows import read_rows
from runtime.metrics import undamaged_rows

if TYPE_CHECKING:
    from datetime import date

    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.match_state import MatchState

INDEX = "by_day"

PAGE = 200
"""Matches on one page of a day's list."""

PAGES = 50
"""The most pages of a day's list."""


class Calendar:
    """The index, and the states of its matches. Raises botocore's errors, and TimeoutError as ``read_rows`` does."""

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
        """The matches of these keys by kick-off, read consistently. Matches without a known time come last.

        A match with a damaged state is reported and left out.
        """
        states = undamaged_rows(parse_rows(parse_state, read_rows(self._db, self.table, keys)))
        placed = [(calendar_entry(state.kickoff), state) for state in states]
        # The index may still have a match that has just moved to another day.
        here = [(place["starts"], state.match, state) for place, state in placed if place["day"] == day.isoformat()]
        return [state for _, _, state in sorted(here, key=lambda each: each[:2])]
