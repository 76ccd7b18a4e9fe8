"""Pure: writes and reads the messages of the set-aside queues: work that failed for good, each with its reason.

There are four kinds. Batches lie in the queue of their cell, the others in the queue of home:

- ``record``: a record of the stream that is no event of ours, or whose match does not exist or is damaged. The fan-out
  sets it aside.
- ``batch``: a batch of a broadcast that failed on every try. The state machine (broadcast.asl.json) sets it aside.
- ``watch``: a message to the watchdog. SQS sets it aside if the broadcast did not end within the queue's limit of
  checks; the watchdog sets it aside if the match has a damaged row.
- ``damaged``: any other message.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runtime.errors import NotThereError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DATA_BYTES = 128 * 1024
"""The part of a record's data, in base64, that a message has: SQS holds 256 KB a message, Kinesis 1 MB a record."""

REASON_LENGTH = 500
"""Characters of a reason that a listing shows: the state machine's reasons hold a whole traceback."""

Kind = Literal["record", "batch", "watch", "damaged"]


class NoSuchMessageError(NotThereError):
    """No message, or more than one, has an id with the given beginning. The text is a sentence for an operator."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a set-aside queue."""

    id: str
    kind: Kind
    match: str | None
    reason: str
    sent_at: float
    """When it was set aside (seconds since 1970)."""
    received: int
    """Number of times that it was received from the queue. A listing counts too."""
    key: str = ""
    """Of a record: its partition key."""
    data: bytes = b""
    """Of a record: its bytes on the stream."""
    body: str = ""
    """Of a watch: the message to the watchdog."""
    place: int = 0
    """Of a record: its sequence number on the stream, which grows with time."""
    obstacle: str | None = None
    """The reason why it cannot be sent again; None if it can."""

    def to_dict(self, now: float) -> dict[str, Any]:
        """As ``livescore redrive --json`` prints it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "match": self.match,
            "reason": self.reason,
            "age_seconds": max(0, round(now - self.sent_at)),
            "received": self.received,
            "obstacle": self.obstacle,
        }


def record_body(record: Mapping[str, Any], reason: str) -> str:
    """The message for a record of a Kinesis event source that cannot be handled.

    It is plain ASCII, because SQS refuses some characters
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html), and a refusal here
    would block the stream's shard.
    """
    kinesis = record["kinesis"]
    return json.dumps(
        {
            "kind": "record",
            "reason": reason,
            "event_id": record.get("eventID"),
            "partition_key": kinesis["partitionKey"],
            "data": kinesis["data"][:DATA_BYTES],
            "cut": len(kinesis["data"]) > DATA_BYTES,
        }
    )


def watch_body(message: Mapping[str, Any], reason: str) -> str:
    """The message for a message to the watchdog that is set aside."""
    return json.dumps({**message, "kind": "watch", "reason": reason})


def parse(received: Mapping[str, Any]) -> Message:
    """Parse a message as ReceiveMessage returns it, with its system attributes."""
    attributes = received.get("Attributes", {})
    about: dict[str, Any] = {
        "id": received["MessageId"],
        "sent_at": int(attributes.get("SentTimestamp", 0)) / 1000,
        "received": int(attributes.get("ApproximateReceiveCount", 0)),
    }
    try:
        body = json.loads(received["Body"])
    except ValueError:
        body = None
    if isinstance(body, dict):
        kind, match, reason = body.get("kind"), body.get("match"), str(body.get("reason"))[:REASON_LENGTH]
        if kind == "record" and isinstance(body.get("data"), str) and isinstance(body.get("partition_key"), str):
            return _record(body, reason, about)
        if kind == "batch" and isinstance(match, str):
            return Message(kind="batch", match=match, reason=reason, **about)
        if kind in (None, "watch") and _is_watch(body):
            if kind is None:
                reason = f"the broadcast of seq {body['seq']} did not end, and the watchdog has made its last check"
            return Message(kind="watch", match=match, reason=reason, body=received["Body"], **about)
    reason = f"not a message of ours: {received['Body'][:80]!a}"
    return Message(kind="damaged", match=None, reason=reason, obstacle="it cannot be read", **about)


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Records first, in the order of the stream; then the other messages, whose broadcasts carry those records too."""
    return sorted(messages, key=lambda each: (each.kind != "record", each.place, each.sent_at, each.id))


def find(messages: Iterable[Message], beginning: str) -> Message:
    """The one message whose id begins with ``beginning``. Raises NoSuchMessageError."""
    candidates = [each for each in messages if beginning and each.id.startswith(beginning)]
    if len(candidates) == 1:
        return candidates[0]
    problem = "No message has" if not candidates else f"{len(candidates)} messages have"
    raise NoSuchMessageError(f"{problem} an id that begins with {beginning!a}.")


def _record(body: dict[str, Any], reason: str, about: dict[str, Any]) -> Message:
    obstacle, data = None, b""
    text: str = body["data"]
    if body.get("cut", True):
        obstacle = f"only its first {DATA_BYTES // 1024} KB are here, and Kinesis may no longer have the rest"
    else:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            obstacle = "its data is not base64"
    shard, _, number = str(body.get("event_id")).rpartition(":")
    return Message(
        kind="record", match=_match_of(data) or body["partition_key"], reason=reason, key=body["partition_key"],
        data=data, place=int(number) if shard and number.isdecimal() else 0, obstacle=obstacle, **about,
    )  # fmt: skip


def _is_watch(body: dict[str, Any]) -> bool:
    """Whether a message has every field that the watchdog reads (watchdog_queue.py)."""
    texts = (body.get(name) for name in ("match", "cell", "epoch"))
    numbers = (body.get("seq"), body.get("tries"), body.get("restarts", 0))
    return all(isinstance(each, str) for each in texts) and all(type(each) is int for each in numbers)


def _match_of(data: bytes) -> str | None:
    try:
        body = json.loads(data)
    except ValueError:
        return None
    match = body.get("match") if isinstance(body, dict) else None
    return match if isinstance(match, str) else None
