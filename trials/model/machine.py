"""The schedule: the steps from which hypothesis chooses."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from trials.model import storage
from trials.model.actors import Actor, Routine, Turn
from trials.model.channel_cell import Subscription
from trials.model.channel_viewer import ChannelViewer
from trials.model.connections_api import FAULTS
from trials.model.ending import check_settled, quiet
from trials.model.model_sender import ModelSender
from trials.model.model_viewer import ModelViewer
from trials.model.world import CHANNELS, GATEWAY, World

MATCH = "model"
VIEWERS = 6
EVENTS: tuple[dict[str, Any], ...] = (
    {"kind": "goal", "team": "home", "minute": 3},
    {"kind": "goal", "team": "away", "minute": 4},
    {"kind": "yellow_card", "team": "home", "minute": 5},
    {"kind": "half_time"},
    {"kind": "second_half"},
)
SECONDS = (0.3, 1.1, 6.0, 31.0, 95.0, 200.0)
"""Longer than a poll, the wait of a page, an overdue answer, the watchdog, a lease, a hand-over."""

CELLS = ((GATEWAY,), (GATEWAY,), (GATEWAY, CHANNELS), (CHANNELS, GATEWAY), (CHANNELS,))
"""The cells of a world, in the order in which home calls them."""

WHO = st.integers(0, 11)
WHICH = st.integers(0, 5)


class Totals:
    """The counts of all runs of this process."""

    runs = 0
    steps = 0
    effects = 0
    faults = 0


@cache
def _storage() -> tuple[Any, Any]:
    return storage.client(), storage.client()


class Broken(AssertionError):  # noqa: N818 - the report of a failed test
    """A promise is broken; the text says which."""


class Machine(RuleBasedStateMachine):
    """One match, an operator, some viewers, and faults."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[dict[str, Any]] = []
        Totals.runs += 1

    def teardown(self) -> None:
        """Let every actor end, and check all promises."""
        if not hasattr(self, "world"):
            return  # It has not begun.
        try:
            if not self.world.reference.broken:
                quiet(self.world, MATCH)
            self.look()
        finally:
            Totals.effects += self.world.effects
            Totals.faults += self.world.faults
            self.world.close()

    def look(self) -> None:
        """Raises Broken if a promise is broken."""
        Totals.steps += 1
        check_settled(self.world, MATCH)
        if self.world.reference.broken:
            for actor in self.world.actors:
                note(f"{actor.name}: {getattr(actor, 'at', '')}")
            raise Broken("; ".join(self.world.reference.broken[:5]))

    @initialize(cells=st.sampled_from(CELLS), audience=st.sampled_from([2, 4]), watching=st.integers(2, VIEWERS))
    def begins(self, cells: tuple[str, ...], audience: int, watching: int) -> None:
        """A match that has kicked off, and some viewers, who are shared among the cells."""
        self.world = World(_storage(), cells)
        self.world.create(MATCH, audience)
        self._post({"kind": "kick_off"})
        for number in range(VIEWERS):
            name = f"viewer {number}"
            made = ChannelViewer if cells[number % len(cells)] == CHANNELS else ModelViewer
            viewer = self.world.viewers[name] = made(self.world, name, MATCH)
            if number < watching:
                viewer.come(score_only=number % 3 == 2)
        self._rest()
        self.look()

    # The operator.

    @rule(
        event=st.sampled_from(EVENTS),
        dies_at=st.sampled_from([None, None, None, None, 2, 3]),
        until=st.sampled_from(["streamed", "delivered", "posted", "posted", "settled", "told"]),
    )
    def post(self, event: dict[str, Any], dies_at: int | None, until: str) -> None:
        """An operator posts an event; ``until`` says how far the event gets before the next step."""
        self._post(event, dies_at)
        if until == "delivered":
            self.world.deliver(MATCH, 1)
        elif until == "told":
            self._rest()
        elif until != "streamed":
            self._until(until)
        self.look()

    @rule(events=st.lists(st.sampled_from(EVENTS), min_size=2, max_size=4))
    def post_together(self, events: list[dict[str, Any]]) -> None:
        """An operator posts several events, which the event source delivers at once."""
        for event in events:
            self._post(event)
        self.world.deliver(MATCH, len(events))
        self.look()

    @rule(which=WHICH)
    def post_again(self, which: int) -> None:
        """An operator posts an event again, after a lost answer or by a second press."""
        self.world.post(MATCH, self.posted[-1 - which % len(self.posted)])
        self.look()

    @rule(which=WHICH, event=st.sampled_from(EVENTS[:3]), dies_at=st.sampled_from([None, None, 2, 3]))
    def post_other(self, which: int, event: dict[str, Any], dies_at: int | None) -> None:
        """An operator posts another event under the same id."""
        event_id = self.posted[-1 - which % len(self.posted)]["event_id"]
        self.world.post(MATCH, {**event, "event_id": event_id}, dies_at=dies_at)
        self.look()

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        """An operator cancels an event."""
        self._post({"kind": "cancellation", "cancels": self.posted[-1 - which % len(self.posted)]["event_id"]})
        self.look()

    @rule(which=WHICH, player=st.sampled_from("AB"), minute=st.sampled_from([None, 2]))
    def amend(self, which: int, player: str, minute: int | None) -> None:
        """An operator amends an event."""
        named = {"player": player} if minute is None else {"player": player, "minute": minute}
        self._post({"kind": "amendment", "amends": self.posted[-1 - which % len(self.posted)]["event_id"], **named})
        self.look()

    # The stream.

    @precondition(lambda self: self.world.stream.waiting(MATCH) > 0)
    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        """The event source delivers records."""
        self.world.deliver(MATCH, count)
        self.look()

    @rule(count=st.integers(1, 3))
    def deliver_again(self, count: int) -> None:
        """The event source delivers records again."""
        self.world.deliver(MATCH, count, from_done=False)
        self.look()

    # Viewers.

    @rule(who=WHO, score_only=st.booleans(), hangs_at=st.sampled_from([None, None, 2, 3, 4, 5]), late=st.booleans())
    def come(self, who: int, score_only: bool, hangs_at: int | None, late: bool) -> None:
        """A viewer subscribes, for the first time, again, or with another ``only``; its function may hang.

        ``late``: its subscription to a channel begins a second after its acknowledgement.
        """
        viewer = self._viewer(who)
        if isinstance(viewer, ChannelViewer):
            viewer.begins_late = late
        if not viewer.asking:
            viewer.come(score_only=score_only)
            if viewer.asking and hangs_at is not None:
                self._hang(self.world.actors[-1], hangs_at)
        self.look()

    @rule(who=WHO, noticed=st.booleans())
    def leave(self, who: int, noticed: bool) -> None:
        """A viewer leaves, with ``$disconnect`` or without."""
        self._viewer(who).leave(noticed=noticed)
        self.look()

    @rule(who=WHO)
    def unsubscribe(self, who: int) -> None:
        """A viewer unsubscribes."""
        viewer = self._viewer(who)
        if viewer.there and not viewer.asking:
            viewer.unsubscribe()
        self.look()

    @rule(who=WHO)
    def sleep_or_wake(self, who: int) -> None:
        """A viewer sleeps, like a phone in a pocket: its frames are accepted and lost. Or it wakes."""
        connection = self._viewer(who).connection
        if connection is not None:
            connection.awake = not connection.awake
        self.look()

    @rule(who=WHO)
    def care(self, who: int) -> None:
        """A viewer repeats requests without an answer."""
        viewer = self._viewer(who)
        if not viewer.asking:
            viewer.care()
        self.look()

    # The actors.

    @rule(turns=st.lists(st.integers(0, 60), min_size=1, max_size=25))
    def turns(self, turns: list[int]) -> None:
        """Side effects happen, in any order."""
        for number in turns:
            if ready := self.world.ready():
                self.world.turn(ready[number % len(ready)], number // len(ready))
        self.look()

    @rule(who=WHO, turns=st.integers(1, 40))
    def one_goes_ahead(self, who: int, turns: int) -> None:
        """One actor is much faster than the others."""
        ready = self.world.ready()
        if ready:
            actor = ready[who % len(ready)]
            for _ in range(turns):
                if not actor.choices():
                    break
                self.world.turn(actor)
        self.look()

    @rule(what=st.sampled_from(["posted", "settled"]))
    def until(self, what: str) -> None:
        """All actors run until a sender is posting or a frame is being published, or until a receipt is running."""
        self._until(what)
        self.look()

    @rule(who=WHO)
    def outlives_its_lease(self, who: int) -> None:
        """An actor stands still for so long that its lease ends, and another execution does its work."""
        if ready := self.world.ready():
            ready[-1 - who % len(ready)].hangs = True
            self.world.pass_time(220.0)
            self.world.look_after()
            self._rest()
        self.look()

    @rule()
    def rest(self) -> None:
        """All actors run to their end, without other steps between."""
        self._rest()
        self.look()

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds: float) -> None:
        """Time passes without side effects."""
        self.world.pass_time(seconds)
        self.look()

    @rule(skew=st.sampled_from([0.0, -120.0, 120.0]), sender_seconds=st.sampled_from([0.2, 55.0]))
    def another_machine(self, skew: float, sender_seconds: float) -> None:
        """Invocations that begin from now on have a wrong clock, or little time."""
        self.world.skew, self.world.gateway.sender_seconds = skew, sender_seconds
        self.look()

    @rule()
    def watchdog(self) -> None:
        """The watchdog checks a message."""
        self.world.look_after()
        self.look()

    @rule(who=WHO, turns=st.integers(0, 8))
    def hangs(self, who: int, turns: int) -> None:
        """An actor runs for some turns and then stands still, while the others go on."""
        if ready := self.world.ready():
            self._hang(ready[-1 - who % len(ready)], turns)
        self.look()

    @precondition(lambda self: any(each.hangs for each in self.world.actors))
    @rule(who=WHO)
    def goes_on(self, who: int) -> None:
        """An actor that stood still goes on."""
        if hanging := [each for each in self.world.actors if each.hangs]:
            hanging[who % len(hanging)].hangs = False
        self.look()

    # Faults.

    @rule(batch=st.sampled_from([None, 0, 1]))
    def breaks(self, batch: int | None) -> None:
        """Every sender of this batch dies, until the next such step."""
        self.world.gateway.failing_batch = batch
        self.look()

    @rule(who=WHO, choice=WHICH, turn=st.sampled_from([each for each in Turn if each is not Turn.GO]))
    def call_fails(self, who: int, choice: int, turn: Turn) -> None:
        """A call fails, takes place twice, or is the actor's last."""
        if ready := self.world.ready():
            self.world.turn(ready[who % len(ready)], choice, turn)
        self.look()

    @rule(what=st.sampled_from(["posted", "settled"]), who=WHO, choice=WHICH, turn=st.sampled_from(list(Turn)))
    def is_interrupted(self, what: str, who: int, choice: int, turn: Turn) -> None:
        """The same for one of the newest actors, while a sender posts or a receipt runs."""
        self._until(what)
        if ready := self.world.ready():
            self.world.turn(ready[-1 - who % min(3, len(ready))], choice, turn)
        self.look()

    @rule(who=WHO)
    def dies(self, who: int) -> None:
        """A process dies while it waits."""
        if actors := [each for each in self.world.actors if not each.ended and not _is_idle(each)]:
            self.world.faults += 1
            actors[who % len(actors)].die()
        self.look()

    @rule(who=WHO, choice=WHICH, fault=st.sampled_from(FAULTS))
    def post_fails(self, who: int, choice: int, fault: str) -> None:
        """All actors run until a sender is posting; then the gateway answers wrongly."""
        self._until("posted")
        if senders := [each for each in self.world.actors if isinstance(each, ModelSender) and each.posts()]:
            self.world.gateway.fault(senders[who % len(senders)], choice, fault)
        self.look()

    @precondition(lambda self: CHANNELS in self.world.cells)
    @rule(turn=st.sampled_from([None, *Turn]), turns=st.integers(0, 2), watchdog=st.booleans())
    def publish_fails(self, turn: Turn | None, turns: int, watchdog: bool) -> None:
        """All actors run until a frame is being published. One of the next calls fails, happens twice, or is the last.

        ``None``: the actor stands still. ``watchdog``: a check of the watchdog comes first.
        """
        if watchdog:
            self.world.look_after()
        self._until("posted")
        if actors := [each for each in self.world.ready() if _is_publishing(each)]:
            for _ in range(turns):
                if actors[-1].choices():
                    self.world.turn(actors[-1])
            if turn is None:
                actors[-1].hangs = True
            elif actors[-1].choices():
                self.world.turn(actors[-1], turn=turn)
        self.look()

    @precondition(lambda self: CHANNELS in self.world.cells)
    @rule(trouble=st.sampled_from([None, Turn.FAIL, Turn.ANSWER_LOST]), checks=st.integers(0, 3))
    def service_is_down(self, trouble: Turn | None, checks: int) -> None:
        """The service refuses every frame or does not answer, or is well again; the watchdog checks some messages."""
        self.world.channels.service.trouble = trouble
        for _ in range(checks):
            self.world.look_after()
            self._rest()
        self.look()

    @precondition(lambda self: CHANNELS in self.world.cells)
    @rule(who=WHO, choice=WHICH, turn=st.sampled_from([None, *Turn]))
    def on_the_way(self, who: int, choice: int, turn: Turn | None) -> None:
        """All actors run until something is on its way to viewers of a channel.

        To one of them it comes out of order, twice or never, or its connection breaks; ``None``: nothing comes now.
        """
        self._until("carried")
        if actors := [each for each in self.world.ready() if isinstance(each, Subscription)]:
            actor = actors[who % len(actors)]
            if turn is None:
                actor.hangs = True
            else:
                self.world.turn(actor, choice, turn)
        self.look()

    @precondition(lambda self: self.world.gateway.executions)
    @rule(which=WHICH)
    def runs_twice(self, which: int) -> None:
        """Step Functions starts an Express execution a second time."""
        self.world.faults += 1
        names = list(self.world.gateway.executions)
        name = names[-1 - which % len(names)]
        self.world.gateway.begin_execution(name, self.world.gateway.executions[name])
        self.look()

    def _hang(self, actor: Actor, turns: int) -> None:
        for _ in range(turns):
            if actor.choices():
                self.world.turn(actor)
        actor.hangs = True

    def _until(self, what: str) -> None:
        if not self.world.stream.waiting(MATCH) and not self.world.ready():
            self._post(EVENTS[0])
        self.world.deliver(MATCH, 100)
        reached = {"posted": _is_posting, "settled": _is_settling, "carried": _is_carrying}
        for _ in range(200):
            ready = self.world.ready()
            if not ready or any(reached[what](each) for each in ready):
                return
            self.world.turn(ready[0])

    def _viewer(self, who: int) -> ModelViewer:
        return self.world.viewers[f"viewer {who % VIEWERS}"]

    def _post(self, event: dict[str, Any], dies_at: int | None = None) -> None:
        event = {**event, "event_id": f"e{len(self.posted) + 1}"}
        self.posted.append(event)
        self.world.post(MATCH, event, dies_at=dies_at)

    def _rest(self) -> None:
        self.world.rest()
        if self.world.stream.waiting(MATCH):
            self.world.deliver(MATCH, 100)
            self.world.rest()


def _is_publishing(actor: Actor) -> bool:
    return isinstance(actor, Routine) and actor.at == "Publish"


def _is_posting(actor: Actor) -> bool:
    return _is_publishing(actor) or (isinstance(actor, ModelSender) and bool(actor.posts()))


def _is_settling(actor: Actor) -> bool:
    return actor.name.startswith("receipt of ")


def _is_carrying(actor: Actor) -> bool:
    return isinstance(actor, Subscription)


def _is_idle(actor: Actor) -> bool:
    """Whether it is a subscription to a channel with nothing on the way: it is no process."""
    return isinstance(actor, Subscription) and not actor.choices()
