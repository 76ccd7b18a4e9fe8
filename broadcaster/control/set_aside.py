"""Pure: what lies in the set-aside queues, written and read: what failed for good, with its reason.

Four kinds of message, a batch in its cell's queue, the others in home's:

- ``record``: of the stream, which is none of ours, or of a match that does not exist or is damaged (the fan-out)
- ``batch``: part of a broadcast that failed on every try (the state machine, broadcast.asl.json)
- ``watch``: a broadcast that had not ended however often the watchdog looked (SQS itself, from the watchdog's queue),
  or whose match has a damaged row (the watchdog)
- ``unreadable``: anything else
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
"""Kept of a record's data, in base64: a message of SQS holds 256 KB, and a record of Kinesis 1 MB."""

REASON_LENGTH = 500
"""Shown of a reason: the state machine's has a whole traceback."""

Kind = Literal["record", "batch", "watch", "unreadable"]


class NoSuchMessageError(NotThereError):
    """No message, or more than one, has an id that begins so; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue."""

    id: str
    kind: Kind
    match: str | None
    reason: str
    sent_at: float
    """When it was set aside (seconds since the epoch)."""
    received: int
    """Times that it was received from the queue. A listing counts as well."""
    key: str = ""
    """Of a record: its partition key."""
    data: bytes = b""
    """Of a record: what was on the stream."""
    body: str = ""
    """Of a watch: the watchdog's own message."""
    place: int = 0
    """Of a record: its number on the stream, which grows with time."""
    obstacle: str | None = None
    """Why it cannot be sent again, None if it can."""

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

    Plain ASCII: SQS refuses some characters
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html),
    and a refusal here would block the shard.
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


def watch_body(watched: Mapping[str, Any], reason: str) -> str:
    """The message for a watchdog's message about a match that is damaged."""
    return json.dumps({**watched, "kind": "watch", "reason": reason})


def parse(received: Mapping[str, Any]) -> Message:
    """A message as ReceiveMessage returns it, with its system attributes."""
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
        if kind in (None, "watch") and isinstance(match, str) and type(body.get("seq")) is int:
            if kind is None:
                reason = f"the broadcast of seq {body['seq']} had not ended however often the watchdog looked"
            return Message(kind="watch", match=match, reason=reason, body=received["Body"], **about)
    reason = f"not a message of ours: {received['Body'][:80]!a}"
    return Message(kind="unreadable", match=None, reason=reason, obstacle="it cannot be read", **about)


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Records first, as they were on the stream; then broadcasts, which will carry them too; the oldest first."""
    return sorted(messages, key=lambda each: (each.kind != "record", each.place, each.sent_at, each.id))


def find(messages: Iterable[Message], beginning: str) -> Message:
    """The message whose id begins so. Raises NoSuchMessageError."""
    found = [each for each in messages if beginning and each.id.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    problem = "No message has" if not found else f"{len(found)} messages have"
    raise NoSuchMessageError(f"{problem} an id that begins with {beginning!a}.")


def _record(body: dict[str, Any], reason: str, about: dict[str, Any]) -> Message:
    obstacle, data = None, b""
    text: str = body["data"]
    # Before messages said so, data of just this length had been cut, but for one in thousands.
    if body.get("cut", len(text) >= DATA_BYTES):
        obstacle = f"only its first {DATA_BYTES // 1024} KB were kept, of what Kinesis may no longer have"
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


def _match_of(data: bytes) -> str | None:
    try:
        body = json.loads(data)
    except ValueError:
        return None
    match = body.get("match") if isinstance(body, dict) else None
    return match if isinstance(match, str) else None
