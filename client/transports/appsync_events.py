"""A viewer's side of AppSync Events.

(https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html)
"""

from __future__ import annotations

from typing import Any

from .appsync import AppSyncService, is_refusal


class EventsService(AppSyncService):
    """One connection to an Event API."""

    protocol = "aws-appsync-event-ws"

    def _join(self, key: str, channel: str, feed: str) -> None:
        path = f"/{channel}/{feed}"
        self.say({"type": "subscribe", "id": key, "channel": path, "authorization": self.authorization})

    def _leave(self, key: str) -> None:
        self.say({"type": "unsubscribe", "id": key})

    def _take(self, message: dict[str, Any]) -> None:
        key = message.get("id")
        match message.get("type"):
            case "data":
                # The documents show an array of one text. AWS's own client expects a text.
                event = message.get("event")
                for each in event if isinstance(event, list) else [event]:
                    self.frame(each)
            case "connection_ack":
                self.let_in()
            case "connection_error":
                self.turn_away(message.get("errors"))
            case "subscribe_success":
                self.answered(key, "joined")
            case "subscribe_error":
                self.answered(key, "refused" if is_refusal(message.get("errors")) else "failed")
            case "broadcast_error":
                self.skipped(key)


dialer = EventsService.dialer
