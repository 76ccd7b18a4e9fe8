"""A request to the watchdog: to check that a cell has told an event of a match by then."""

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
    queue: str
    seconds: int
    """Until it looks for the first time."""

    def put(
        self, match: str, seq: int, cell: str, seconds: int | None = None, *, tries: int = 0, epoch: str | None = None
    ) -> None:
        """Have it look after event ``seq`` of an epoch in a cell, which could not be reached ``tries`` times."""
        self.sqs.send_message(
            QueueUrl=self.queue,
            MessageBody=orjson.dumps(
                {"match": match, "seq": seq, "cell": cell, "tries": tries, "epoch": epoch}
            ).decode(),
            DelaySeconds=self.seconds if seconds is None else seconds,
        )
