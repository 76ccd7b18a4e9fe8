"""A cell whose service carries frames itself: what is published, when the match counts as told, and what goes wrong."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from broadcaster.control.cell_state import CellStates
from broadcaster.control.payload import CarriedEvent
from broadcaster.home.cells import Cell, Cells, InvalidCallError
from broadcaster.home.watchdog_queue import WatchdogQueue
from broadcaster.transports.description import CellDescription
from broadcaster.transports.publisher import Publisher
from broadcaster.transports.registry import DEFAULT
from devstack.stack.provision import client
from devstack.system import REGION
from devstack.tables import arguments
from matches.events import EVENT, AcceptedEvent
from matches.schedule import NewMatch
from runtime.metrics import Metrics
from tests.broadcaster.conftest import THREADS, make_starter
from tests.channel_names import CHANNELS
from tests.hole import hole
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.system import System
    from matches.event_types import BroadcastReceipt
    from matches.ledger import Ledger
    from matches.match_state import MatchState

DESCRIPTION = CellDescription("events", REGION, "appsync-events")
KICK_OFF: dict[str, Any] = {"kind": "kick_off"}
GOAL: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 3}
CARD: dict[str, Any] = {"kind": "yellow_card", "team": "away", "minute": 5, "player": "Ann"}


def refusal(code: str, status: int) -> ClientError:
    """The answer of a service that refuses a frame."""
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Publish")


@dataclass
class FakeService:
    """Takes frames, and keeps them by channel; the next publishes fail with ``errors``, or after they were taken."""

    frame_bytes: int = 240_000
    frames: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    lost_answers: list[Exception] = field(default_factory=list)
    refused: str = ""
    """The channel of which every frame is refused."""
    before: Callable[[], object] = lambda: None
    calls: Counter[str] = field(default_factory=Counter)

    def publish(self, channel: str, frame: bytes) -> None:
        """Take a frame."""
        self.calls[channel] += 1
        self.before()
        if self.errors or channel == self.refused:
            raise self.errors.pop() if self.errors else refusal("AccessDenied", 403)
        self.frames.setdefault(channel, []).append(json.loads(frame) | {"bytes": len(frame)})
        if self.lost_answers:
            raise self.lost_answers.pop()

    def seqs(self, match: str, feed: Any = "all") -> list[tuple[int, int]]:
        """``prev`` and ``seq`` of each frame that a feed of a match without a competition has."""
        return [(each["prev"], each["seq"]) for each in self.frames.get(CHANNELS.feed(None, match, feed), [])]


@pytest.fixture
def service() -> FakeService:
    """The service of the cell."""
    return FakeService()


@pytest.fixture
def publisher(cell_states: CellStates, ledger: Ledger, service: FakeService) -> Publisher:
    """Tells a cell with this service, whose table is that of the running system's cell."""
    return Publisher(DESCRIPTION, cell_states, ledger, service, THREADS, CHANNELS)


@pytest.fixture
def play(ledger: Ledger, match_id: str) -> Callable[..., tuple[MatchState, list[CarriedEvent]]]:
    """Numbers events of a new match; returns the match, and its events as the fan-out carries them."""
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    )

    def play(*events: dict[str, Any]) -> tuple[MatchState, list[CarriedEvent]]:
        before = ledger.state(match_id).newest_seq
        for number, event in enumerate(events, before):
            ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({**event, "event_id": f"e{number}"})))
        carried = [CarriedEvent(*each) for each in ledger.events_with_score_prev(match_id, before, 150)]
        return ledger.state(match_id), carried

    return play


def receipts(ledger: Ledger, match: str) -> list[BroadcastReceipt]:
    """The receipts of a match, all of broadcasting cells."""
    return [each for each in ledger.receipts(match) if "published" in each]


Play = Any


def test_an_event_is_published_on_both_feeds_and_the_match_is_told(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, ledger: Ledger, cell_states: CellStates
) -> None:
    """A goal goes out once on each feed; then the match is told, without a lease, and the receipt says what went."""
    told = publisher.begin(*play(KICK_OFF, GOAL))
    assert service.seqs(match_id) == [(0, 2)]
    assert service.seqs(match_id, "score") == [(0, 2)]
    assert (told.told_seq, told.ended_seq, told.due_seq, told.owner) == (2, 2, 2, None)
    assert cell_states.read(match_id) == told
    [receipt] = receipts(ledger, match_id)
    assert (receipt["cell"], receipt["transport"]) == ("events", "appsync-events")
    assert (receipt["prev"], receipt["seq"]) == (0, 2)
    assert receipt["broadcast"].startswith(f"{match_id}-2-")
    assert 0 < receipt["due_at"] <= receipt["published"][0]["taken_at"] <= receipt["at"]
    assert [(each["feed"], each["events"]) for each in receipt["published"]] == [("all", 2), ("score", 2)]
    assert receipt["published"][0]["bytes"] == service.frames[CHANNELS.feed(None, match_id, "all")][0]["bytes"]
    assert receipt["refused"] == []


def test_a_frame_waits_for_one_call_only(
    publisher: Publisher, service: FakeService, play: Play, cell_states: CellStates
) -> None:
    """Before the frames one write goes to the cell; after them one goes to the cell and one home, side by side.

    Before the first frame of a match in the cell, home is asked whether the match is still this one.
    """
    publisher.begin(*play(KICK_OFF))
    state, events = play(GOAL)
    calls: list[str] = []
    service.before = lambda: calls.append("publish")
    cell_states.db.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name), unique_id="row"
    )
    try:
        publisher.begin(state, events)
    finally:
        cell_states.db.meta.events.unregister("before-call.dynamodb.*", unique_id="row")
    assert (calls[:3], sorted(calls[3:])) == (["UpdateItem", "publish", "publish"], ["PutItem", "UpdateItem"])


def test_a_card_is_not_published_to_followers_of_the_score(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """Only the feed of all events has a frame for an event that changes no plain scoreboard."""
    publisher.begin(*play(KICK_OFF))
    publisher.begin(*play(CARD))
    assert (service.seqs(match_id), service.seqs(match_id, "score")) == ([(0, 1), (1, 2)], [(0, 1)])


def test_the_frames_of_a_competition_go_to_its_channels(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """Nobody hears a match of a competition on the open channel, which every viewer may hear."""
    state, events = play(KICK_OFF)
    publisher.begin(replace(state, competition="cup-1"), events)
    assert set(service.calls) == {CHANNELS.feed("cup-1", match_id, feed) for feed in ("all", "score")}


def test_an_event_that_was_told_is_not_published_again(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """A record that is delivered again, or a check of the watchdog, publishes nothing that has been told."""
    state, events = play(KICK_OFF)
    publisher.begin(state, events)
    publisher.begin(state, events, again=True)
    publisher.begin(state)
    assert service.seqs(match_id) == [(0, 1)]


def test_events_that_the_fan_out_does_not_carry_are_read_at_home(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """The frame begins after ``told_seq`` also if the watchdog begins it, which has no events."""
    publisher.begin(*play(KICK_OFF))
    play(GOAL)
    state, events = play(CARD)
    publisher.begin(state, events)
    assert service.seqs(match_id) == [(0, 1), (1, 3)]
    assert [each["score"] for each in service.frames[CHANNELS.feed(None, match_id, "score")]] == [[0, 0], [1, 0]]
    [_, frame] = service.frames[CHANNELS.feed(None, match_id, "all")]
    assert [each["seq"] for each in frame["events"]] == [2, 3]


@pytest.mark.parametrize(
    "error",
    [
        refusal("UnauthorizedException", 403), refusal("TooManyRequestsException", 429), refusal("Unavailable", 503),
        ReadTimeoutError(endpoint_url="https://example.com"), TimeoutError(),
    ],
    ids=["refused", "throttled", "down", "cut-off", "silent"],
)  # fmt: skip
@pytest.mark.parametrize("feeds", [1, 2])
def test_a_frame_that_is_not_taken_leaves_the_match_untold(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, ledger: Ledger, cell_states: CellStates,
    error: Exception, feeds: int,
) -> None:  # fmt: skip
    """If either feed fails, the error is raised, nothing is told, and the next try publishes both feeds."""
    state, events = play(KICK_OFF, GOAL)
    service.errors = [error] * feeds
    with pytest.raises(type(error)):
        publisher.begin(state, events)
    cell_state = cell_states.read(match_id)
    assert (cell_state.due_seq, cell_state.told_seq, cell_state.ended_seq) == (2, 0, 0)
    assert receipts(ledger, match_id) == []
    assert publisher.begin(state).told_seq == 2
    assert (service.seqs(match_id)[-1], service.seqs(match_id, "score")[-1]) == ((0, 2), (0, 2))


@pytest.mark.parametrize("feed", ["all", "score"])
def test_one_frame_of_two_that_is_not_taken_leaves_the_match_untold(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates, feed: Any
) -> None:
    """The service refuses one feed, whichever it is. The next try publishes the frames of both again."""
    service.refused = CHANNELS.feed(None, match_id, feed)
    played = play(KICK_OFF, GOAL)
    with pytest.raises(ClientError):
        publisher.begin(*played)
    assert cell_states.read(match_id).told_seq == 0
    service.refused = ""
    publisher.begin(*played)
    assert cell_states.read(match_id).told_seq == 2
    assert service.seqs(match_id, feed) == [(0, 2)]


def test_a_receipt_names_what_the_service_refused_before(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, ledger: Ledger, cell_states: CellStates
) -> None:
    """The receipt of the try that succeeds has the service's code of each refusal, and the row forgets them."""
    state, events = play(KICK_OFF)
    for code, status in (("TooManyRequestsException", 429), ("UnauthorizedException", 403)):
        service.errors = [refusal(code, status)] * 2
        with pytest.raises(ClientError):
            publisher.begin(state, events)
    service.errors = [ReadTimeoutError(endpoint_url="https://example.com")] * 2
    with pytest.raises(ReadTimeoutError):
        publisher.begin(state, events)
    publisher.begin(state, events)
    [receipt] = receipts(ledger, match_id)
    assert Counter((each["feed"], each["reason"]) for each in receipt["refused"]) == Counter(
        (feed, reason) for feed in ("all", "score") for reason in ("TooManyRequestsException", "UnauthorizedException")
    )
    assert all(each["at"] >= receipt["due_at"] for each in receipt["refused"])
    assert cell_states.read(match_id).refused == ()


def test_a_receipt_names_the_newest_refusals(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The row has room for so many refusals only: the oldest are forgotten, and the newest are kept."""
    monkeypatch.setattr("broadcaster.transports.publisher.MOST_REFUSED", 2)
    state, events = play(KICK_OFF)
    for code in ("TooManyRequestsException", "UnauthorizedException"):
        service.errors = [refusal(code, 429)] * 2
        with pytest.raises(ClientError):
            publisher.begin(state, events)
    publisher.begin(state, events)
    [receipt] = receipts(ledger, match_id)
    assert [each["reason"] for each in receipt["refused"]] == ["UnauthorizedException"] * 2


def test_a_frame_whose_answer_was_lost_is_published_again(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """If the service took a frame and the answer is lost, the match stays untold: viewers drop the second frame."""
    state, events = play(KICK_OFF)
    service.lost_answers = [ReadTimeoutError(endpoint_url="https://example.com")] * 2
    with pytest.raises(ReadTimeoutError):
        publisher.begin(state, events)
    assert cell_states.read(match_id).told_seq == 0
    publisher.begin(state, events)
    assert service.seqs(match_id) == [(0, 1), (0, 1)]
    assert cell_states.read(match_id).told_seq == 1


def test_two_tellings_at_once_publish_twice_and_tell_once(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """Two processes that tell one event at once need no lease: both end, and the match is told."""
    state, events = play(KICK_OFF, CARD)
    both = Barrier(4, timeout=20.0)
    service.before = both.wait
    tellings = [THREADS.submit(publisher.begin, state, events) for _ in range(2)]
    assert [each.result(20.0).told_seq for each in tellings] == [2, 2]
    assert service.seqs(match_id) == [(0, 2), (0, 2)]
    assert cell_states.read(match_id).told_seq == 2


def test_a_newer_telling_wins(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """A telling that ends after a newer one does not move the match back."""
    older, events = play(KICK_OFF)
    newer, _ = play(GOAL)
    service.before = lambda: cell_states.mark_told(match_id, 2, newer.epoch)
    cell_states.mark_due(match_id, 2, newer.epoch)
    assert publisher.begin(older, events).told_seq == 2
    assert cell_states.read(match_id).told_seq == 2


def test_an_operators_stop_wins(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """After a stop nothing of the stopped events is published, also if the stop comes while a frame is on its way."""
    state, events = play(KICK_OFF)
    service.before = lambda: cell_states.stop(match_id, 1, state.epoch)
    stopped = publisher.begin(state, events)
    assert (stopped.told_seq, stopped.ended_seq, stopped.stopped_seq) == (0, 1, 1)
    assert service.seqs(match_id) == [(0, 1)]
    publisher.begin(state, events, again=True)
    assert service.seqs(match_id) == [(0, 1)]
    service.before = lambda: None
    publisher.begin(*play(GOAL))
    assert service.seqs(match_id)[-1] == (0, 2)


def test_a_match_that_was_created_again_is_told_from_its_first_event(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """The row of an earlier match of the id, which a reset did not reach, keeps no event of the new match."""
    cell_states.mark_due(match_id, 31, "old")
    cell_states.mark_told(match_id, 31, "old")
    publisher.begin(*play(KICK_OFF))
    assert service.seqs(match_id) == [(0, 1)]
    assert cell_states.read(match_id).told_seq == 1


@pytest.mark.parametrize("is_played", [True, False])
def test_a_telling_of_an_earlier_match_of_the_id_publishes_nothing(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates, is_played: bool
) -> None:
    """A late frame of an old epoch would turn every viewer back, also if the cell has no row of the new match."""
    present, events = play(KICK_OFF)
    if is_played:
        publisher.begin(present, events)
        service.frames.clear()
    row = cell_states.read(match_id)
    late = publisher.begin(replace(present, epoch="old", newest_seq=31))
    assert late.told_seq == row.told_seq
    assert service.seqs(match_id) == []
    if is_played:
        assert cell_states.read(match_id) == row
    publisher.begin(*play(GOAL))
    assert service.seqs(match_id)[-1] == ((1, 2) if is_played else (0, 2))


def test_a_telling_of_a_match_that_was_removed_publishes_nothing(
    publisher: Publisher, service: FakeService, play: Play
) -> None:
    """After a reset the id may have no match at all."""
    state, events = play(KICK_OFF)
    publisher.begin(replace(state, match=f"{state.match}-gone"), events)
    assert service.calls.total() == 0


def test_frames_over_the_limit_of_the_service_begin_later(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """With a limit of 4 KB a frame leaves out the oldest events, and its ``prev`` says so; the match is told."""
    service.frame_bytes = 4_000
    told = publisher.begin(*play(KICK_OFF, *[CARD] * 40))
    [frame] = service.frames[CHANNELS.feed(None, match_id, "all")]
    assert frame["bytes"] <= 4_000
    assert frame["prev"] > 0
    assert [each["seq"] for each in frame["events"]] == list(range(frame["prev"] + 1, 42))
    assert told.told_seq == 41


def test_a_receipt_that_cannot_be_written_does_not_keep_the_match_untold(
    cell_states: CellStates, ledger: Ledger, service: FakeService, play: Play, match_id: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """While home does not take the receipt, viewers are told all the same; the receipt is in the log."""
    Publisher(DESCRIPTION, cell_states, ledger, service, THREADS, CHANNELS).begin(*play(KICK_OFF))
    state, events = play(GOAL)
    with hole() as silent:
        away = silent.client("dynamodb")
    publisher = Publisher(DESCRIPTION, cell_states, type(ledger)(ledger.table, away), service, THREADS, CHANNELS)
    assert publisher.begin(state, events).told_seq == 2
    assert [each.levelname for each in caplog.records if each.message == "receipt_unwritten"] == ["ERROR"]


@pytest.fixture(scope="module")
def other_states(system: System, dynamodb: Any) -> CellStates:
    """The table of a second cell in the region of the first."""
    name = system.name("broadcasts") + "-events"
    dynamodb.create_table(**arguments(name, system.raw["tables"]["broadcasts"]))
    return CellStates(name, dynamodb)


def test_a_service_that_does_not_answer_delays_no_other_cell(
    system: System, cell_states: CellStates, other_states: CellStates, ledger: Ledger, service: FakeService, play: Play,
    match_id: str,
) -> None:  # fmt: skip
    """While the service is silent, the other cell has its event, and the silent cell is not asked for the next one."""
    answer = Event()
    service.before = lambda: answer.wait(60.0)
    publisher = Publisher(DESCRIPTION, other_states, ledger, service, THREADS, CHANNELS)
    other = Cell(CellDescription(REGION, REGION, DEFAULT), cell_states, make_starter(system, cell_states))
    queue = WatchdogQueue(client(system, "sqs"), system.resolve("queue.watchdog"), 900)
    cells = Cells({"events": Cell(DESCRIPTION, other_states, publisher), REGION: other}, queue, THREADS)
    try:
        for seq, event in enumerate((KICK_OFF, GOAL), 1):
            assert cells.broadcast(*play(event)) == ["events"]
            assert cell_states.read(match_id).due_seq == seq
        # The thread of the first call asks once for each feed; the next event waits with the watchdog.
        assert sum(service.calls.values()) == 2
        assert other_states.read(match_id).told_seq == 0
    finally:
        answer.set()
    until(lambda: other_states.read(match_id).told_seq == 1)


@pytest.mark.parametrize("error", [refusal("AccessDenied", 403), refusal("Slow", 429), TimeoutError()])
def test_the_watchdog_tells_what_the_service_did_not_take(
    system: System, cell_states: CellStates, publisher: Publisher, service: FakeService, play: Play, match_id: str,
    error: Exception,
) -> None:  # fmt: skip
    """A cell whose service fails is unreached; a later check of the watchdog publishes, and the next one finds it."""
    state, events = play(KICK_OFF)
    service.errors = [error] * 2
    queue = WatchdogQueue(client(system, "sqs"), system.resolve("queue.watchdog"), 900)
    now = [0.0]
    cells = Cells({"events": Cell(DESCRIPTION, cell_states, publisher)}, queue, THREADS, lambda: now[0])
    assert cells.broadcast(state, events) == ["events"]
    now[0] += 60.0
    checks = [cells.check(match_id, 1, "events", state.epoch, lambda: state) for _ in range(2)]
    assert checks == ["restarted", "ended"]
    assert service.seqs(match_id) == [(0, 1)]


def test_frames_that_are_not_published_are_counted(
    publisher: Publisher, service: FakeService, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each frame that the service did not take is counted: of Momento, CloudWatch counts nothing else."""
    state, events = play(KICK_OFF)
    service.errors = [refusal("TooManyRequestsException", 429), ReadTimeoutError(endpoint_url="https://example.com")]
    with pytest.raises((ClientError, ReadTimeoutError)):
        Metrics("fanout").publish_after(publisher.begin)(state, events)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "FramesUnpublished" in line]
    assert [line["FramesUnpublished"] for line in lines] == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("code", "outcome"), [("ValidationException", InvalidCallError), ("AccessDenied", "unreached")]
)
def test_only_a_frame_that_is_blamed_itself_is_given_up(
    system: System, cell_states: CellStates, publisher: Publisher, service: FakeService, play: Play, code: str,
    outcome: Any,
) -> None:  # fmt: skip
    """A frame that the service calls invalid fails again; a refusal stays until a person changes the deployment."""
    state, _ = play(KICK_OFF, GOAL)
    service.errors = [refusal(code, 400)] * 4
    queue = WatchdogQueue(client(system, "sqs"), system.resolve("queue.watchdog"), 900)
    cells = Cells({"events": Cell(DESCRIPTION, cell_states, publisher)}, queue, THREADS)
    cells.broadcast(state)
    check = partial(cells.check, state.match, 2, "events", state.epoch, lambda: state)
    if outcome == "unreached":
        assert check() == outcome
    else:
        with pytest.raises(outcome):
            check()
    assert check() == "restarted"
