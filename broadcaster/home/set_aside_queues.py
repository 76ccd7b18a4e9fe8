"""Receives the messages of the set-aside queues, of home and of each cell, and sends their work again or drops them.

A message is deleted only after its work has been sent. If the process is killed between the two, the message stays in
the queue, and its work is sent once more. That is harmless: the ledger applies a record once however often it is on the
stream (matches/ledger.py), the lease lets one of two broadcasts tell the viewers (lease.py), and the watchdog checks
before it starts anything.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control.set_aside import Message, in_order, parse
from broadcaster.home.watchdog_queue import Watched
from matches.ledger import UnknownMatchError
from runtime.attributes import DamagedMatchError

if TYPE_CHECKING:
    from collections.abc import Container

    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient

    from broadcaster.home.cells import Cell
    from broadcaster.home.watchdog_queue import WatchdogQueue
    from matches.ledger import Ledger

HIDDEN_SECONDS = 60
"""Seconds until the messages of a redrive that was killed can be received again."""

AT_ONCE = 10
"""Messages in one call of SQS
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)."""


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """The outcome of a message, with the reason.

    ``sent``: its work was sent again. ``settled``: its work is done already. ``dropped``: the message was deleted.
    ``kept``: the message stays in the queue.
    """

    message: Message
    outcome: Literal["sent", "settled", "dropped", "kept"]
    reason: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A set-aside queue: that of ``cell``, or that of home (None)."""

    sqs: SQSClient
    url: str
    cell: Cell | None = None


@dataclass(slots=True)
class Redrive:
    """The set-aside queues of a deployment. At the end of the ``with`` block other processes can receive the messages.

    Raises botocore's ClientError and BotoCoreError. A cell whose queue does not answer raises nothing: ``unreached``
    has its name.
    """

    queues: list[Queue]
    kinesis: KinesisClient
    stream: str
    ledger: Ledger
    watchdog_queue: WatchdogQueue
    unreached: set[str] = field(default_factory=set)
    """The names of cells whose queues did not answer."""
    _handles: dict[str, tuple[Queue, str]] = field(default_factory=dict)
    _sequence_numbers: dict[str, str] = field(default_factory=dict)
    """By partition key: the sequence number of the last record sent."""
    _started: set[tuple[str, str]] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Make the remaining messages visible to other processes at once."""
        for queue in self.queues:
            handles = [handle for of, handle in self._handles.values() if of is queue]
            for start in range(0, len(handles), AT_ONCE):
                entries = [
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(handles[start : start + AT_ONCE])
                ]
                # If this fails, the messages are visible again after HIDDEN_SECONDS.
                with suppress(ClientError, BotoCoreError):
                    queue.sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)  # type: ignore[arg-type]
        self._handles.clear()

    def receive(self) -> list[Message]:
        """Every message that no other process has received, in the order in which they have to be sent."""
        messages: dict[str, Message] = {}
        for queue in self.queues:
            try:
                while fresh := self._receive(queue, messages.keys()):
                    messages.update(fresh)
            except (ClientError, BotoCoreError):
                if queue.cell is None:
                    raise
                self.unreached.add(queue.cell.description.name)
        return in_order(messages.values())

    def _receive(self, queue: Queue, known: Container[str]) -> dict[str, Message]:
        """Some more messages of a queue, by their ids. The result is empty if there are no others."""
        # A long poll asks all of SQS's servers, a short poll only some of them
        # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
        answer = queue.sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=AT_ONCE,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            AttributeNames=["All"],
        ).get("Messages", [])
        self._handles.update({each["MessageId"]: (queue, each["ReceiptHandle"]) for each in answer})
        return {each["MessageId"]: parse(each) for each in answer if each["MessageId"] not in known}

    def send(self, message: Message) -> RedriveResult:
        """Send the work of a message again, then delete the message."""
        if message.obstacle is not None:
            return RedriveResult(message, "kept", message.obstacle)
        if message.kind == "record":
            result = self._send_record(message)
        elif message.kind == "watch":
            self.watchdog_queue.sqs.send_message(QueueUrl=self.watchdog_queue.url, MessageBody=message.body)
            result = RedriveResult(message, "sent", "the watchdog checks the event again")
        else:
            try:
                result = self._send_batch(message)
            except DamagedMatchError as error:
                result = RedriveResult(message, "kept", str(error))
        if result.outcome != "kept":
            self._delete(message)
        return result

    def drop(self, message: Message) -> RedriveResult:
        """Delete the message. Its work is lost."""
        self._delete(message)
        return RedriveResult(message, "dropped", "deleted")

    def _send_record(self, message: Message) -> RedriveResult:
        """Put a record on the stream again, with its own bytes and key, after the records of its key sent earlier."""
        before = self._sequence_numbers.get(message.key)
        order = {"SequenceNumberForOrdering": before} if before is not None else {}
        put = self.kinesis.put_record(
            StreamName=self.stream, Data=message.data, PartitionKey=message.key,
            **order,  # type: ignore[arg-type]
        )  # fmt: skip
        self._sequence_numbers[message.key] = put["SequenceNumber"]
        return RedriveResult(message, "sent", "the record is on the stream again")

    def _send_batch(self, message: Message) -> RedriveResult:
        """Start a broadcast of the match in the cell from ``told_seq``, if the cell is still behind the ledger."""
        match, cell = message.match or "", self._handles[message.id][0].cell
        if cell is None:
            return RedriveResult(message, "kept", "the batch is not in the queue of a cell; drop it")
        if (match, cell.description.name) in self._started:
            return RedriveResult(message, "settled", "the broadcast that this redrive has started carries its events")
        try:
            state = self.ledger.state(match)
        except UnknownMatchError:
            return RedriveResult(message, "kept", f"there is no match {match}; drop it")
        # In a cell that could not be reached, the newest event may not be due yet.
        cell_state = cell.cell_states.mark_due(match, state.newest_seq, state.epoch)
        if cell_state.told_seq >= state.newest_seq:
            return RedriveResult(
                message, "settled", f"meanwhile all viewers have been told up to seq {cell_state.told_seq}"
            )
        if not cell.cell_states.reopen(match, int(time.time())):
            return RedriveResult(message, "kept", "a broadcast of this match is running; try again when it has ended")
        self.watchdog_queue.put(Watched(match, state.newest_seq, cell.description.name, state.epoch))
        cell.transport.begin(state)
        self._started.add((match, cell.description.name))
        return RedriveResult(
            message, "sent", f"a broadcast from seq {cell_state.told_seq + 1} to {state.newest_seq} is started"
        )

    def _delete(self, message: Message) -> None:
        queue, handle = self._handles[message.id]
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=handle)
        del self._handles[message.id]
