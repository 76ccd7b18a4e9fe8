"""MiniStack's AppSync Events and IoT Core, held to what AWS does. It runs in MiniStack's process.

- MiniStack asks the Lambda authorizer of AppSync Events about publishes too. On AWS publishing has its own modes of
  authorization: this namespace takes an IAM signature, over HTTP.
- In MiniStack a subscription without ``authorization`` uses that of the handshake. On AWS each needs its own.
- MiniStack starts a worker process for each call that meets busy workers only, so a rush of viewers would start
  hundreds. Here at most ``WORKERS`` calls of an authorizer run at once, and as many of a rule's function. Others wait,
  as asynchronous calls wait in Lambda's own queue.
- MiniStack's broker takes everybody. Here a viewer passes the custom authorizer of the domain (mqtt_guard.py).
"""

from __future__ import annotations

import importlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Semaphore
from typing import TYPE_CHECKING, Any, Final

from devstack.stack.mqtt_guard import MqttGuard
from devstack.system import ACCOUNT, PARTITION

if TYPE_CHECKING:
    from devstack.stack.asgi import App, Message, Receive, Send

WORKERS: Final = 4
"""Calls that run at once, of all authorizers, and of all functions that rules of IoT Core call."""

_IOT: Final = re.compile(r"[a-z0-9-]+\.iot\.(?P<region>[a-z0-9-]+)\.")
_SIGNED: Final = "AWS4-HMAC-SHA256 Credential="

_authorizing = Semaphore(WORKERS)


def with_guarded_broker(app: App) -> App:
    """MiniStack's application, with the guard in front of its MQTT broker."""

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        host = next((value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"), "")
        if scope["type"] == "websocket" and (found := _IOT.match(host)):
            region = found["region"]
            ask = partial(_ask, host, region)
            receive = MqttGuard(ask, f"arn:{PARTITION}:iot:{region}:{ACCOUNT}:", receive, send).receive
        await app(scope, receive, send)

    return guarded


def hold_to_aws() -> None:
    """Change MiniStack's AppSync Events and IoT Core to what AWS does."""
    _hold_events()
    _queue_rules()


def _hold_events() -> None:
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
    invoked = events._events_authorizer_invoke  # noqa: SLF001

    def invoke(*arguments: Any) -> Any:
        with _authorizing:
            return invoked(*arguments)

    events._events_authorizer_invoke = invoke  # noqa: SLF001
    events._effective_auth = lambda frame, _connection: frame.get("authorization")  # noqa: SLF001


def _queue_rules() -> None:
    """Let the functions that rules call wait for each other."""
    iot: Any = importlib.import_module("ministack.services.iot")
    called = ThreadPoolExecutor(WORKERS, "iot-rule")

    def dispatch(account: str, region: str, function: str, event: Any) -> None:
        functions, record = _function(function, account, region)
        if record is not None:
            called.submit(functions._execute_function_with_config_scope, record, event)  # noqa: SLF001

    iot._dispatch_rule_to_lambda = dispatch  # noqa: SLF001


def _function(arn: str, account: str, region: str) -> tuple[Any, Any]:
    """MiniStack's module of functions, and its record of one function; None if there is no such function."""
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    function, config, _ = functions._get_func_record_for_ref_in_scope(arn, account_id=account, region=region)  # noqa: SLF001
    if not function or not config:
        return functions, None
    return functions, functions._execution_record_for_config(function, config)  # noqa: SLF001


async def _ask(host: str, region: str, event: Message) -> Message:
    """The answer of the default authorizer of the domain with this host name; a refusal if there is none.

    The authorizer has the name of its function, because MiniStack has no authorizers.
    """
    iot: Any = importlib.import_module("ministack.services.iot")
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
    functions, record = _function(arn, ACCOUNT, region)
    if record is None:
        return {}

    def invoke() -> Any:
        with _authorizing:
            return functions._execute_function_with_config_scope(record, event)  # noqa: SLF001

    ran = await concurrency.run_reentrant(invoke)
    body = None if not isinstance(ran, dict) or ran.get("error") else ran.get("body")
    answer = json.loads(body) if isinstance(body, str | bytes) else body
    return answer if isinstance(answer, dict) else {}
