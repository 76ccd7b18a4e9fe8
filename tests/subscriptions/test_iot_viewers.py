"""Rows of IoT Core's viewers in a real table: lifecycle events in any order, and more than once."""

from __future__ import annotations

import itertools
import random
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from matches.ledger import UnknownMatchError
from subscriptions import iot_presence, iot_viewers
from subscriptions.iot_viewers import IotViewers
from tests.channel_names import CHANNELS

if TYPE_CHECKING:
    from devstack.system import System
    from matches.ledger import Ledger


@pytest.fixture
def viewers(system: System, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> IotViewers:
    """The rows of a cell, as the function changes them."""
    made = IotViewers(system.name("broadcasts"), dynamodb)
    monkeypatch.setattr(iot_presence, "_viewers", lambda: made)
    monkeypatch.setattr(iot_presence, "_channels", lambda: CHANNELS)
    return made


@pytest.fixture
def channel() -> str:
    """The channel of a match that no other test uses."""
    return CHANNELS.match(None, f"m-{uuid4().hex[:12]}")


def event(kind: str, session: str, *topics: str, at: int = 1) -> dict[str, Any]:
    """A lifecycle event, as IoT Core documents it. ``at``: milliseconds since 1970."""
    about = {"clientId": "c" * 22, "timestamp": at, "eventType": kind, "sessionIdentifier": session}
    return {**about, "principalIdentifier": "p", **({"topics": list(topics)} if topics else {})}


def note(*events: dict[str, Any]) -> None:
    """The function takes events in this order."""
    for each in events:
        iot_presence.change_rows(each)


@pytest.mark.parametrize("seed", range(6))
def test_the_count_is_right_whatever_the_order_and_however_often(viewers: IotViewers, channel: str, seed: int) -> None:
    """Ten viewers subscribe, four of them end: six are left, with every event twice and in any order."""
    sessions = [uuid4().hex for _ in range(10)]
    events = [event("subscribed", each, f"{channel}/all") for each in sessions]
    events += [event("disconnected", each) for each in sessions[:4]]
    events *= 2
    random.Random(seed).shuffle(events)
    note(*events)
    assert viewers.count(channel) == 6


def test_a_viewer_of_both_feeds_is_one_viewer(viewers: IotViewers, channel: str) -> None:
    """It counts until it has left both feeds of the match; its other matches count for themselves."""
    session, other = uuid4().hex, channel + "x"
    note(
        event("subscribed", session, f"{channel}/all", f"{other}/score"),
        event("subscribed", session, f"{channel}/score"),
    )
    assert (viewers.count(channel), viewers.count(other)) == (1, 1)
    note(event("unsubscribed", session, f"{channel}/all", at=2))
    assert (viewers.count(channel), viewers.count(other)) == (1, 1)
    note(event("unsubscribed", session, f"{channel}/score", at=2))
    assert (viewers.count(channel), viewers.count(other)) == (0, 1)
    note(event("disconnected", session))
    assert viewers.count(other) == 0


@pytest.mark.parametrize(
    ("kinds", "viewers_left"),
    [
        (["subscribed all", "unsubscribed all"], 0),
        (["subscribed all", "unsubscribed all", "subscribed all"], 1),
        (["subscribed all", "subscribed score", "unsubscribed all"], 1),
        (["subscribed all", "unsubscribed all", "subscribed score", "unsubscribed score"], 0),
    ],
)
def test_the_newest_event_about_a_feed_decides_whatever_the_order(
    viewers: IotViewers, channel: str, kinds: list[str], viewers_left: int
) -> None:
    """IoT Core may deliver the events of one connection in any order, and twice: the count is the same."""
    for order in itertools.permutations(enumerate(kinds, 1)):
        session = uuid4().hex
        for at, kind in (*order, order[0]):
            name, _, feed = kind.partition(" ")
            note(event(name, session, f"{channel}/{feed}", at=at))
        assert viewers.count(channel) == viewers_left, order
        note(event("disconnected", session))
    assert viewers.count(channel) == 0


def test_other_topics_and_other_events_change_nothing(viewers: IotViewers, channel: str) -> None:
    """Topics that are no match's or another deployment's, other events, and events without a session do nothing."""
    session = uuid4().hex
    foreign = channel.replace("livescore/", "derby/", 1)
    topics = ("other/topic", "livescore/subjects/s-0", f"{foreign}/all")
    assert iot_presence.change_rows(event("subscribed", session, *topics)) == set()
    assert iot_presence.change_rows(event("connected", session, f"{channel}/all")) == set()
    assert iot_presence.change_rows({"eventType": "subscribed", "topics": [f"{channel}/all"]}) == set()
    assert (viewers.count(channel), viewers.count(foreign)) == (0, 0)


def test_a_connection_whose_end_was_never_reported_is_counted_no_longer_after_a_day(
    viewers: IotViewers, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that has expired does not count, whether DynamoDB has deleted it or not."""
    monkeypatch.setattr(iot_viewers, "ROW_SECONDS", -1)
    note(event("subscribed", uuid4().hex, f"{channel}/all"))
    assert viewers.count(channel) == 0


def test_one_claim_serves_all_events_before_its_count(viewers: IotViewers, channel: str) -> None:
    """A second claim is refused until the first one counts, and taken from then on."""
    now = time.time()
    assert viewers.claim_count(channel, now, 2)
    assert not viewers.claim_count(channel, now + 1, 2)
    assert viewers.claim_count(channel, now + 2, 2)


def test_the_count_goes_home_for_a_channel_that_a_match_has(
    viewers: IotViewers, match: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Viewers of a match that does not exist, or under another competition, are no viewers of any match."""
    del viewers
    written: list[tuple[str, str, int]] = []

    class Counts:
        def correct(self, *count: Any) -> None:
            written.append(count)

    monkeypatch.setattr(iot_presence, "_counts", Counts)
    monkeypatch.setattr(iot_presence, "SHORTEST_SECONDS", 0.01)
    monkeypatch.setattr(iot_presence, "MARGIN_SECONDS", 0.0)
    monkeypatch.setattr(iot_presence, "_ledger", lambda: ledger)
    monkeypatch.setattr(iot_presence, "settings", lambda _: type("Own", (), {"cell": "iot"}))
    for competition, name in ((None, match), ("cup", match), (None, "no-such-match")):
        feed = CHANNELS.feed(competition, name, "all")
        note(event("subscribed", uuid4().hex, feed))
        iot_presence.write_counts({feed.rpartition("/")[0]})
    assert written == [(match, "iot", 1)]


def test_the_end_of_a_connection_with_fifty_matches_is_one_wait(
    viewers: IotViewers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its matches are counted after one wait: one wait after the other would take longer than the function may."""
    waits: list[float] = []
    counted: set[str] = set()

    def count(channel: str) -> int:
        counted.add(channel)
        return 0

    monkeypatch.setattr(viewers, "count", count)
    monkeypatch.setattr("subscriptions.iot_presence.time.sleep", waits.append)
    monkeypatch.setattr(iot_presence, "_ledger", _NoMatches)
    session, channels = uuid4().hex, {CHANNELS.match(None, f"m-{uuid4().hex[:12]}") for _ in range(50)}
    note(event("subscribed", session, *(f"{each}/all" for each in channels)))
    iot_presence.write_counts(iot_presence.change_rows(event("disconnected", session)))
    assert counted == channels
    assert waits == [iot_presence.SHORTEST_SECONDS + iot_presence.MARGIN_SECONDS]


class _NoMatches:
    """A ledger without matches."""

    def state(self, match: str) -> None:
        """No match has this id."""
        raise UnknownMatchError(match)
