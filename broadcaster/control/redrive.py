"""Takes messages from the set-aside queues, home's and each cell's, sends again what they are about, or drops them.

A message is deleted only after what it is about has been sent. If the process is killed in between, the message stays
in the queue and is sent once more. That is harmless: a record is applied once however often it is on the stream
(matches.ledger), a broadcast that is started twice tells once (broadcaster.control.lease), and the watchdog only looks.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control.set_aside import Message, in_order, parse
from matches.ledger import UnknownMatchError
from runtime.attributes import BrokenMatchError

if TYPE_CHECKING:
    from collections.abc import Container

    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient

    from broadcaster.control.cells import Cell
    from broadcaster.control.watchdog_queue import WatchdogQueue
    from matches.ledger import Ledger

HIDDEN_SECONDS = 60
"""A message that has been looked at is back after so long if we are killed; otherwise at once."""

AT_ONCE = 10
"""Messages in one call
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)."""


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome of a message, and why: ``sent`` again, ``settled`` without that, ``dropped``, or ``kept``."""

    message: Message
    outcome: Literal["sent", "settled", "dropped", "kept"]
    said: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A set-aside queue: a cell's, or home's (None)."""

    sqs: SQSClient
    url: str
    cell: Cell | None = None


@dataclass(slots=True)
class Redrive:
    """The set-aside queues. Leave the ``with`` block to let others see the messages.

    Raises botocore's ClientError and BotoCoreError, but not for a cell whose queue does not answer: ``unreached`` says
    which.
    """

    queues: list[Queue]
    kinesis: KinesisClient
    stream: str
    ledger: Ledger
    watchdog_queue: WatchdogQueue
    unreached: set[str] = field(default_factory=set)
    """The regions of cells whose messages are not known."""
    _handles: dict[str, tuple[Queue, str]] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)
    """By partition key: the sequence number of the last record sent."""
    _started: set[tuple[str, str]] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let others see what is left, at once."""
        for queue in self.queues:
            handles = [handle for of, handle in self._handles.values() if of is queue]
            for start in range(0, len(handles), AT_ONCE):
                entries = [
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(handles[start : start + AT_ONCE])
                ]
                # Otherwise others see them in a minute.
                with suppress(ClientError, BotoCoreError):
                    queue.sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)  # type: ignore[arg-type]
        self._handles.clear()

    def look(self) -> list[Message]:
        """Every message that nobody else is looking at, in the order in which they are to be sent."""
        found: dict[str, Message] = {}
        for queue in self.queues:
            try:
                while fresh := self._receive(queue, found.keys()):
                    found.update(fresh)
            except (ClientError, BotoCoreError):
                if queue.cell is None:
                    raise
                self.unreached.add(queue.cell.region)
        return in_order(found.values())

    def _receive(self, queue: Queue, known: Container[str]) -> dict[str, Message]:
        """Some more messages of a queue by their ids, none if there are no others."""
        # A long poll asks all of SQS's servers, a short one only some (SQSDeveloperGuide, short and long polling).
        answer = queue.sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=AT_ONCE,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            AttributeNames=["All"],
        ).get("Messages", [])
        self._handles.update({each["MessageId"]: (queue, each["ReceiptHandle"]) for each in answer})
        return {each["MessageId"]: parse(each) for each in answer if each["MessageId"] not in known}

    def send(self, message: Message) -> Done:
        """Send again what the message is about, then delete it."""
        if message.obstacle is not None:
            return Done(message, "kept", message.obstacle)
        if message.kind == "record":
            done = self._send_record(message)
        elif message.kind == "watch":
            self.watchdog_queue.sqs.send_message(QueueUrl=self.watchdog_queue.queue, MessageBody=message.body)
            done = Done(message, "sent", "the watchdog looks again")
        else:
            try:
                done = self._send_batch(message)
            except BrokenMatchError as error:
                done = Done(message, "kept", str(error))
        if done.outcome != "kept":
            self._delete(message)
        return done

    def drop(self, message: Message) -> Done:
        """Delete the message; what it is about is lost with it."""
        self._delete(message)
        return Done(message, "dropped", "deleted")

    def _send_record(self, message: Message) -> Done:
        """Put it on the stream as it was, under its key, after those of its key that were sent before."""
        before = self._places.get(message.key)
        order = {"SequenceNumberForOrdering": before} if before is not None else {}
        put = self.kinesis.put_record(
            StreamName=self.stream, Data=message.data, PartitionKey=message.key,
            **order,  # type: ignore[arg-type]
        )  # fmt: skip
        self._places[message.key] = put["SequenceNumber"]
        return Done(message, "sent", "it is on the stream again")

    def _send_batch(self, message: Message) -> Done:
        """Start a broadcast of the match from what every row of the cell has been told, if it is still behind."""
        match, cell = message.match or "", self._handles[message.id][0].cell
        if cell is None:
            return Done(message, "kept", "a batch in the queue of no cell; drop it")
        if (match, cell.region) in self._started:
            return Done(message, "settled", "the broadcast that was just started carries it")
        try:
            state = self.ledger.state(match)
        except UnknownMatchError:
            return Done(message, "kept", f"there is no match {match}; drop it")
        # A cell that could not be reached may be behind the ledger.
        cell_state = cell.cell_states.mark_due(match, state.newest_seq, state.epoch)
        if cell_state.told_seq >= state.newest_seq:
            return Done(message, "settled", f"everyone has been told up to seq {cell_state.told_seq} since")
        if not cell.cell_states.reopen(match, int(time.time())):
            return Done(message, "kept", "a broadcast of this match is running; try again when it has ended")
        self.watchdog_queue.put(match, state.newest_seq, cell.region, epoch=state.epoch)
        cell.starter.start(state, cell_state)
        self._started.add((match, cell.region))
        return Done(message, "sent", f"a broadcast from seq {cell_state.told_seq + 1} to {state.newest_seq} is started")

    def _delete(self, message: Message) -> None:
        queue, handle = self._handles[message.id]
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=handle)
        del self._handles[message.id]
