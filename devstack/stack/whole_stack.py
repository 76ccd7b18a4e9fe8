"""Runs the whole system on one machine: builds the zips, starts MiniStack and the stand-in, and provisions them."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from devstack.builds.lambda_zips import PackageError, build_parts
from devstack.operator.api_client import ApiError, Operator
from devstack.signals import held
from devstack.stack.ministack import MiniStack, StackError, free_port
from devstack.stack.provision import client, provision
from devstack.stack.standin_process import StandIn
from devstack.system import REGION, System
from loadtest.load_limits import allow_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from devstack.system import Gateway

FILES = 256
"""The open files that each process of a stack may need, even with few viewers: pipes to workers, sockets, logs."""

_PROOF = "first-event"
_PROOF_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stack:
    """The processes of a running system."""

    ministack: MiniStack
    standin: StandIn | None

    def check(self) -> None:
        """Raise StackError if a process has ended by itself."""
        for name, process in (("MiniStack", self.ministack), ("The gateway", self.standin)):
            if process is not None and not process.alive:
                raise StackError(f"{name} has ended by itself; its log is {process.log}")


@contextmanager
def running(
    port: int,
    settings: Mapping[str, int | str] | None = None,
    say: Callable[[str], None] = lambda _: None,
    *,
    gateway: Gateway = "ministack",
    cells: Sequence[str] = (REGION,),
    through: Callable[[System], System] = lambda system: system,
) -> Iterator[tuple[System, Stack]]:
    """Run the system until the block ends; yields it when it is ready.

    ``gateway`` is the program to which viewers connect: MiniStack, or the stand-in, which is made for load.
    ``cells`` are the regions of the cells. Only MiniStack's gateway serves several cells.
    ``through`` may change the system before it is built, for example put a proxy between functions and services.

    Raises ministack.StackError with a sentence for a person.
    """
    enough_files()
    if gateway == "standin" and len(cells) > 1:
        raise StackError("The stand-in serves one cell. Leave out --gateway standin, or the other cells.")
    system = System(port, dict(settings or {}), free_port() if gateway == "standin" else None, cells=tuple(cells))
    system = through(system)
    say("Preparing MiniStack and the Lambda zips …")
    try:
        package = build_parts()
    except PackageError as error:
        raise StackError(str(error)) from error
    ministack = MiniStack(port, origins=system.resolve("setting.origins"))
    standin = StandIn(system) if gateway == "standin" else None
    stack = Stack(ministack, standin)
    try:
        ministack.start()
        say("Provisioning …")
        provision(system, package)
        if standin is not None:
            standin.start()
        say("Sending a first event all the way …")
        try:
            _prove(system)
        except (ApiError, WebSocketException, OSError) as error:
            raise StackError(f"The system does not work: {error} MiniStack's log is {ministack.log}") from error
        yield system, stack
    finally:
        with held(), ExitStack() as ending:
            # These are called in reverse order, each even if an earlier one raises.
            ending.callback(ministack.stop)
            if standin is not None:
                ending.callback(standin.stop)
            ending.callback(say, "stopping …")


def enough_files() -> None:
    """Raise StackError if this machine does not allow the open files that a stack needs."""
    if (refusal := allow_files(FILES, "A stack needs")) is not None:
        raise StackError(refusal)


def _prove(system: System) -> None:
    """Send an event through every function but the watchdog, to prove that the system works; then delete its rows.

    This also starts the functions' processes, so that the first goal does not wait for them.
    """
    deadline = time.monotonic() + _PROOF_SECONDS
    with Operator(system.api_url) as operator:
        operator.create_match(match=_PROOF, home="A", away="B", kickoff="2000-01-01T00:00:00Z")
        with ExitStack() as stack:
            urls = [system.at(region).websocket_url for region in system.cells]
            sockets = [stack.enter_context(connect(url, open_timeout=_PROOF_SECONDS)) for url in urls]
            for socket in sockets:
                socket.send(orjson.dumps({"action": "subscribe", "match": _PROOF}).decode())
                socket.recv(timeout=30)
            operator.post_event(_PROOF, {"kind": "kick_off"})
            for socket in sockets:
                while orjson.loads(socket.recv(timeout=max(0.0, deadline - time.monotonic())))["type"] != "update":
                    pass
        while len(operator.receipts(_PROOF)) < len(system.cells) and time.monotonic() < deadline:
            time.sleep(0.05)
    _forget(system, "matches", _PROOF)
    for region in system.cells:
        _forget(system.at(region), "broadcasts", f"match#{_PROOF}")


def _forget(system: System, table: str, key: str) -> None:
    """Delete all rows of a partition."""
    dynamodb = client(system, "dynamodb")
    about = system.raw["tables"][table]
    rows = dynamodb.query(
        TableName=system.name(table),
        KeyConditionExpression="#hash = :key",
        ExpressionAttributeValues={":key": {"S": key}},
        ProjectionExpression="#hash, #range",
        ExpressionAttributeNames={"#hash": about["hash_key"], "#range": about["range_key"]},
    )["Items"]
    for row in rows:
        dynamodb.delete_item(TableName=system.name(table), Key=row)
