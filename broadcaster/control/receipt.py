"""Lambda: the last state of a round. Sums the progress rows into a receipt and settles what the match is told.

The lease is given back only if no newer event has been handed to the cell; both are one conditional write, so an event
that is handed over at that moment either is seen here, or finds the lease free.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control import rate_share
from broadcaster.control.cell_state import CellStates, cell_state_key
from broadcaster.control.control_settings import ReceiptSettings
from broadcaster.control.payload import RoundEnd
from broadcaster.control.progress import round_name, total
from matches.ledger import Ledger
from runtime import aws, lifecycle
from runtime.attributes import UnreadableRowError
from runtime.environment import settings
from runtime.metrics import Metrics, unreadable
from subscriptions.shards import ROWS_PER_SHARD, grown_shards, shard_count
from subscriptions.viewer_counts import ViewerCounts

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

    from broadcaster.control.cell_state import CellState
    from matches.event_types import Receipt

logger = Logger(service="receipt")
metrics = Metrics("receipt")


class Receipts:
    """The end of a round in a cell: what it told is settled in the cell's table, the receipt goes home."""

    def __init__(
        self,
        ledger: Ledger,
        broadcasts: str,
        client: DynamoDBClient,
        viewers: ViewerCounts,
        *,
        lease_seconds: int,
        rows_per_shard: int = ROWS_PER_SHARD,
    ) -> None:
        self.ledger = ledger
        self._table = broadcasts
        self._db = client
        self._viewers = viewers
        self._cell = client.meta.region_name
        self._lease_seconds = lease_seconds
        self._rows_per_shard = rows_per_shard
        self._cell_states = CellStates(broadcasts, client)

    def finish(self, end: RoundEnd) -> bool:
        """Write the receipt and settle the match; returns whether the execution is to go round again.

        If the cell's row of the match is damaged, nothing can be settled: the broadcast ends, its share of the send
        rate is free for the others, and the watchdog finds the row and has it set aside.
        """
        again = False
        try:
            if end.is_lost:
                self._write_if_stopped(end)
            else:
                again = self._settle(end)
        except UnreadableRowError as error:
            unreadable(error)
        if not again:
            with suppress(self._db.exceptions.ConditionalCheckFailedException):
                self._db.delete_item(**rate_share.removal(self._table, end.match, end.owner))
        return again

    def _write_if_stopped(self, end: RoundEnd) -> None:
        """A round that lost its lease because an operator ended it has a receipt: nobody goes on with it."""
        cell_state = self._cell_states.read(end.match)
        if end.due_seq <= cell_state.stopped_seq:
            sums = self._sum(end)
            if sums["batches"]:
                self._write(end, cell_state.told_seq, sums, stopped=True)

    def _settle(self, end: RoundEnd) -> bool:
        cell_state = self._cell_states.read(end.match)
        sums = self._sum(end)
        if sums["batches"] or end.set_aside:
            self._write(end, cell_state.told_seq, sums)
        if not end.reached_seqs:
            # Nobody was told anything: as if it had not run. The watchdog starts it again, a bounded number of times.
            self._update(end.match, "REMOVE lease_owner, lease_until", "", {":owner": {"S": end.owner}}, None)
            return False
        update = "SET ended_seq = :ended"
        values: dict[str, Any] = {":ended": {"N": str(end.ended_seq)}, ":owner": {"S": end.owner}}
        if not end.set_aside and end.ended_seq >= cell_state.told_seq:
            update += ", told_seq = :ended"
            if sums["batches"]:
                update += ", #rows = :rows"
                values[":rows"] = {"N": str(end.rows)}
                if (shards := self._shards(cell_state)) is not None:
                    update += ", shards = :shards"
                    values[":shards"] = {"N": str(grown_shards(shards, end.rows, self._rows_per_shard))}
        names = {"#rows": "rows"} if ":rows" in values else None
        # A batch that was set aside is not tried again for this event; the next event's frame carries what it missed.
        ended = self._update(
            end.match, f"{update} REMOVE lease_owner, lease_until", " AND due_seq <= :ended", values, names
        )
        again = not ended and self._go_on(end, update, values, names)
        if names is not None and (ended or again):
            self._count(end, sums)
        return again

    def _go_on(self, end: RoundEnd, update: str, values: dict[str, Any], names: dict[str, str] | None) -> bool:
        """Keep the lease for another round: something newer has been handed to the cell."""
        values[":until"] = {"N": str(int(time.time()) + self._lease_seconds)}
        values[":round"] = {"S": round_name(end.broadcast, end.round + 1)}
        return self._update(end.match, f"{update}, lease_until = :until, round_name = :round", "", values, names)

    def _count(self, end: RoundEnd, sums: dict[str, int]) -> None:
        """A whole round has met every row: those that are left are who watches. Worth no failure."""
        try:
            self._viewers.correct(end.match, self._cell, max(0, end.rows - sums["gone"]))
        except (ClientError, BotoCoreError) as error:
            logger.warning("viewers were not counted", match=end.match, exc_info=error)

    def _shards(self, cell_state: CellState) -> int | None:
        """The shards that the match has in this cell; None if only home knows, and does not say."""
        if cell_state.shards is not None:
            return shard_count(cell_state.shards, None)
        try:
            return shard_count(None, self.ledger.state(cell_state.match).audience)
        except (ClientError, BotoCoreError) as error:
            logger.warning("home was not reached", match=cell_state.match, exc_info=error)
            return None
        except UnreadableRowError as error:
            unreadable(error)
            return None

    def _update(
        self, match: str, update: str, condition: str, values: dict[str, Any], names: dict[str, str] | None
    ) -> bool:
        try:
            self._db.update_item(
                TableName=self._table,
                Key=cell_state_key(match),
                UpdateExpression=update,
                ConditionExpression="lease_owner = :owner" + condition,
                ExpressionAttributeValues=values,
                **({"ExpressionAttributeNames": names} if names else {}),  # type: ignore[arg-type]
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _sum(self, end: RoundEnd) -> dict[str, int]:
        rows = self._cell_states.progress(end.match, round_name(end.broadcast, end.round))
        return {**total(rows), "rows": end.rows}

    def _write(self, end: RoundEnd, told: int, sums: dict[str, int], *, stopped: bool = False) -> None:
        broadcast = round_name(end.broadcast, end.round)
        body: dict[str, Any] = {"cell": self._cell, "prev": told, "seq": end.ended_seq, "broadcast": broadcast, **sums}
        # Batches of a broadcast that an operator has stopped have not failed, so none counts as set aside.
        body |= {"set_aside": 0, "stopped": True} if stopped else {"set_aside": end.set_aside}
        # A repeated end of the round finds ``told`` moved, perhaps by others: the first receipt is the right one.
        try:
            self.ledger.put_receipt(end.match, end.ended_seq, broadcast, cast("Receipt", body))
        except (ClientError, BotoCoreError):
            # The cell's viewers do not wait for home: the lease is given back, and the receipt is in the log.
            logger.exception("home did not take the receipt", match=end.match, seq=end.ended_seq, receipt=body)
        logger.info("receipt", match=end.match, seq=end.ended_seq, receipt=body)
        metrics.note_event(end.match, end.ended_seq)
        metrics.add("Broadcasts")
        metrics.add("BatchesSetAside", body["set_aside"])
        if sums["batches"] and not stopped:
            metrics.add("BroadcastTook", sums["ms"])


@cache
def _receipts() -> Receipts:
    own = settings(ReceiptSettings)
    return Receipts(
        Ledger(own.matches_table, aws.dynamodb(own.home_region, "hurried")),
        own.broadcasts_table,
        aws.dynamodb(aws.region()),
        ViewerCounts(own.matches_table, aws.dynamodb(own.home_region, "once")),
        lease_seconds=own.lease_seconds,
        rows_per_shard=own.rows_per_shard,
    )


def _reach() -> None:
    _receipts().ledger.open_connection()


@lifecycle.prepare(ReceiptSettings, _receipts, _reach)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """End a round; ``again`` tells the state machine to begin another, with ``batches``."""
    end = RoundEnd.parse(event)
    again = _receipts().finish(end)
    logger.info("finished", match=end.match, seq=end.ended_seq, again=again, lost=end.is_lost)
    return end.answer(again=again).dump()
