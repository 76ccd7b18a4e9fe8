"""Pure: connection ids, and the events that API Gateway sends to the functions of a WebSocket API.

The shapes are those of the real events in the tests of Powertools for AWS Lambda (tests/events/
apiGatewayWebSocketApi{Connect,Message,Disconnect}.json).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{15}=")
_SELECTION = re.compile(r"\$request\.body\.(\w+)")
_REASONS = {1001: "Going away", 1005: "Client-side close frame status not set"}


@dataclass(frozen=True, slots=True)
class Api:
    """A WebSocket API: stage, routes, two-way routes, the field that selects a route, and throttles.

    ``throttles`` has rate and burst of each route with a throttle; ``default`` is for each other route.
    """

    stage: str
    routes: frozenset[str]
    two_way: frozenset[str]
    selector: str = "action"
    api_id: str = "standin"
    throttles: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def connect_arn(self) -> str:
        """The ARN of ``$connect`` for an authorizer's policy."""
        return f"arn:aws:execute-api:us-east-1:000000000000:{self.api_id}/{self.stage}/$connect"

    @classmethod
    def described(cls, description: dict[str, Any]) -> Api:
        """The API of ``websocket_api`` in terraform/system.json.

        Raises ValueError with a sentence if it cannot be served.
        """
        try:
            expression = description["route_selection_expression"]
            selection = _SELECTION.fullmatch(expression)
            if selection is None:
                raise ValueError(f"Only $request.body.NAME can select a route, not {expression}.")
            routes, two_way = frozenset(description["routes"]), frozenset(description["two_way"])
            throttles = {
                route: (float(throttle["rate"]), float(throttle["burst"]))
                for route, throttle in description.get("throttles", {}).items()
            }
            return cls(description["stage"], routes, two_way, selection[1], throttles=throttles)
        except (KeyError, TypeError) as error:
            raise ValueError(f"The description of the API is not whole: {error}.") from None

    def route(self, text: str) -> str | None:
        """The route of a message; None if there is none and no ``$default``."""
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError:
            body = None
        chosen = body.get(self.selector) if isinstance(body, dict) else None
        if isinstance(chosen, str) and chosen in self.routes and not chosen.startswith("$"):
            return chosen
        return "$default" if "$default" in self.routes else None


@dataclass(frozen=True, slots=True)
class Connection:
    """One viewer's connection: ``connected_at`` in milliseconds since 1970, ``host`` as in the handshake.

    ``authorizer`` is the context of the authorizer's answer, None without an authorizer.
    """

    id: str
    connected_at: int
    source_ip: str
    user_agent: str
    host: str
    authorizer: dict[str, str] | None = None


def new_id() -> str:
    """An id of AWS's shape, such as ``L0SM9cOFvHcCIhw=``: eleven bytes in base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


def is_connection_id(text: str) -> bool:
    """Whether an id has AWS's shape; AWS answers 400, not 410, for any other (localstack#4694)."""
    return _CONNECTION_ID.fullmatch(text) is not None


def connect_event(
    api: Api, who: Connection, headers: Iterable[tuple[str, str]], query: str, request_id: str
) -> dict[str, Any]:
    """The CONNECT event of a handshake."""
    extra = [("X-Forwarded-For", who.source_ip), ("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", "https")]
    # Real events have neither Upgrade nor Connection, which are for API Gateway only.
    given = [each for each in headers if each[0].lower() not in ("upgrade", "connection")]
    event = {**_multi("headers", "multiValueHeaders", [*given, *extra])}
    if query:
        pairs = parse_qsl(query, keep_blank_values=True)
        event |= _multi("queryStringParameters", "multiValueQueryStringParameters", pairs)
    event["requestContext"] = _context(api, who, "$connect", "CONNECT", request_id)
    event["isBase64Encoded"] = False
    return event


def authorizer_event(
    api: Api, who: Connection, headers: Iterable[tuple[str, str]], query: str, request_id: str
) -> dict[str, Any]:
    """The REQUEST event of a ``$connect`` authorizer.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
    """
    event = connect_event(api, who, headers, query, request_id)
    del event["isBase64Encoded"]
    return {"type": "REQUEST", "methodArn": api.connect_arn, "stageVariables": {}, **event}


def message_event(api: Api, who: Connection, route: str, body: str | bytes, request_id: str) -> dict[str, Any]:
    """The MESSAGE event of a viewer's message; a binary message is in base64."""
    context = _context(api, who, route, "MESSAGE", request_id) | {"messageId": new_id()}
    text = body if isinstance(body, str) else base64.b64encode(body).decode()
    return {"requestContext": context, "body": text, "isBase64Encoded": not isinstance(body, str)}


def disconnect_event(api: Api, who: Connection, code: int, reason: str, request_id: str) -> dict[str, Any]:
    """The DISCONNECT event of a connection that has ended with a WebSocket close ``code``."""
    headers = [("Host", who.host), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")]
    context = _context(api, who, "$disconnect", "DISCONNECT", request_id)
    context |= {"disconnectStatusCode": code, "disconnectReason": reason or _REASONS.get(code, "")}
    return {**_multi("headers", "multiValueHeaders", headers), "requestContext": context, "isBase64Encoded": False}


def error_frame(message: str, who: Connection, request_id: str) -> bytes:
    """API Gateway's own frame for a message that was not served."""
    return json.dumps({"message": message, "connectionId": who.id, "requestId": request_id}).encode()


def _context(api: Api, who: Connection, route: str, kind: str, request_id: str) -> dict[str, Any]:
    now = time.time()
    known = {} if who.authorizer is None else {"authorizer": who.authorizer}
    return {
        **known,
        "routeKey": route,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "messageDirection": "IN",
        "stage": api.stage,
        "connectedAt": who.connected_at,
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": who.source_ip} | ({"userAgent": who.user_agent} if who.user_agent else {}),
        "requestId": request_id,
        "domainName": who.host,
        "connectionId": who.id,
        "apiId": api.api_id,
    }


def _multi(single: str, multiple: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The pairs in API Gateway's two forms: the last value of each name, and all values of each name."""
    every: dict[str, list[str]] = {}
    for name, value in pairs:
        every.setdefault(name, []).append(value)
    return {single: {name: values[-1] for name, values in every.items()}, multiple: every}
