"""MiniStack's AppSync Events and IoT Core, held to what AWS does. It runs in MiniStack's process.

- MiniStack knows an API and a broker by the ``Host`` of a request, a name that no browser finds. Here a path does it:
  ``/_hosts/<host>/event/realtime`` is the path ``/event/realtime`` of that host.
- MiniStack asks the Lambda authorizer of AppSync Events about publishes too. On AWS publishing has its own modes of
  authorization: this namespace takes an IAM signature, over HTTP.
- In MiniStack a subscription without ``authorization`` uses that of the handshake. On AWS each needs its own.
- MiniStack's broker takes everybody. Here a viewer passes the custom authorizer of the domain (mqtt_guard.py).
"""

from __future__ import annotations

import importlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from devstack.stack.mqtt_guard import MqttGuard
from devstack.system import ACCOUNT, PARTITION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

HOSTS: Final = "/_hosts/"
_HOST: Final = re.compile(
    HOSTS + r"(?P<host>[a-z0-9-]+\.(?:appsync-api|appsync-realtime-api|iot)\.(?P<region>[a-z0-9-]+)\.[a-z0-9.:-]+)"
    r"(?P<path>/[a-z/]*)"
)
_IOT: Final = re.compile(r"[a-z0-9-]+\.iot\.(?P<region>[a-z0-9-]+)\.")
_SIGNED: Final = "AWS4-HMAC-SHA256 Credential="


def with_hosts(app: App) -> App:
    """MiniStack's application with paths for hosts, and with a guarded broker."""

    async def routed(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        if found := _HOST.fullmatch(scope["path"]):
            headers = [each for each in scope["headers"] if each[0] != b"host"]
            path = found["path"]
            scope = {
                **scope, "path": path, "raw_path": path.encode(), "headers": [*headers, (b"host", found["host"].encode())]
            }  # fmt: skip
        if scope["type"] == "websocket" and (iot := _IOT.match(_host(scope))):
            scope, receive = _guarded(scope, iot["region"], receive, send)
        await app(scope, receive, send)

    return routed


def hold_to_aws() -> None:
    """Change MiniStack's AppSync Events to the authorization of AWS."""
    events: Any = importlib.import_module("ministack.services.appsync_events")
    asked = events._authorize_event_op  # noqa: SLF001

    async def authorize(
        api: str, channel: str | None, operation: str, auth: Any, headers: Any = None
    ) -> tuple[bool, str | None]:
        if operation != events.EVENT_PUBLISH:
            answer: tuple[bool, str | None] = await asked(api, channel, operation, auth, headers)
            return answer
        signed = headers is not None and str((auth or {}).get("Authorization", "")).startswith(_SIGNED)
        return signed, None if signed else "Publishing needs an IAM signature."

    events._authorize_event_op = authorize  # noqa: SLF001
    events._effective_auth = lambda frame, _connection: frame.get("authorization")  # noqa: SLF001


def _host(scope: Message) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def _guarded(scope: Message, region: str, receive: Receive, send: Send) -> tuple[Message, Receive]:
    """The scope of a viewer's MQTT connection, and the guard's side of it."""
    host = _host(scope)

    async def ask(event: Message) -> Message:
        return await _ask(host, region, event)

    guard = MqttGuard(ask, f"arn:{PARTITION}:iot:{region}:{ACCOUNT}:", receive, send)
    # MiniStack takes the region of a session from the scope of a signature.
    signature = f"{_SIGNED}{ACCOUNT}/20260101/{region}/iotdevicegateway/aws4_request"
    headers = [each for each in scope["headers"] if each[0] != b"authorization"]
    return {**scope, "headers": [*headers, (b"authorization", signature.encode())], "query_string": b""}, guard.receive


async def _ask(host: str, region: str, event: Message) -> Message:
    """The answer of the default authorizer of the domain with this host name; a refusal if there is none.

    The authorizer has the name of its function, because MiniStack has no authorizers.
    """
    iot: Any = importlib.import_module("ministack.services.iot")
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    concurrency: Any = importlib.import_module("ministack.core.concurrency")
    domains = iot._domain_configurations._data.items()  # noqa: SLF001
    name = next(
        (
            (each.get("authorizerConfig") or {}).get("defaultAuthorizerName")
            for (account, at, _), each in domains
            if (account, at, each["domainName"]) == (ACCOUNT, region, host)
        ),
        None,
    )
    if name is None:
        return {}
    arn = f"arn:{PARTITION}:lambda:{region}:{ACCOUNT}:function:{name}"
    function, config, _ = functions._get_func_record_for_ref_in_scope(arn, account_id=ACCOUNT, region=region)  # noqa: SLF001
    if not function or not config:
        return {}
    record = functions._execution_record_for_config(function, config)  # noqa: SLF001
    ran = await concurrency.run_reentrant(functions._execute_function_with_config_scope, record, event)  # noqa: SLF001
    body = None if not isinstance(ran, dict) or ran.get("error") else ran.get("body")
    answer = json.loads(body) if isinstance(body, str | bytes) else body
    return answer if isinstance(answer, dict) else {}
