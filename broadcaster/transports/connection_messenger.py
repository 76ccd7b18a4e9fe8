"""Messages to the single viewers of an API Gateway cell: one POST for each connection that listens.

The POSTs are few, so they use botocore's client of @connections, one try each. A frame for a whole match goes through
broadcaster/send/gateway.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.transports.messenger import MessageResult

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

    from subscriptions.listeners import Listeners

logger = Logger(service="messenger")


@dataclass(frozen=True, slots=True)
class ConnectionMessenger:
    """The messenger of one API Gateway cell."""

    listeners: Listeners
    connections: ApiGatewayManagementApiClient
    threads: Executor
    """For the POSTs of a message. More than ten are of no use: a client of botocore keeps ten connections open
    (https://docs.aws.amazon.com/botocore/latest/reference/config.html, ``max_pool_connections``)."""

    def message(self, subject: str, frame: bytes) -> MessageResult:
        """Post a frame to each listening connection of a subject, and delete the rows of those that are gone.

        Raises refusals.AWS_ERRORS if the rows cannot be read. A POST that fails is counted, and the others go on.
        """
        listening = self.listeners.of_subject(subject)
        ends = list(self.threads.map(partial(self._post, subject, frame), listening))
        return MessageResult(*(ends.count(end) for end in ("taken", "pruned", "failed")))

    def _post(self, subject: str, frame: bytes, connection: str) -> Literal["taken", "pruned", "failed"]:
        try:
            self.connections.post_to_connection(ConnectionId=connection, Data=frame)
        except (BotoCoreError, ClientError) as error:
            if _is_gone(error):
                return self._prune(subject, connection)
            logger.warning("message_not_taken", connection=connection, exc_info=error)
            return "failed"
        return "taken"

    def _prune(self, subject: str, connection: str) -> Literal["pruned", "failed"]:
        try:
            self.listeners.delete(subject, connection)
        except (BotoCoreError, ClientError) as error:
            # The row stays for the next message, or until its ttl.
            logger.warning("listener_not_pruned", connection=connection, exc_info=error)
            return "failed"
        return "pruned"


def _is_gone(error: Exception) -> bool:
    """Whether a connection will not come back: 410, or 400 for an invalid id (broadcaster/send/gateway_answers.py)."""
    if not isinstance(error, ClientError):
        return False
    status, said = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"].get("Message", "")
    return status == 410 or (status == 400 and "connectionid" in said.lower())
