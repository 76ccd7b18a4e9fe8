"""Sends messages to the watchdog: check later whether a broadcast of an event has ended in a cell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Watched:
    """The event of a match in a cell that the watchdog is to check: the content of a message."""

    match: str
    seq: int
    cell: str
    epoch: str
    tries: int = 0
    """Checks of the event that have failed already, because the cell did not answer or a row is damaged."""
    restarts: int = 0
    """Broadcasts of the event that the watchdog has started already."""

    @classmethod
    def parse(cls, body: str) -> Watched:
        """From the body of a message. Raises ValueError, KeyError or TypeError for a body that is none of ours."""
        read = orjson.loads(body)
        return cls(
            match=read["match"],
            seq=read["seq"],
            cell=read["cell"],
            epoch=read["epoch"],
            tries=read["tries"],
            restarts=read.get("restarts", 0),  # A message of a release before 0.3.0 has none.
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WatchdogQueue:
    """The watchdog's queue. Raises botocore's ClientError and BotoCoreError."""

    sqs: SQSClient
    url: str
    first_seconds: int
    """Seconds from an event to its first check."""

    def put(self, watched: Watched, seconds: int | None = None) -> None:
        """Ask the watchdog to check an event after ``seconds`` (None: the first check)."""
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=orjson.dumps(watched.dump()).decode(),
            DelaySeconds=self.first_seconds if seconds is None else seconds,
        )
