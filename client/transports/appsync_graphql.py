"""A viewer's side of AppSync's GraphQL subscriptions; the schema is terraform/graphql/schema.graphql.

(https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html)
"""

from __future__ import annotations

from typing import Any

import orjson

from .appsync import AppSyncService, is_refusal

QUERY = """subscription ($channel: String!, $feed: String!) {
  onFrame(channel: $channel, feed: $feed) { channel feed frame }
}"""


class GraphQLService(AppSyncService):
    """One connection to a GraphQL API."""

    protocol = "graphql-ws"

    def _join(self, key: str, channel: str, feed: str) -> None:
        data = orjson.dumps({"query": QUERY, "variables": {"channel": channel, "feed": feed}}).decode()
        payload = {"data": data, "extensions": {"authorization": self.authorization}}
        self.say({"type": "start", "id": key, "payload": payload})

    def _leave(self, key: str) -> None:
        self.say({"type": "stop", "id": key})

    def _take(self, message: dict[str, Any]) -> None:
        key, payload = message.get("id"), message.get("payload")
        match message.get("type"):
            case "data":
                self.frame(_frame(payload))
            case "connection_ack":
                self.let_in()
            case "connection_error":
                self.turn_away(payload)
            case "start_ack":
                self.answered(key, "joined")
            case "error":
                self.answered(key, "refused" if is_refusal(payload) else "failed")
            case "complete":
                self._completed(key)

    def _completed(self, key: Any) -> None:
        """A subscription has ended. If the viewer has not left it, the connection is of no more use."""
        self.answered(key, "failed")
        if key in self._keys.values():
            self.abort()


def _frame(payload: Any) -> Any:
    """The text of the frame in the data of a subscription; None if there is none."""
    try:
        return payload["data"]["onFrame"]["frame"]
    except (KeyError, TypeError):
        return None


dialer = GraphQLService.dialer
