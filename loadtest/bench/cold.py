"""The cost of a cold start: INIT and first call of each function, in a fresh process on one core, against MiniStack.

Each function starts as it does on demand, and as it does with provisioned concurrency (runtime.lifecycle).

A run takes one match through all functions, each in a new process: a viewer subscribes, an event is sent, the receipt
is written; then another event is posted and fanned out. So every first call does its real work, and its answer is
checked. The time of MiniStack's services is in the wall clock time and not in the CPU time.
"""

from __future__ import annotations

import base64
import json
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from loadtest.bench.bench_result import Result, median
from loadtest.bench.functions import WrongAnswerError, start
from matches.channels import Channels
from matches.events import EVENT, AcceptedEvent
from runtime.lifecycle import KIND
from subscriptions.shards import initial_shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.sync.client import ClientConnection

    from loadtest.bench.functions import Functions
    from loadtest.bench.target import Target
    from loadtest.token_sources import TokenSource

RUNS = 9
SETTLE_SECONDS = 60.0
OWNER = "cold"
TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
"""The trace header of a function with active tracing
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""
FLOORS = {"sender_ms": "700 at most", "routes_ms": "450 at most", "provisioned_call_cpu_ms": "60 at most"}
FIGURES = ("init_ms", "call_ms", "total_ms", "init_cpu_ms", "call_cpu_ms", "resident_mb")
KINDS = ("on-demand", "provisioned-concurrency")
ORDER = (
    "authorizer", "routes", "sender", "receipt", "fanout", "api", "watchdog",
    "events_authorizer", "graphql_authorizer", "iot_authorizer", "iot_presence",
)  # fmt: skip
"""The functions in the order in which a match needs them; then those of cells whose transport broadcasts."""


def run(
    target: Target, functions: Functions, viewer: TokenSource, say: Callable[[str], None], runs: int = RUNS
) -> Result:
    """Measure every function once in each run and for each kind of INIT; the result has the medians.

    Raises WrongAnswerError.
    """
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for number in range(runs):
        for kind in KINDS:
            with connect(target.websocket_url) as socket:
                one = ColdRun(target, functions, viewer.token(), f"cold-{number}-{kind[:2]}", socket, kind=kind)
                for name in ORDER:
                    say(f"cold: run {number + 1} of {runs}, {name}, {kind}")
                    found[name, kind].append(one.measure(name))
    result = Result("cold", floors=FLOORS)
    for (name, kind), each in found.items():
        row = {figure: median(one[figure] for one in each) for figure in FIGURES}
        result.rows.append({"name": name, "kind": kind, **row, "rounds": [round(one["total_ms"]) for one in each]})
        if kind == KINDS[0]:
            result.figures[f"{name}_ms"] = row["total_ms"]
    result.figures["provisioned_call_cpu_ms"] = max(
        row["call_cpu_ms"] for row in result.rows if row["kind"] == KINDS[1]
    )
    return result


class ColdRun:
    """One match that goes through all functions, with one viewer on a socket and a viewer's token.

    ``kind`` is the kind of INIT in the functions' environment, None for none.
    """

    def __init__(
        self,
        target: Target,
        functions: Functions,
        token: str,
        match: str,
        socket: ClientConnection,
        *,
        kind: str | None = None,
    ) -> None:
        self._kind = {KIND: kind} if kind is not None else {}
        self._target = target
        self._functions = functions
        self._match = match
        self._token = token
        self._socket = socket
        target.numbered(match, 1)
        self._ask()
        self._task: dict[str, Any] = {}
        """The sender's input."""
        self._sent: dict[str, Any] = {}
        """The sender's answer."""
        self.logs: dict[str, list[dict[str, Any]]] = {}
        """By function: the lines of its log."""

    def measure(self, name: str) -> dict[str, float]:
        """Start a function and call it once. Raises WrongAnswerError."""
        event = getattr(self, f"_to_{name}")()
        started = start(self._functions, name, event, _X_AMZN_TRACE_ID=TRACE, **self._kind)
        if not getattr(self, f"_is_{name}")(started.answer):
            raise WrongAnswerError(f"the first call of {name} answered {json.dumps(started.answer)[:300]}")
        self.logs[name] = started.log
        return {**started.figures, "total_ms": started.figures["init_ms"] + started.figures["call_ms"]}

    def _ask(self) -> None:
        self._socket.send(json.dumps({"action": "subscribe", "match": self._match}))
        self._hear("snapshot")

    def _hear(self, kind: str, seq: int = 0) -> None:
        """Wait for a frame of this type that reaches ``seq``. Raises TimeoutError."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            frame = json.loads(self._socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            if frame["type"] == kind and frame["seq"] >= seq:
                return

    def _settle(self, seq: int) -> None:
        """Wait until the viewer has ``seq`` and the broadcast has its receipt."""
        self._hear("update", seq)
        ledger = self._target.ledger()
        deadline = time.monotonic() + SETTLE_SECONDS
        while not any(receipt["seq"] >= seq for receipt in ledger.receipts(self._match)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._match} has no receipt for event {seq}")
            time.sleep(0.05)

    def _to_authorizer(self) -> dict[str, Any]:
        return {
            "type": "REQUEST", "methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/live/$connect",
            "headers": {}, "multiValueHeaders": {}, "requestContext": {"connectionId": "cold="},
            "queryStringParameters": {"token": self._token},
            "multiValueQueryStringParameters": {"token": [self._token]},
        }  # fmt: skip

    def _is_authorizer(self, answer: dict[str, Any]) -> bool:
        return bool(answer["policyDocument"]["Statement"][0]["Effect"] == "Allow")

    def _to_routes(self) -> dict[str, Any]:
        about = {"connectionId": "cold=", "eventType": "MESSAGE", "authorizer": {"competitions": "*"}}
        return {"requestContext": about, "body": json.dumps({"action": "subscribe", "match": self._match})}

    def _is_routes(self, answer: dict[str, Any]) -> bool:
        return bool(json.loads(answer["body"])["type"] == "snapshot")

    def _to_sender(self) -> dict[str, Any]:
        self._target.lease(self._match, OWNER)
        self._task = self._target.sender_task(self._match, OWNER, initial_shards(1))
        return self._task

    def _is_sender(self, answer: dict[str, Any]) -> bool:
        self._hear("update", 1)
        self._sent = answer
        # The second row is that of the routes' first call, whose connection does not exist.
        return bool(answer["done"] and (answer["counts"]["accepted"], answer["counts"]["gone"]) == (1, 1))

    def _to_receipt(self) -> dict[str, Any]:
        carried = {name: self._task[name] for name in ("v", "match", "owner", "broadcast", "round")}
        return {**carried, "due_seq": 1, "due_at": 0, "started_at": 0, "batches": [self._sent]}

    def _is_receipt(self, answer: dict[str, Any]) -> bool:
        return answer["another_round"] is False and bool(self._target.ledger().receipts(self._match))

    def _to_fanout(self) -> dict[str, Any]:
        goal = {"kind": "goal", "team": "home", "minute": 1, "event_id": "fanned"}
        record = AcceptedEvent(self._match, time.time_ns() // 1_000_000, EVENT.validate_python(goal)).to_record()
        data = base64.b64encode(record).decode()
        return {"Records": [{"kinesis": {"partitionKey": self._match, "sequenceNumber": "1", "data": data}}]}

    def _is_fanout(self, answer: None) -> bool:
        self._settle(2)
        return answer is None

    def _to_api(self) -> dict[str, Any]:
        path = f"/matches/{self._match}/events"
        claims = {"sub": "cold", "scope": self._functions.environments["api"]["OPERATOR_SCOPE"], "competitions": "*"}
        return {
            "version": "2.0", "routeKey": "POST /matches/{match}/events", "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": "application/json"}, "isBase64Encoded": False,
            "requestContext": {
                "http": {"method": "POST", "path": path}, "stage": "$default", "requestId": "cold",
                "authorizer": {"jwt": {"claims": claims}},
            },
            "body": json.dumps({"kind": "goal", "team": "away", "minute": 2}),
        }  # fmt: skip

    def _is_api(self, answer: dict[str, Any]) -> bool:
        if answer["statusCode"] != 202:
            return False
        self._settle(3)
        return True

    def _to_watchdog(self) -> dict[str, Any]:
        cell = self._functions.environments["watchdog"]["AWS_DEFAULT_REGION"]
        epoch = self._target.ledger().state(self._match).epoch
        body = json.dumps({"match": self._match, "seq": 3, "cell": cell, "tries": 0, "epoch": epoch})
        return {"Records": [{"messageId": "cold", "body": body}]}

    def _is_watchdog(self, answer: dict[str, Any]) -> bool:
        return bool(answer == {"batchItemFailures": []})

    def _to_events_authorizer(self) -> dict[str, Any]:
        channels = Channels(self._functions.environments["events_authorizer"]["NAMESPACE"])
        asked = {"operation": "EVENT_SUBSCRIBE", "channel": f"/{channels.feed(None, self._match, 'all')}"}
        return {"authorizationToken": self._token, "requestContext": asked}

    def _is_events_authorizer(self, answer: dict[str, Any]) -> bool:
        return bool(answer["isAuthorized"])

    def _to_graphql_authorizer(self) -> dict[str, Any]:
        return {"authorizationToken": self._token}

    def _is_graphql_authorizer(self, answer: dict[str, Any]) -> bool:
        return bool(answer["isAuthorized"])

    def _to_iot_authorizer(self) -> dict[str, Any]:
        password = base64.b64encode(self._token.encode()).decode()
        return {"protocolData": {"mqtt": {"clientId": "c" * 22, "password": password}}}

    def _is_iot_authorizer(self, answer: dict[str, Any]) -> bool:
        return bool(answer["isAuthenticated"])

    def _to_iot_presence(self) -> dict[str, Any]:
        # The end of a connection that heard nothing: a count would wait for others first.
        return {"eventType": "disconnected", "sessionIdentifier": "cold"}

    def _is_iot_presence(self, answer: None) -> bool:
        return answer is None
