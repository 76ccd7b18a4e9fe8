"""The services that the model replaces: the stream, Step Functions' API, the watchdog's queue."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from runtime.refusals import AWS_ERRORS
from trials.model.actors import Died, Turn, current_routine

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(operation: str, code: str = "ThrottlingException") -> ClientError:
    """The error that botocore raises when a service has refused every try."""
    return ClientError({"Error": {"Code": code, "Message": "injected"}}, operation)


def lost(operation: str) -> ReadTimeoutError:
    """The error that botocore raises when the answer to the last try has not come."""
    return ReadTimeoutError(endpoint_url=operation)


def effect(operation: str, work: Callable[[], Any]) -> Any:
    """A call of AWS by the running actor: it waits for its turn.

    It may fail, happen twice, happen and have no answer, or be the actor's last.
    """
    routine = current_routine()
    if routine is None:
        return work()
    turn = routine.pause(operation)
    if turn is Turn.FAIL:
        raise refusal(operation)
    if turn is Turn.ANSWER_LOST:
        with suppress(*AWS_ERRORS):
            work()
        raise lost(operation)
    try:
        if turn is Turn.TWICE:
            work()
        return work()
    finally:
        if turn is Turn.DIE_AFTER:
            raise Died


@dataclass(slots=True)
class Stream:
    """The events stream: its records by partition key, and the position of the event source."""

    on_put: Callable[[str, bytes], None]
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    def put_record(self, *, StreamName: str, Data: bytes, PartitionKey: str) -> None:  # noqa: N803 - boto3's names
        """As in boto3."""

        def put() -> None:
            kept = self.records.setdefault(PartitionKey, [])
            data = base64.b64encode(Data).decode()
            record = {"partitionKey": PartitionKey, "sequenceNumber": str(len(kept)), "data": data}
            kept.append({"kinesis": record, "eventID": f"{StreamName}:{len(kept)}"})
            self.on_put(PartitionKey, Data)

        effect("PutRecord", put)

    def waiting(self, match: str) -> int:
        """The number of records that are not handled yet."""
        return len(self.records.get(match, [])) - self.done.get(match, 0)


@dataclass(slots=True)
class StepFunctions:
    """Begins executions with ``begin(name, input)``."""

    begin: Callable[[str, dict[str, Any]], object]

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, ARG002, N803
        """As in boto3."""
        effect("StartExecution", lambda: self.begin(name, json.loads(input)))


@dataclass(slots=True)
class Queue:
    """One queue; ``messages`` in the order they were sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> None:  # noqa: ARG002, N803
        """As in boto3."""
        effect("SendMessage", lambda: self.messages.append(json.loads(MessageBody)))
