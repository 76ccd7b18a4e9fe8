"""Runs the whole system on one machine: builds the zips, starts MiniStack and the stand-in, and provisions them."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from devstack.builds.lambda_zips import PackageError, build_parts
from devstack.child_process import free_port
from devstack.errors import StackError
from devstack.operator.api_client import ApiError, Operator
from devstack.signals import held
from devstack.stack.ministack import MiniStack
from devstack.stack.provision import provision
from devstack.stack.standin_process import StandIn
from devstack.stack_cells import API_GATEWAY, StackCell, checked
from devstack.system import System
from devstack.transports.ministack_resources import client
from devstack.transports.registry import TRANSPORTS
from loadtest.load_limits import allow_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from devstack.child_process import ChildProcess
    from devstack.system import Gateway

FILES = 256
"""The open files that each process of a stack may need, even with few viewers: pipes to workers, sockets, logs."""

_PROOF = "first-event"
_PROOF_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Routes:
    """The function behind the routes of the stand-in for API Gateway, and its threads."""

    handler: str | None = None
    """The function, as MODULE.NAME, in place of the described one."""
    threads: int = 8
    throttled: bool = True
    """Whether the described throttles of routes hold."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The processes of a running system."""

    ministack: MiniStack
    standin: StandIn | None
    """The stand-in for API Gateway, of the first cell that has one."""
    stand_ins: tuple[ChildProcess, ...] = ()
    """The stand-ins of the cells whose transport has one (devstack/transports/), and the further stand-ins for API
    Gateway."""

    _reported: set[str] = field(default_factory=set)

    def check(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Raise StackError if a process has ended by itself that all cells need; say so once if it is a stand-in."""
        for each in (self.ministack, self.standin):
            if each is not None and not each.alive:
                raise StackError(f"{each.name} has ended by itself; its log is {each.log}")
        for other in self.stand_ins:
            if not other.alive and other.name not in self._reported:
                self._reported.add(other.name)
                say(f"{other.name} has ended by itself; its log is {other.log}. The other cells go on.")


@contextmanager
def running(
    port: int,
    settings: Mapping[str, int | str] | None = None,
    say: Callable[[str], None] = lambda _: None,
    *,
    gateway: Gateway = "ministack",
    routes: Routes = Routes(),
    cells: Sequence[StackCell] = (StackCell(),),
    through: Callable[[System], System] = lambda system: system,
) -> Iterator[tuple[System, Stack]]:
    """Run the system until the block ends; yields it when it is ready.

    ``gateway`` is the program to which the viewers of API Gateway connect: MiniStack, or the stand-in, which is made
    for load: one process for each cell. ``routes`` says how the stand-in runs the routes' function.
    ``through`` may change the system before it is built, for example put a proxy between functions and services.

    Raises StackError and CellsError with a sentence for a person.
    """
    enough_files()
    system = through(_described(port, settings or {}, gateway, cells))
    say("Preparing MiniStack and the Lambda zips …")
    try:
        package = build_parts()
    except PackageError as error:
        raise StackError(str(error)) from error
    # The processes end in reverse order, each even if the end of an earlier one raises.
    ending = ExitStack()
    try:
        ministack = MiniStack(port, origins=system.resolve("setting.origins"))
        ending.callback(ministack.stop)
        ministack.start()
        stand_ins: list[ChildProcess] = []
        for each in _stand_ins(system):
            ending.callback(each.stop)
            try:
                stand_ins.append(each.start())
            except StackError as error:
                say(f"{error} The other cells go on.")
        say("Provisioning …")
        provision(system, package)
        standin = None
        if system.gateway_port is not None:
            gateways = []
            for at in system.each_cell(API_GATEWAY):
                gateways.append(StandIn(at, handler=routes.handler, threads=routes.threads, throttled=routes.throttled))
                ending.callback(gateways[-1].stop)
                gateways[-1].start()
            standin, *further = gateways
            stand_ins += further
        say("Sending a first event all the way …")
        try:
            _prove(system, say)
        except (ApiError, WebSocketException, OSError) as error:
            raise StackError(f"The system does not work: {error} MiniStack's log is {ministack.log}") from error
        yield system, Stack(ministack, standin, tuple(stand_ins))
    finally:
        with held():
            ending.callback(say, "stopping …")
            ending.close()


def _described(port: int, settings: Mapping[str, int | str], gateway: Gateway, cells: Sequence[StackCell]) -> System:
    """The system to start. Raises StackError and CellsError if it cannot have these cells."""
    gateway_port, behind = None, []
    if gateway == "standin" and (behind := [each for each in cells if each.transport == API_GATEWAY]):
        gateway_port = free_port()
    system = System(port, dict(settings), gateway_port, cells=tuple(cells))
    for further in behind[1:]:
        system.ports[further.name] = free_port()
    for cell in checked(system.cells, system.transports):
        if cell.transport not in TRANSPORTS:
            raise StackError(f"devstack cannot run {cell.transport} yet. Leave out the cell {cell.name}.")
        if TRANSPORTS[cell.transport].stand_in is not None:
            system.ports[cell.name] = free_port()
    return system


def _stand_ins(system: System) -> list[ChildProcess]:
    """The processes that stand for services that MiniStack lacks, one for each cell that needs one."""
    made = []
    for at in system.each_cell():
        assert at.cell is not None  # noqa: S101
        if (make := TRANSPORTS[at.cell.transport].stand_in) is not None:
            made.append(make(at))
    return made


def enough_files() -> None:
    """Raise StackError if this machine does not allow the open files that a stack needs."""
    if (refusal := allow_files(FILES, "A stack needs")) is not None:
        raise StackError(refusal)


def _prove(system: System, say: Callable[[str], None]) -> None:
    """Send an event through every function but the watchdog, to prove that the system works; then delete its rows.

    A cell without a receipt is reported, and the others go on. This also starts the functions' processes, so that the
    first goal does not wait for them.
    """
    deadline = time.monotonic() + _PROOF_SECONDS
    with Operator(system.api_url) as operator:
        operator.create_match(match=_PROOF, home="A", away="B", kickoff="2000-01-01T00:00:00Z")
        with ExitStack() as stack:
            urls = [each.websocket_url for each in system.each_cell(API_GATEWAY)]
            sockets = [stack.enter_context(connect(url, open_timeout=_PROOF_SECONDS)) for url in urls]
            for socket in sockets:
                socket.send(orjson.dumps({"action": "subscribe", "match": _PROOF}).decode())
                socket.recv(timeout=30)
            operator.post_event(_PROOF, {"kind": "kick_off"})
            for socket in sockets:
                while orjson.loads(socket.recv(timeout=max(0.0, deadline - time.monotonic())))["type"] != "update":
                    pass
        waiting = {each.name for each in system.cells}
        while waiting and time.monotonic() < deadline:
            waiting -= {each["cell"] for each in operator.receipts(_PROOF)}
            time.sleep(0.05)
    for name in sorted(waiting):
        say(f"The cell {name} has told nothing within {_PROOF_SECONDS:.0f} s. The other cells go on.")
    _forget(system, "matches", _PROOF)
    for each in system.each_cell():
        _forget(each, "broadcasts", f"match#{_PROOF}")


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
