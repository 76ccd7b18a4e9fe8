"""Lambda: ends a round. Writes the receipt, sets ``ended_seq`` and ``told_seq``, and releases or renews the lease.

The receipt releases the lease if no newer event is due in the cell, or if no batch has reached anything. One
conditional write checks ``due_seq`` and releases the lease. So an event that becomes due at that moment is either seen
here, or finds the lease free.
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
from broadcaster.control.lease import start_owner
from broadcaster.control.payload import RoundEnd
from broadcaster.control.progress import batch_times, round_name, total
from broadcaster.control.receipt_settings import ReceiptSettings
from matches.ledger import Ledger, UnknownMatchError
from runtime import aws, lifecycle
from runtime.attributes import DamagedRowError
from runtime.environment import settings
from runtime.metrics import Metrics, report_damaged_row
from subscriptions.shards import ROWS_PER_SHARD, grown_shards, shard_count
from subscriptions.viewer_counts import ViewerCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

    from broadcaster.control.cell_state import CellState
    from matches.event_types import Receipt

logger = Logger(service="receipt")
metrics = Metrics("receipt")

_RELEASE = "REMOVE lease_owner, lease_until"

_NOT_BACK = "(attribute_not_exists(ended_seq) OR ended_seq <= :ended_seq)"
"""Step Functions may run an execution twice: the second run may end a round that the first run ended long before."""


class Receipts:
    """Ends rounds in one cell, whose name is ``cell``. The receipts themselves go home, to the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        broadcasts: str,
        client: DynamoDBClient,
        viewer_counts: ViewerCounts,
        *,
        cell: str,
        lease_seconds: int,
        rows_per_shard: int = ROWS_PER_SHARD,
    ) -> None:
        self.ledger = ledger
        self._table = broadcasts
        self._db = client
        self._viewer_counts = viewer_counts
        self._cell = cell
        self._lease_seconds = lease_seconds
        self._rows_per_shard = rows_per_shard
        self._cell_states = CellStates(broadcasts, client)

    def finish(self, end: RoundEnd) -> bool:
        """Write the receipt and end the round; returns whether the execution begins another round.

        If the cell's row of the match is damaged, the broadcast ends and frees its part of the send rate. The watchdog
        then finds the row and reports it. Raises botocore's ClientError and BotoCoreError.
        """
        another_round = keeps_rate_share = False
        try:
            cell_state = self._cell_states.read(end.match)
            if end.lease_lost or _never_had_the_lease(end, cell_state):
                self._end_lost_round(end, cell_state)
                keeps_rate_share = _goes_on(end, cell_state)
            else:
                another_round = self._end_round(end, cell_state)
        except DamagedRowError as error:
            report_damaged_row(error)
        if another_round:
            self._renew_rate_share(end)
        elif not keeps_rate_share:
            self._free_rate_share(end)
        return another_round

    def _end_lost_round(self, end: RoundEnd, cell_state: CellState) -> None:
        """Write a receipt if an operator has stopped the broadcast; otherwise the execution with the lease does."""
        if end.due_seq <= cell_state.stopped_seq:
            reports = self._reports(end)
            if reports:
                self._write_receipt(end, cell_state.told_seq, reports, stopped=True)

    def _end_round(self, end: RoundEnd, cell_state: CellState) -> bool:
        """Write the receipt, then set what the cell has told; returns whether a newer event needs another round."""
        reports = self._reports(end)
        # A repeated end of the round may find another ``told_seq``. The ledger keeps the first receipt.
        if reports or end.failed_batches:
            self._write_receipt(end, cell_state.told_seq, reports)
        if not end.reached_seqs:
            # No viewer was told: as if there had been no round. The watchdog starts it again, but not for ever.
            self._update(end, {}, then=_RELEASE)
            return False
        outcome = self._outcome(end, cell_state, has_counts=bool(reports))
        released = self._update(end, outcome, then=_RELEASE, only_if=f"due_seq <= :ended_seq AND {_NOT_BACK}")
        another_round = not released and self._update(end, outcome | self._next_round(end), only_if=_NOT_BACK)
        if "rows" in outcome and (released or another_round):
            self._count_viewers(end, total(reports)["gone"])
        return another_round

    def _outcome(self, end: RoundEnd, cell_state: CellState, *, has_counts: bool) -> dict[str, int]:
        """The attributes of the cell's row that the round sets.

        A batch that was set aside is not sent again for its event: the frame of the next event carries what its viewers
        missed. So ``ended_seq`` moves, and ``told_seq`` does not.
        """
        outcome = {"ended_seq": end.receipt_seq}
        if end.failed_batches or end.receipt_seq < cell_state.told_seq:
            return outcome
        outcome["told_seq"] = end.receipt_seq
        if has_counts:
            outcome["rows"] = end.rows
            if (shards := self._shards(cell_state)) is not None:
                outcome["shards"] = grown_shards(shards, end.rows, self._rows_per_shard)
        return outcome

    def _next_round(self, end: RoundEnd) -> dict[str, int | str]:
        """The attributes of the cell's row that renew the lease for the next round."""
        until = int(time.time()) + self._lease_seconds
        return {"lease_until": until, "round_name": round_name(end.broadcast, end.round + 1)}

    def _shards(self, cell_state: CellState) -> int | None:
        """The number of shards of the match in this cell; None if home, which alone knows it, cannot say."""
        if cell_state.shards is not None:
            return shard_count(cell_state.shards, None)
        try:
            return shard_count(None, self.ledger.state(cell_state.match).audience)
        except (ClientError, BotoCoreError) as error:
            logger.warning("home_unreached", match=cell_state.match, exc_info=error)
        except DamagedRowError as error:
            report_damaged_row(error)
        except UnknownMatchError:
            logger.warning("match_unknown", match=cell_state.match)
        return None

    def _update(self, end: RoundEnd, values: Mapping[str, int | str], *, then: str = "", only_if: str = "") -> bool:
        """Set attributes of the cell's row; returns False if another execution has the lease, or ``only_if`` fails."""
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        names = {"ExpressionAttributeNames": {f"#{name}": name for name in values}} if values else {}
        given = {
            f":{name}": {"N": str(each)} if isinstance(each, int) else {"S": each} for name, each in values.items()
        }
        try:
            self._db.update_item(
                TableName=self._table,
                Key=cell_state_key(end.match),
                UpdateExpression=f"SET {sets} {then}" if values else then,
                ConditionExpression="lease_owner = :owner" + (f" AND {only_if}" if only_if else ""),
                ExpressionAttributeValues={**given, ":owner": {"S": end.owner}},
                **names,  # type: ignore[arg-type]
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _renew_rate_share(self, end: RoundEnd) -> None:
        """Write the broadcast's rate share for the next round, in which no batch is done yet.

        If the row cannot be written, the viewers are told all the same. Then the other broadcasts slow down only
        because of 429s.
        """
        until = int(time.time()) + self._lease_seconds
        put = rate_share.rate_share_put(self._table, end.match, end.broadcast, len(end.batches), until)
        try:
            self._db.put_item(**put)
        except (ClientError, BotoCoreError) as error:
            logger.warning("rate_share_unwritten", match=end.match, broadcast=end.broadcast, exc_info=error)

    def _free_rate_share(self, end: RoundEnd) -> None:
        """Delete the broadcast's rate share, unless another broadcast of the match has replaced it."""
        with suppress(self._db.exceptions.ConditionalCheckFailedException):
            self._db.delete_item(**rate_share.deletion(self._table, end.match, end.broadcast))

    def _count_viewers(self, end: RoundEnd, gone: int) -> None:
        """Correct the count of viewers at home, because a whole round has met every row. A failure is only logged."""
        try:
            self._viewer_counts.correct(end.match, self._cell, max(0, end.rows - gone))
        except (ClientError, BotoCoreError) as error:
            logger.warning("viewers_uncounted", match=end.match, exc_info=error)

    def _reports(self, end: RoundEnd) -> list[dict[str, Any]]:
        """The counts of the batches of the round that have reported."""
        return self._cell_states.progress(end.match, round_name(end.broadcast, end.round))

    def _write_receipt(
        self, end: RoundEnd, told_seq: int, reports: Sequence[dict[str, Any]], *, stopped: bool = False
    ) -> None:
        sums = {**total(reports), "rows": end.rows}
        name = round_name(end.broadcast, end.round)
        receipt: dict[str, Any] = {
            "cell": self._cell, "prev": told_seq, "seq": end.receipt_seq, "broadcast": name, **sums,
            "due_at": end.due_at, "started_at": end.started_at, "at": time.time_ns() // 1_000_000,
            "posts": batch_times(reports),
        }  # fmt: skip
        # An operator has stopped the broadcast: its batches have not failed, so none counts as set aside.
        receipt |= {"set_aside": 0, "stopped": True} if stopped else {"set_aside": end.failed_batches}
        try:
            self.ledger.put_receipt(end.match, end.receipt_seq, name, cast("Receipt", receipt))
        except (ClientError, BotoCoreError):
            # The cell's viewers do not wait for home: the round ends, and the receipt is in the log.
            logger.exception("receipt_unwritten", match=end.match, seq=end.receipt_seq, receipt=receipt)
        logger.info("receipt", match=end.match, seq=end.receipt_seq, receipt=receipt)
        metrics.note_event(end.match, end.receipt_seq)
        metrics.add("Broadcasts")
        metrics.add("BatchesSetAside", receipt["set_aside"])
        if reports and not stopped:
            metrics.add("BroadcastTook", sums["ms"])


def _never_had_the_lease(end: RoundEnd, cell_state: CellState) -> bool:
    """Whether no sender of the execution ran, and another broadcast began meanwhile: that one tells the viewers."""
    return not end.reached_seqs and cell_state.owner not in (None, end.owner, start_owner(end.broadcast))


def _goes_on(end: RoundEnd, cell_state: CellState) -> bool:
    """Whether another execution of the same broadcast has the lease: the execution of ``end`` ran twice."""
    of_broadcast = (cell_state.round_name or "").rpartition("#")[0] == end.broadcast
    return of_broadcast and cell_state.owner not in (None, end.owner)


@cache
def _receipts() -> Receipts:
    own = settings(ReceiptSettings)
    return Receipts(
        Ledger(own.matches_table, aws.dynamodb(own.home_region, "hurried")),
        own.broadcasts_table,
        aws.dynamodb(aws.region()),
        ViewerCounts(own.matches_table, aws.dynamodb(own.home_region, "once")),
        cell=own.cell,
        lease_seconds=own.lease_seconds,
        rows_per_shard=own.rows_per_shard,
    )


def _open_connections() -> None:
    _receipts().ledger.open_connection()


@lifecycle.prepare(ReceiptSettings, _receipts, _open_connections)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Write the receipt of a RoundEnd; returns a RoundAnswer.

    Raises UnknownVersionError and PayloadError, and the errors of Receipts.finish.
    """
    end = RoundEnd.parse(event)
    another_round = _receipts().finish(end)
    logger.info(
        "round_ended",
        match=end.match,
        seq=end.receipt_seq,
        another_round=another_round,
        lease_lost=end.lease_lost,
    )
    return end.answer(another_round=another_round).dump()
