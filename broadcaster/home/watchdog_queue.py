"""Sends messages to the watchdog: check later whether a broadcast of an event has ended in a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class WatchdogQueue:
    """The watchdog's queue. Raises botocore's ClientError and BotoCoreError."""

    sqs: SQSClient
    url: str
    first_seconds: int
    """Seconds from an event to its first check."""

    def put(self, match: str, seq: int, cell: str, epoch: str, *, seconds: int | None = None, tries: int = 0) -> None:
        """Ask the watchdog to check event ``seq`` of an epoch in a cell, after ``seconds`` (None: the first check).

        ``tries``: checks of this event that have failed already, because the cell did not answer or a row is damaged.
        """
        message = {"match": match, "seq": seq, "cell": cell, "tries": tries, "epoch": epoch}
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=orjson.dumps(message).decode(),
            DelaySeconds=self.first_seconds if seconds is None else seconds,
        )
