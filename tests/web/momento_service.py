"""Momento Topics, as far as the scenes need them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.web.director import ACKNOWLEDGED, REFUSED, Call

if TYPE_CHECKING:
    from tests.web.transports import Services

CACHE = "scenes"
PAGE = 7
"""The page of Momento's topics."""

CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization"}


class Topic:
    """A poll of Momento's that waits; it counts as a connection with one subscription."""

    def __init__(self, name: str, handshakes: tuple[str, int]) -> None:
        self.handshakes = handshakes
        """Those before it began: a poll after another handshake begins anew."""
        self.subscriptions: dict[Any, str] = {name: name.replace(":", "/")}
        self.items: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.polls = 0

    async def publish(self, _key: Any, text: str) -> None:
        """Add a message to the topic."""
        number = len(self.items) + 1
        self.items.append({"item": {"topic_sequence_number": number, "sequence_page": PAGE, "value": {"text": text}}})
        self.news.set()


class Momento:
    """Momento Topics over HTTP (https://docs.momentohq.com/topics/api-reference/http-api)."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.greeting = 200
        """Status of the answers to handshakes, which are polls of no match; 0: none is answered."""
        self._topics: dict[str, Topic] = {}

    async def allow(self, _: web.Request) -> web.Response:
        """The answer to a browser that asks whether a page may poll."""
        return web.Response(status=204, headers=CORS)

    async def poll(self, request: web.Request) -> web.Response:
        """A long poll."""
        assert request.match_info["cache"] == CACHE
        name, wanted = request.match_info["topic"], int(request.query.get("sequence_number", "0"))
        assert request.headers["Authorization"] == f"momento-{name.split(':')[1]}"
        if name.endswith(":hello") and self.greeting != web.HTTPOk.status_code:
            if not self.greeting:
                await asyncio.Event().wait()
            return web.Response(status=self.greeting, headers=CORS)
        topic = self._topics.get(name)
        if topic is not None and topic.handshakes != self.services.handshakes():
            topic = None
        if int(request.query.get("sequence_page", "0")) not in (0, PAGE):
            new = {"last_topic_sequence": 0, "new_topic_sequence": 1, "new_sequence_page": PAGE}
            return web.json_response({"items": [{"discontinuity": new}]}, headers=CORS)
        if topic is None:
            topic = await self._begin(name)
            if topic is None:
                return web.json_response({"error": "Permission denied"}, status=403, headers=CORS)
        return await self._wait(topic, wanted or len(topic.items) + 1)

    async def _begin(self, name: str) -> Topic | None:
        """Somebody begins to listen to a topic; None if that is refused. Silence is a poll that hears nothing."""
        answer = await self.services.subscribes(name.replace(":", "/"))
        if answer == REFUSED:
            return None
        topic = Topic(name, self.services.handshakes())
        if answer == ACKNOWLEDGED:
            self._topics[name] = topic
            self.services.lines.append(topic)
        return topic

    async def _wait(self, topic: Topic, wanted: int) -> web.Response:
        topic.polls += 1
        try:
            while len(topic.items) < wanted:
                topic.news.clear()
                await topic.news.wait()
        finally:
            topic.polls -= 1
            if not topic.polls:
                self.services.director.told("disconnect", Call({}))
        return web.json_response({"items": topic.items[wanted - 1 :]}, headers=CORS)
