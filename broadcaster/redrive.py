"""Takes messages from the set-aside queue, sends again what they are about, or drops them.

A message is deleted only after what it is about has been sent. Who is killed in between leaves it in the queue, and it
is sent once more: a record is applied once however often it is on the stream (matches.ledger), a broadcast that is
started twice tells once (broadcaster.lease), and the watchdog only looks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from broadcaster import lease
from broadcaster.setaside import Message, in_order, parse
from matches.ledger import parse_state, state_get

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient

    from broadcaster.starter import Starter

HIDDEN_SECONDS = 60
"""A message that has been looked at is back after so long if we are killed; otherwise at once."""

AT_ONCE = 10
"""Messages in one call (API_ReceiveMessage.html)."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a message: ``sent`` again, ``settled`` without that, ``dropped``, or ``kept``; and why."""

    message: Message
    outcome: Literal["sent", "settled", "dropped", "kept"]
    said: str


@dataclass(slots=True)
class Redrive:
    """The set-aside queue at ``queue``. Leave the ``with`` block to let others see the messages.

    Raises botocore's ClientError and BotoCoreError.
    """

    sqs: SQSClient
    kinesis: KinesisClient
    dynamodb: DynamoDBClient
    starter: Starter
    queue: str
    stream: str
    matches: str
    _handles: dict[str, str] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)
    """By partition key: the sequence number of the last record sent."""
    _started: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let others see what is left, at once."""
        handles = list(self._handles.values())
        self._handles.clear()
        for start in range(0, len(handles), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(handles[start : start + AT_ONCE])
            ]
            self.sqs.change_message_visibility_batch(QueueUrl=self.queue, Entries=entries)  # type: ignore[arg-type]

    def look(self) -> list[Message]:
        """Every message that nobody else is looking at, in the order in which they are to be sent."""
        found: dict[str, Message] = {}
        while True:
            # A long poll asks all of SQS's servers, a short one only some (SQSDeveloperGuide, short and long polling).
            answer = self.sqs.receive_message(
                QueueUrl=self.queue,
                MaxNumberOfMessages=AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
            ).get("Messages", [])
            fresh = [each for each in answer if each["MessageId"] not in found]
            self._handles.update({each["MessageId"]: each["ReceiptHandle"] for each in answer})
            found.update({each["MessageId"]: parse(each) for each in fresh})
            if not fresh:
                return in_order(found.values())

    def send(self, message: Message) -> Done:
        """Send again what the message is about, then delete it."""
        if message.obstacle is not None:
            return Done(message, "kept", message.obstacle)
        if message.kind == "record":
            done = self._send_record(message)
        elif message.kind == "watch":
            self.sqs.send_message(QueueUrl=self.starter.watchdog_queue, MessageBody=message.body)
            done = Done(message, "sent", "the watchdog looks again")
        else:
            done = self._send_batch(message)
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
        """Start a broadcast of the match from what every row has been told, if it is still behind."""
        match = message.match or ""
        if match in self._started:
            return Done(message, "settled", "the broadcast that was just started carries it")
        item = self.dynamodb.get_item(**state_get(self.matches, match)).get("Item")
        if item is None:
            return Done(message, "kept", f"there is no match {match}; drop it")
        state = parse_state(item)
        if state.told >= state.seq:
            return Done(message, "settled", f"everyone has been told up to seq {state.told} since")
        try:
            self.dynamodb.update_item(**lease.reopening(self.matches, match, int(time.time())))
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return Done(message, "kept", "a broadcast of this match is running; try again when it has ended")
        except self.dynamodb.exceptions.TransactionConflictException:
            return Done(message, "kept", "an event of this match is being numbered; try again")
        self.starter.start(state)
        self._started.add(match)
        return Done(message, "sent", f"a broadcast from seq {state.told + 1} to {state.seq} is started")

    def _delete(self, message: Message) -> None:
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=self._handles.pop(message.id))
