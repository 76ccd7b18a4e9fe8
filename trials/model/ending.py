"""The end of every run: without more faults every actor ends, and then all promises are checked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from matches.events import parse_record
from subscriptions.store import Row
from trials.model.channel_viewer import ChannelViewer
from trials.model.reference import reached, replayed
from trials.model.world import CHANNELS

if TYPE_CHECKING:
    from matches.match_state import MatchState
    from trials.model.world import World


def quiet(world: World, match: str) -> None:
    """End all faults, wake all viewers, post one more goal, run every actor to its end, and check the promises."""
    world.skew = 0.0
    world.gateway.failing_batch, world.channels.service.trouble = None, None
    for actor in world.actors:
        actor.skew, actor.hangs = 0.0, False
    _run_out(world, match)
    seq = world.ledger.state(match).newest_seq
    for cell in world.cells.values():
        ended_seq = cell.states.read(match).ended_seq
        if ended_seq < seq:
            world.reference.breaks(f"{match}: {seq} events, but no broadcast of {cell.name} ends beyond {ended_seq}")
    check_settled(world, match)
    for viewer in world.viewers.values():
        if viewer.connection is not None:
            viewer.connection.awake = True
    _care(world)
    status = world.ledger.state(match).board.status
    last: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 90}
    world.post(match, {"event_id": "last", **({"kind": "kick_off"} if status == "scheduled" else last)})
    _run_out(world, match)
    _care(world)
    _check(world, match)


def check_settled(world: World, match: str) -> None:
    """Check the viewers of the cell that broadcasts to whom nothing is on the way: they have everything that was told.

    They need no other event for that, and no check after silence.
    """
    if match in world.reference.channel_progress:
        told_seq = world.reference.channel_progress[match].told_seq
        for viewer in world.viewers.values():
            if isinstance(viewer, ChannelViewer) and viewer.settled:
                world.reference.complete(viewer.name, match, told_seq, score_only=viewer.score_only)


def _run_out(world: World, match: str) -> None:
    # Each fan-out leaves a message for each cell, and each round takes one of them.
    world.rest()
    for _ in range(40 + len(world.watched.messages)):
        if not world.rest():
            break
        if world.stream.waiting(match):
            world.deliver(match, 100)
        elif world.watched.messages:
            world.look_after()
            world.pass_time(30.0)
        else:
            return
    cell_states = [each.states.read(match) for each in world.cells.values()]
    world.reference.breaks(f"{match} does not come to rest: {cell_states}")


def _care(world: World) -> None:
    for _ in range(5):
        if not sum(viewer.care() for viewer in world.viewers.values()):
            return
        world.rest()


def _check(world: World, match: str) -> None:
    reference, state = world.reference, world.ledger.state(match)
    events = reference.ledger.get(match, [])
    kept = [event["event_id"] for event in world.ledger.history(match, 0, 500)]
    if kept != [event["event_id"] for event in events] or state.newest_seq != len(kept):
        reference.breaks(f"{match}: the history says {kept}, at {state.newest_seq}")
    for cell in world.cells.values():
        cell_state = cell.states.read(match)
        if (cell_state.told_seq, cell_state.ended_seq) != (state.newest_seq, state.newest_seq):
            reference.breaks(f"{match}: {state.newest_seq} events, but {cell_state} of {cell.name}")
    for key in reference.accepted:
        outcome = world.ledger.outcome(*key)
        if outcome is None or outcome.status == "pending":
            reference.breaks(f"{key} was answered 202 and is neither applied nor refused")
    _check_board(world, match, state)
    _check_viewers(world, match, state)
    _check_rows(world)
    _check_receipts(world, match)
    _check_published(world, match, state)


def _check_board(world: World, match: str, state: MatchState) -> None:
    reference = world.reference
    events = reference.ledger.get(match, [])
    replay = replayed(
        [
            parse_record(orjson.dumps({"v": 1, "match": match, "at": each["at"], "event": _posted(each)}))
            for each in events
        ]
    )
    if state.board != replay or state.board.score != reference.score(match):
        reference.breaks(f"{match}: the board is {state.board}, a replay gives {replay}")


def _check_viewers(world: World, match: str, state: MatchState) -> None:
    reference = world.reference
    for viewer in world.viewers.values():
        if viewer.there and viewer.wants:
            reference.complete(viewer.name, match, state.newest_seq, score_only=viewer.score_only)
            if viewer.follower.score != state.board.score:
                reference.breaks(f"{viewer.name} shows {viewer.follower.score}, it is {state.board.score}")


def _check_rows(world: World) -> None:
    """The rows are those of the viewers of API Gateway that stayed: a cell that broadcasts has none."""
    wanted = {
        viewer.connection.name
        for viewer in world.viewers.values()
        if viewer.there and viewer.wants and viewer.connection and not isinstance(viewer, ChannelViewer)
    }
    items = world.raw.scan(TableName=world.system.name("subscriptions"))["Items"]
    rows = {item["sk"]["S"] for item in items if Row(item["pk"]["S"], item["sk"]["S"]).match}
    if rows != wanted:
        world.reference.breaks(f"rows of {sorted(rows)}, connected are {sorted(wanted)}")


def _check_receipts(world: World, match: str) -> None:
    """Compare the frames that the receipts count with the frames that the gateway accepted.

    The promise: the receipt of a round counts exactly the frames that the gateway accepted from the round's senders.
    A round has no receipt if its execution lost the lease in that round. The execution that took the lease
    broadcasts the event again, and its receipt counts its own frames only. A fault may lose a sender's counts, so after
    a fault the receipts may count fewer frames, and never more.
    """
    counted: Counter[str] = Counter()
    for receipt in world.ledger.receipts(match):
        if "accepted" in receipt:
            counted[receipt["broadcast"]] += receipt["accepted"]
    if counted.total() > world.gateway.received:
        world.reference.breaks(
            f"receipts count {counted.total()} frames, the gateway accepted {world.gateway.received}"
        )
    if world.faults:
        return
    for broadcast in counted.keys() | world.gateway.accepted.keys():
        executions = world.gateway.accepted.get(broadcast, Counter())
        has_lost_lease = any((each, broadcast) in world.reference.lost_leases for each in executions)
        if counted[broadcast] != executions.total() and not (has_lost_lease and broadcast not in counted):
            world.reference.breaks(
                f"the receipt of {broadcast} counts {counted[broadcast]} frames, the gateway accepted {executions}"
            )


def _check_published(world: World, match: str, state: MatchState) -> None:
    """Compare the receipts of the cell that broadcasts with the frames that the service took.

    The promise: what a receipt says was published, the service has taken. Without a fault the receipts cover all events
    without a hole.
    """
    receipts: list[Any] = [each for each in world.ledger.receipts(match) if "published" in each]
    for receipt in receipts:
        for published in receipt["published"]:
            frames = world.reference.feeds.get((match, published["feed"]), [])
            if receipt["seq"] not in {seq for _, seq in frames}:
                world.reference.breaks(f"{receipt['broadcast']} says that {published} was taken; taken were {frames}")
    if world.faults or CHANNELS not in world.cells:
        return
    if reached(0, [(each["prev"], each["seq"]) for each in receipts]) < state.newest_seq:
        world.reference.breaks(f"{match}: {state.newest_seq} events, but the receipts have a hole: {receipts}")


def _posted(event: dict[str, Any]) -> dict[str, Any]:
    ours = ("seq", "at", "score", "shootout", "cancels_seq", "amends_seq", "scores")
    return {name: value for name, value in event.items() if name not in ours}
