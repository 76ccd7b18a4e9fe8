"""A cell whose service does not take a frame: the match stays untold, and the receipt and the metrics say so."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from broadcaster.transports.publisher import Publisher
from runtime.metrics import Metrics
from tests.broadcaster.conftest import THREADS
from tests.broadcaster.transports.publishing import DESCRIPTION, GOAL, KICK_OFF, FakeService, Play, receipts, refusal
from tests.channel_names import CHANNELS
from tests.silent_service import silent_service

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from matches.ledger import Ledger


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


def test_a_receipt_that_cannot_be_written_does_not_keep_the_match_untold(
    cell_states: CellStates, ledger: Ledger, service: FakeService, play: Play, match_id: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """While home does not take the receipt, viewers are told all the same; the receipt is in the log."""
    Publisher(DESCRIPTION, cell_states, ledger, service, THREADS, CHANNELS).begin(*play(KICK_OFF))
    state, events = play(GOAL)
    with silent_service() as silent:
        away = silent.client("dynamodb")
    publisher = Publisher(DESCRIPTION, cell_states, type(ledger)(ledger.table, away), service, THREADS, CHANNELS)
    assert publisher.begin(state, events).told_seq == 2
    assert [each.levelname for each in caplog.records if each.message == "receipt_unwritten"] == ["ERROR"]


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
