"""Plays a scene on a broadcasting transport, where one request of our protocol is several requests of a client.

A ``subscribe`` is a read of the match's channel (if the client does not know it yet), a subscription at the service,
and then a read of the snapshot. A ``sync`` is a read whose address names a ``request``. So is the second look that
follows each subscribe: it finds nothing, unless the scene has a step ``look``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.web.director import ACKNOWLEDGED, FAIL, REFUSED, Call
from tests.web.scene import Scene
from tests.web.table import frame
from tests.web.transports import NAMESPACE

if TYPE_CHECKING:
    from tests.web.relay import Relay
    from tests.web.scene import Stage
    from tests.web.transports import Services

STATUSES = {"unknown_match": 404, "unavailable": 503, FAIL: 503}
"""Codes of errors -> status of a read that means the same."""


class BroadcastScene(Scene):
    """One scene with one client at one of the services."""

    def __init__(self, stage: Stage, relay: Relay, services: Services, scene: dict[str, Any]) -> None:
        super().__init__(stage, relay)
        self._services = services
        self._has_looks = any("look" in step for step in scene["steps"])
        self._due: set[str] = set()
        """Matches whose subscription was acknowledged and whose snapshot has not been read yet."""
        self._looks: set[str] = set()
        """Matches at which the client will look once more."""
        self._feeds: dict[str, str] = {}
        self._later: list[Call] = []
        """Requests about other matches than the step's."""
        self._director.sort = self._sort

    def _sort(self, path: str) -> tuple[str, Call, Any]:
        """The queue of a read, the call, and its answer if the scene need not give one."""
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        _, _, match, *more = url.path.split("/")
        purpose = query.pop("request", "")
        if purpose.startswith("look") or (purpose and not purpose.startswith("sync") and match in self._looks):
            self._looks.discard(match)
            none = {
                "snapshot": int(query["after"]),
                "has": [],
                "epoch": query["epoch"],
                "match": match,
                "recovered": True,
            }
            return "look", Call(_without_request(path)), None if self._has_looks else self._with_channel(frame(none))
        position = {"epoch": query["epoch"]} if "epoch" in query else {}
        if purpose:
            about = {"action": "sync", "match": match, **position, "seq": int(query.get("after", 0))}
            return "message", Call(about, kind="sync"), None
        if match in self._due and not more:
            self._due.discard(match)
            about = {"action": "subscribe", "match": match}
            if self._feeds[match] == "score":
                about["only"] = "score"
            if position:
                about["since"] = {**position, "seq": int(query["after"])}
            return "message", Call(about, kind="answer"), None
        return ("read", Call(path), None) if query or more else ("message", Call({"match": match}, kind="find"), None)

    async def _step(self, step: dict[str, Any]) -> None:
        match step:
            case {"asked": {"action": "subscribe"} as request}:
                await self._subscribed(request, step)
            case {"asked": {"action": "sync"} as request}:
                call = await self._next("message")
                assert (call.kind, call.about) == ("sync", request)
                self._answer(call, step)
            case {"asked": {"action": "unsubscribe"}}:
                await self._next("unsubscribe")
            case {"heard": count}:
                await self.until(lambda: self.seen().updates >= count, f"{count} updates heard")
            case {"joins": channel}:
                call = await self._next("message")
                assert (call.kind, call.about["channel"]) == ("subscribe", channel)
                call.reply(ACKNOWLEDGED)
            case {"look": path, "answer": answer}:
                call = await self._next("look")
                assert call.about == path
                call.reply(self._with_channel(frame(answer)))
            case {"answer": answer} if len(step) == 1:
                assert self._asked is not None
                self._asked.reply(self._with_channel(frame(answer)))
            case _:
                await super()._step(step)

    async def _subscribed(self, request: dict[str, Any], step: dict[str, Any]) -> None:
        """All that a client does for one subscribe."""
        answer = step.get("answer")
        code = answer.get("code") if isinstance(answer, dict) else None
        while True:
            call = await self._next_about(request["match"])
            if call.kind == "find":
                if code in STATUSES:
                    return call.reply(STATUSES[code])
                call.reply(self._with_channel(frame({"snapshot": 0, "has": [], "match": request["match"]})))
            elif call.kind == "subscribe":
                assert call.about["feed"] == request.get("only", "all")
                if code == "not_entitled" or ("answer" in step and answer is None):
                    return call.reply(None if answer is None else REFUSED)
                # The client would share the answer of an earlier read that no step waits for.
                while not self._director.calls["read"].empty():
                    self._director.calls["read"].get_nowait().reply(STATUSES["unavailable"])
                self._due.add(request["match"])
                self._looks.add(request["match"])
                self._feeds[request["match"]] = call.about["feed"]
                call.reply(ACKNOWLEDGED)
            else:
                assert (call.kind, call.about) == ("answer", request)
                self._asked = call
                return self._answer(call, step)

    async def _next_about(self, match: str) -> Call:
        """The next request about a match; those about other matches wait for their step."""
        while (call := next((each for each in self._later if each.about["match"] == match), None)) is None:
            self._later.append(await self._next("message"))
        self._later.remove(call)
        return call

    def _answer(self, call: Call, step: dict[str, Any]) -> None:
        answer = step.get("answer")
        code = FAIL if answer == FAIL else answer.get("code") if isinstance(answer, dict) else None
        if code in STATUSES:
            self._due.add(call.about["match"])  # the client reads again
            call.reply(STATUSES[code])
        elif answer is not None:
            call.reply(self._with_channel(frame(answer)))

    async def _connect(self, step: dict[str, Any], status: int) -> None:
        asked = await self._next("authorize")
        if "token" in step:
            assert asked.about.get("token") == step["token"]
        asked.reply(status != 403)
        if status != 403:
            (await self._next("connect")).reply(status)

    async def _send(self, match: str, text: str) -> None:
        await self._services.publish(match, text)

    def _with_channel(self, body: Any) -> Any:
        return {"channel": f"{NAMESPACE}/{body['match']}", **body} if isinstance(body, dict) else body


def _without_request(path: str) -> str:
    """A path without its parameter ``request``, which is the last one."""
    return path.partition("request=")[0].rstrip("?&")
