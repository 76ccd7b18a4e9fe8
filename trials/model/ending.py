"""The end of every run: no more faults, everything comes to rest, and then everything must be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from matches.events import parse_record
from subscriptions.store import Row
from trials.model.reference import replayed

if TYPE_CHECKING:
    from matches.match_state import MatchState
    from trials.model.world import World


def quiet(world: World, match: str) -> None:
    """No more faults: everybody awake, one more event of the score, and everything runs to its end. Then look."""
    world.skew = 0.0
    world.broken_batch = None
    for actor in world.actors:
        actor.skew, actor.hangs = 0.0, False
    _run_out(world, match)
    seq, tried = world.ledger.state(match).seq, world.tellings.read(match).tried
    if tried < seq:
        world.reference.breaks(f"{match}: {seq} events, but nobody broadcasts more than {tried}")
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


def _run_out(world: World, match: str) -> None:
    for _ in range(40):
        if not world.rest():
            break
        if world.stream.waiting(match):
            world.deliver(match, 100)
        elif world.watched.messages:
            world.look_after()
            world.pass_time(30.0)
        else:
            return
    world.reference.breaks(f"{match} does not come to rest: {world.tellings.read(match)}")


def _care(world: World) -> None:
    for _ in range(5):
        if not sum(viewer.care() for viewer in world.viewers.values()):
            return
        world.rest()


def _check(world: World, match: str) -> None:
    reference, state = world.reference, world.ledger.state(match)
    events = reference.ledger.get(match, [])
    kept = [event["event_id"] for event in world.ledger.history(match, 0, 500)]
    if kept != [event["event_id"] for event in events] or state.seq != len(kept):
        reference.breaks(f"{match}: the history says {kept}, at {state.seq}")
    telling = world.tellings.read(match)
    if (telling.told, telling.tried) != (state.seq, state.seq):
        reference.breaks(f"{match}: {state.seq} events, but {telling}")
    for key in reference.accepted:
        outcome = world.ledger.outcome(*key)
        if outcome is None or outcome.status == "pending":
            reference.breaks(f"{key} was answered 202 and is neither applied nor refused")
    _check_board(world, match, state)
    _check_viewers(world, match, state)


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
            reference.complete(viewer.name, match, score_only=viewer.score_only)
            if viewer.follower.score != state.board.score:
                reference.breaks(f"{viewer.name} shows {viewer.follower.score}, it is {state.board.score}")
    wanted = {
        viewer.connection.name
        for viewer in world.viewers.values()
        if viewer.there and viewer.wants and viewer.connection
    }
    items = world.raw.scan(TableName=world.system.name("subscriptions"))["Items"]
    rows = {item["sk"]["S"] for item in items if Row(item["pk"]["S"], item["sk"]["S"]).match}
    if rows != wanted:
        reference.breaks(f"rows of {sorted(rows)}, connected are {sorted(wanted)}")
    told = sum(receipt["accepted"] for receipt in world.ledger.receipts(match))
    if told > world.received or (not world.faults and told != world.received):
        reference.breaks(f"receipts say {told} accepted, the gateway took {world.received}")


def _posted(event: dict[str, Any]) -> dict[str, Any]:
    ours = ("seq", "at", "score", "shootout", "cancels_seq", "amends_seq", "scores")
    return {name: value for name, value in event.items() if name not in ours}
