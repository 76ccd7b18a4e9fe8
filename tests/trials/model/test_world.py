"""The parts that the model replaces behave like the real ones."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.home.cells import SILENCE_SECONDS
from tests.support import counted
from trials.model import storage
from trials.model.actors import Turn
from trials.model.channel_cell import Subscription
from trials.model.channel_viewer import ChannelViewer
from trials.model.ending import quiet
from trials.model.execution import TRIES, definition
from trials.model.model_sender import ModelSender
from trials.model.model_viewer import ModelViewer
from trials.model.reference import CellProgress
from trials.model.world import CHANNELS, World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    """A model with a match that has kicked off and two who watch it."""
    world = World((storage.client(), storage.client()))
    world.create("m", 4)
    for name in ("a", "b"):
        world.viewers[name] = ModelViewer(world, name, "m")
        world.viewers[name].come(score_only=False)
    world.rest()
    world.post("m", {"event_id": "k", "kind": "kick_off"})
    world.deliver("m", 10)
    world.rest()
    yield world
    world.close()


def test_an_execution_goes_the_way_of_the_state_machine() -> None:
    """The way from state to state that the model walks is the one in broadcast.asl.json, with as many tries."""
    states = definition()
    ways = {
        name: sorted(
            [state[key] for key in ("Next", "Default") if key in state]
            + [each["Next"] for each in state.get("Choices", []) + state.get("Catch", [])]
        )
        for name, state in states.items()
    }
    assert ways == {
        "Begin": ["Round"],
        "Round": ["NeedsHandOver?"],
        "AlreadyDone?": ["Done", "Send"],
        "Send": ["BatchDone?", "SetAside"],
        "BatchDone?": ["Done", "Send"],
        "Done": [],
        "SetAside": ["RenewLease", "RenewLease"],
        "RenewLease": ["Done", "Done"],
        "NeedsHandOver?": ["Finish", "HandOver"],
        "HandOver": [],
        "Finish": ["NewerEvent?"],
        "NewerEvent?": ["Ended", "HandOver", "Round"],
        "Ended": [],
    }
    retries = {name: state["Retry"][-1] for name, state in states.items() if "Retry" in state}
    assert {name: last["MaxAttempts"] + 1 for name, last in retries.items()} == TRIES
    assert all(last["ErrorEquals"] == ["States.ALL"] for last in retries.values())


def test_a_goal_reaches_who_watches(world: World) -> None:
    """Without faults the broadcasts reach all viewers, and the checks find nothing."""
    before = world.gateway.received
    world.post("m", {"event_id": "g", "kind": "goal", "team": "home", "minute": 1})
    world.deliver("m", 10)
    world.rest()
    assert world.gateway.received == before + 2
    assert world.reference.shown == {"a": [1, 2], "b": [1, 2]}
    quiet(world, "m")
    assert world.reference.broken == []
    assert world.reference.shown == {"a": [1, 2, 3], "b": [1, 2, 3]}


@pytest.fixture
def channels() -> Iterator[World]:
    """A model with a cell that broadcasts alone, where one follows everything and one the score."""
    world = World((storage.client(), storage.client()), (CHANNELS,))
    world.create("m", 4)
    for name in ("all", "score"):
        world.viewers[name] = ChannelViewer(world, name, "m")
        world.viewers[name].come(score_only=name == "score")
    world.rest()
    world.post("m", {"event_id": "k", "kind": "kick_off"})
    world.deliver("m", 10)
    world.rest()
    yield world
    world.close()


def test_a_goal_reaches_who_hears_the_channels(channels: World) -> None:
    """Without faults each event is published once on each feed that it is for, and reaches who hears that feed."""
    for event in ({"kind": "yellow_card", "team": "home"}, {"kind": "goal", "team": "home"}):
        channels.post("m", {"event_id": event["kind"], "minute": 1, **event})
        channels.deliver("m", 10)
        channels.rest()
    assert channels.reference.feeds == {("m", "all"): [(0, 1), (1, 2), (2, 3)], ("m", "score"): [(0, 1), (1, 3)]}
    assert channels.reference.shown == {"all": [1, 2, 3], "score": [1, 3]}
    assert all(isinstance(each, ChannelViewer) and each.settled for each in channels.viewers.values())
    quiet(channels, "m")
    assert channels.reference.broken == []


def test_a_subscription_that_begins_late_misses_a_frame_and_the_second_look_brings_it(channels: World) -> None:
    """An event that is published between a subscription's answer and its beginning is shown without another event."""
    channels.pass_time(2.0)  # Caches forget the match without its kick-off.
    viewer = channels.viewers["late"] = ChannelViewer(channels, "late", "m")
    viewer.begins_late = True
    viewer.come(score_only=False)
    while viewer.follower.seq < 1:
        channels.turn(channels.ready()[0])
    channels.post("m", {"event_id": "g", "kind": "goal", "team": "home", "minute": 1})
    channels.deliver("m", 10)
    while channels.ready():
        channels.turn(channels.ready()[0])
    assert channels.reference.shown["late"] == [1]
    assert channels.reference.shown["all"] == [1, 2]
    assert not viewer.settled
    channels.rest()
    assert channels.reference.shown["late"] == [1, 2]
    assert viewer.settled


def test_a_publish_without_an_answer_leaves_the_match_untold(channels: World) -> None:
    """The service takes the frames, and their answers are lost: the match is untold, until the watchdog tries again."""
    channels.post("m", {"event_id": "g", "kind": "goal", "team": "home", "minute": 1})
    channels.deliver("m", 10)
    while (routine := channels.ready()[0]).at != "Publish":  # type: ignore[attr-defined]
        channels.turn(routine)
    channels.turn(routine, turn=Turn.ANSWER_LOST)
    channels.rest()
    assert channels.channels.states.read("m").told_seq == 1
    assert channels.reference.feeds["m", "all"] == [(0, 1), (1, 2)]
    for _ in range(4):
        channels.pass_time(SILENCE_SECONDS)
        channels.look_after()
        channels.rest()
    assert channels.watched.messages == []
    assert channels.channels.states.read("m").told_seq == 2
    assert channels.reference.feeds["m", "all"] == [(0, 1), (1, 2), (1, 2)]
    assert channels.reference.shown["all"] == [1, 2]


def test_what_is_on_the_way_comes_twice_or_never_or_later(channels: World) -> None:
    """A frame that is lost is a gap that the next one shows; frames that come twice or late show nothing twice."""
    frames = []
    for number, turns in enumerate(([Turn.FAIL], [Turn.TWICE], [Turn.ANSWER_LOST, Turn.GO])):
        channels.post("m", {"event_id": f"g{number}", "kind": "goal", "team": "home", "minute": 1})
        channels.deliver("m", 10)
        mine = [each for each in channels.actors if isinstance(each, Subscription) and each.name.endswith("to all")]
        while not mine[0].choices():
            channels.turn(channels.ready()[0])
        for turn in turns:
            channels.turn(mine[0], turn=turn)
        frames.append(list(channels.reference.shown["all"]))
        channels.rest()
    assert frames == [[1], [1], [1, 2, 3, 4]]
    assert channels.reference.broken == []


@pytest.mark.parametrize("feed", ["all", "score"])
def test_the_reference_objects_to_a_told_match_without_a_frame(channels: World, feed: str) -> None:
    """A goal that counts as told, and was never published for a feed, is an error."""
    channels.post("m", {"event_id": "g", "kind": "goal", "team": "home", "minute": 1})
    channels.deliver("m", 10)
    channels.rest()
    assert channels.reference.broken == []
    channels.reference.feeds["m", feed] = []
    channels.reference.channel_progress["m"] = CellProgress(1, 1)
    row = {"told_seq": {"N": "2"}, "ended_seq": {"N": "2"}}
    channels.reference.told_by_channels("m", row)
    assert channels.reference.broken == [f"m: 2 counts as told, but [2] was never published for {feed}"]


def test_an_execution_that_loses_its_lease_leaves_no_receipt(world: World) -> None:
    """An execution posts, stands still and loses its lease: it writes no receipt, and all other receipts are exact."""
    world.post("m", {"event_id": "g", "kind": "goal", "team": "home", "minute": 1})
    world.deliver("m", 10)
    while not any(isinstance(each, ModelSender) and each.posts() for each in world.actors):
        world.turn(world.ready()[0])
    hanging = next(each for each in world.actors if isinstance(each, ModelSender) and each.posts())
    world.turn(hanging, hanging.choices() - 1)
    hanging.hangs = True
    world.pass_time(220.0)
    for _ in range(len(world.watched.messages)):
        world.look_after()
        world.rest()
    quiet(world, "m")
    assert world.reference.broken == []
    assert world.faults == 0
    receipts = {receipt["broadcast"]: receipt["accepted"] for receipt in counted(world.ledger.receipts("m"))}
    unreceipted = [posts for name, posts in world.gateway.accepted.items() if name not in receipts]
    assert unreceipted == [{hanging.owner: 1}]
    [name] = [name for name in world.gateway.accepted if name not in receipts]
    assert world.reference.lost_leases == {(hanging.owner, name)}


@pytest.mark.parametrize(
    ("lost", "found"),
    [
        (set[tuple[str, str]](), 1),
        ({("execution:other", "x#1")}, 1),
        ({("execution:x", "x#2")}, 1),
        ({("execution:x", "x#1")}, 0),
    ],
)
def test_only_a_lost_lease_excuses_a_missing_receipt(world: World, lost: Any, found: int) -> None:
    """Frames that no receipt counts are an error, unless their execution lost its lease in that round."""
    world.gateway.accepted["x#1"] = Counter({"execution:x": 1})
    world.reference.lost_leases = lost
    quiet(world, "m")
    assert len([each for each in world.reference.broken if "the receipt of x#1" in each]) == found
    assert len(world.reference.broken) == found


def test_a_lost_lease_excuses_no_wrong_receipt(world: World) -> None:
    """A receipt that exists counts every frame of its round, whatever became of the lease."""
    broadcast = next(iter(world.gateway.accepted))
    world.gateway.accepted[broadcast]["execution:x"] = 1
    world.reference.lost_leases = {("execution:x", broadcast)}
    quiet(world, "m")
    assert len(world.reference.broken) == 1, world.reference.broken


def test_a_transaction_that_is_repeated_counts_once(world: World) -> None:
    """Promise 3: botocore repeats a transaction with its token, so the reference sees its events once."""
    world.post("m", {"event_id": "g", "kind": "goal", "team": "home", "minute": 1})
    world.deliver("m", 10)
    while (routine := world.ready()[0]).at != "TransactWriteItems":  # type: ignore[attr-defined]
        world.turn(routine)
    world.turn(routine, turn=Turn.TWICE)
    world.rest()
    assert world.reference.broken == []
    assert [each["event_id"] for each in world.reference.ledger["m"]] == ["k", "g"]


def test_a_schedule_can_be_repeated(world: World) -> None:
    """The same choices make the same side effects: nothing here depends on the machine's clock or its load."""

    def goal(number: int) -> list[str]:
        world.post("m", {"event_id": f"g{number}", "kind": "goal", "team": "home", "minute": 1})
        world.deliver("m", 10)
        seen = []
        while ready := world.ready():
            seen.append(f"{type(ready[-1]).__name__} {ready[-1].choices()}")
            world.turn(ready[-1])
        return seen

    assert goal(1) == goal(2)


def test_the_reference_objects(world: World) -> None:
    """The reference finds a wrong, repeated or late event of a viewer, and a pruned row of an open connection."""
    broken, event = world.reference.broken, {"seq": 1, "event_id": "k"}
    world.reference.showed("a", "m", event)
    world.reference.showed("c", "m", {"seq": 9, "event_id": "g"})
    world.reference.row_deleted("m#0", next(iter(world.reference.connections)), pruned=True)
    world.reference.numbered("m", {"seq": 1, "event_id": "k"}, scores=True)
    assert len(broken) >= 5, broken


def test_time_stands_still(world: World) -> None:
    """Time passes without waiting, and the code under test sees the model's time."""
    before: Any = world.clock.time()
    world.pass_time(3_600.0)
    assert world.clock.time() == before + 3_600.0
