"""What a cold start costs: import and first call of each function, in a fresh process on one core, against MiniStack.

A round takes one match through all functions, each started for it: a viewer subscribes, what was numbered is sent, the
receipt written; then an event is posted and fanned out. So every first call does what it is there for, and is held to
its answer. Its services are MiniStack's, whose time is in the wall clock and not in the CPU time.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from loadtest.bench.programs import Cores, on_core
from loadtest.bench.result import Result, median
from matches.events import EVENT, Accepted
from subscriptions.shards import initial_shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.bench.target import Target
    from loadtest.tokens import Tokens

ROUNDS = 9
SETTLE_SECONDS = 60.0
OWNER = "cold"
STARTING = Path(__file__).with_name("starting.py")
FLOORS = {"sender_ms": "700 at most", "routes_ms": "450 at most"}
FIGURES = ("import_ms", "call_ms", "total_ms", "import_cpu_ms", "call_cpu_ms", "resident_mb")
ORDER = ("authorizer", "routes", "sender", "receipt", "fanout", "api", "watchdog")
"""The functions as a match comes to them."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The code, unpacked as Lambda does, and by function its handler and its environment, credentials included."""

    code: Path
    handlers: dict[str, str]
    environments: dict[str, dict[str, str]]


class WrongAnswerError(Exception):
    """The first call of a function did not do what it is there for, so its time says nothing."""


def run(
    target: Target, functions: Functions, viewer: Tokens, say: Callable[[str], None], rounds: int = ROUNDS
) -> Result:
    """Measure every function once a round; the medians are reported.

    Raises WrongAnswerError.
    """
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number in range(rounds):
        one = _Round(target, functions, viewer, f"cold-{number}")
        for name in ORDER:
            say(f"cold: round {number + 1} of {rounds}, {name}")
            found[name].append(one.measure(name))
        one.leave()
    result = Result("cold", floors=FLOORS)
    for name, each in found.items():
        row = {figure: median(one[figure] for one in each) for figure in FIGURES}
        result.rows.append({"name": name, **row, "rounds": [round(one["total_ms"]) for one in each]})
        result.figures[f"{name}_ms"] = row["total_ms"]
    return result


class _Round:
    """One match on its way through all functions."""

    def __init__(self, target: Target, functions: Functions, viewer: Tokens, match: str) -> None:
        self._target = target
        self._functions = functions
        self._match = match
        self._token = viewer.token()
        target.numbered(match, 1)
        self._socket = connect(target.websocket_url)
        self._ask()
        self._sent: dict[str, Any] = {}

    def measure(self, name: str) -> dict[str, float]:
        """Start a function and call it once. Raises WrongAnswerError."""
        found = self._start(name, getattr(self, f"_to_{name}")())
        answer = found.pop("answer")
        if not getattr(self, f"_is_{name}")(answer):
            raise WrongAnswerError(f"the first call of {name} answered {json.dumps(answer)[:300]}")
        found["total_ms"] = found["import_ms"] + found["call_ms"]
        return found

    def leave(self) -> None:
        """Close the viewer's socket."""
        self._socket.close()

    def _start(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        functions = self._functions
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        command = [sys.executable, "-I", "-S", str(STARTING), str(functions.code), functions.handlers[name]]
        with on_core(Cores.here().sender):
            done = subprocess.run(
                command, env={**kept, **functions.environments[name]}, input=json.dumps(event), text=True,
                capture_output=True, check=False, timeout=SETTLE_SECONDS,
            )  # fmt: skip
        if done.returncode:
            raise WrongAnswerError(f"the first call of {name} failed: {done.stderr.strip()[-600:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _ask(self) -> None:
        self._socket.send(json.dumps({"action": "subscribe", "match": self._match}))
        self._hear("snapshot")

    def _hear(self, kind: str, seq: int = 0) -> None:
        """Wait until the viewer is told. Raises TimeoutError."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            frame = json.loads(self._socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            if frame["type"] == kind and frame["seq"] >= seq:
                return

    def _settle(self, seq: int) -> None:
        """Wait until the viewer has been told of ``seq`` and the broadcast has its receipt."""
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
        return self._target.sender_task(self._match, OWNER, initial_shards(1))

    def _is_sender(self, answer: dict[str, Any]) -> bool:
        self._hear("update", 1)
        self._sent = answer
        # Beside the viewer there is the row that the routes' first call has written, for a connection that is none.
        return bool(answer["done"] and (answer["counts"]["accepted"], answer["counts"]["gone"]) == (1, 1))

    def _to_receipt(self) -> dict[str, Any]:
        carried = {name: self._sent[name] for name in ("v", "match", "owner", "broadcast", "round")}
        return {**carried, "seq": 1, "results": [self._sent]}

    def _is_receipt(self, answer: dict[str, Any]) -> bool:
        return answer["again"] is False and bool(self._target.ledger().receipts(self._match))

    def _to_fanout(self) -> dict[str, Any]:
        goal = {"kind": "goal", "team": "home", "minute": 1, "event_id": "fanned"}
        record = Accepted(self._match, time.time_ns() // 1_000_000, EVENT.validate_python(goal)).to_record()
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
        return {"Records": [{"messageId": "cold", "body": json.dumps({"match": self._match, "seq": 3})}]}

    def _is_watchdog(self, answer: dict[str, Any]) -> bool:
        return bool(answer == {"batchItemFailures": []})
