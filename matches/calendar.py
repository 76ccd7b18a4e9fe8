"""The matches of a day, by an index of the ledger's table.

Index ``by_day`` of ``matches``, keys ``day`` (UTC day of the kick-off) and ``starts`` (the kick-off in UTC). Only
``state`` rows have these two, and only who creates or reschedules a match writes them. An event changes nothing that
the index holds, so a goal writes nothing there (developerguide/GSI.html). A match from before there was the index is in
it once it is rescheduled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matches.batches import read_all
from matches.kickoff import in_utc
from matches.ledger import parse_state
from matches.metrics import skipped
from matches.rows import readable

if TYPE_CHECKING:
    from datetime import date

    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.ledger import MatchState

INDEX = "by_day"

MOST = 200
"""Matches of one day that are told of."""


class Calendar:
    """The index with the states that it points at. Raises botocore's errors, and TimeoutError as ``read_all`` does."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def of(self, day: date) -> tuple[list[MatchState], bool]:
        """The first ``MOST`` matches of a UTC day by kick-off, and whether there are more.

        The states are read consistently; the index follows a new or moved match within moments. A match whose state
        cannot be read is reported and left out.
        """
        page = self._db.query(
            TableName=self.table,
            IndexName=INDEX,
            KeyConditionExpression="#day = :day",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues={":day": {"S": day.isoformat()}},
            Limit=MOST + 1,
        )
        keys: list[dict[str, Any]] = [
            {name: item[name] for name in ("match_id", "item")} for item in page["Items"][:MOST]
        ]
        states = skipped(readable(parse_state, read_all(self._db, self.table, keys)))
        # A match that was moved to another day a moment ago may still be in the index.
        states = [state for state in states if in_utc(state.kickoff).date() == day]
        return sorted(states, key=lambda state: (in_utc(state.kickoff), state.match)), len(page["Items"]) > MOST
