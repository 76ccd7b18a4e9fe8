"""A viewer's knowledge of its matches' channels: when a service is asked again after a refusal."""

from __future__ import annotations

import pytest

from client.transports.channel_memory import CUTS, REFUSED_SECONDS, ChannelMemory

NOW = 1000.0


def test_a_refused_match_is_not_asked_for_again_with_the_same_token() -> None:
    """The service may end the connection of all matches for a subscription that it refuses: it is spared for a time."""
    memory = ChannelMemory()
    assert memory.may_ask("m", None, NOW)
    memory.answered("m", "refused", None, NOW)
    assert not memory.may_ask("m", None, NOW + REFUSED_SECONDS - 1)
    assert memory.may_ask("m", None, NOW + REFUSED_SECONDS)
    assert memory.may_ask("m", "another", NOW)
    assert memory.may_ask("n", None, NOW)


def test_connections_that_end_at_a_subscription_are_a_refusal() -> None:
    """Some services refuse by ending the connection. After a minute the count begins anew."""
    memory = ChannelMemory()
    for _ in range(CUTS):
        assert memory.may_ask("m", "t", NOW)
        memory.cut("m")
    assert not memory.may_ask("m", "t", NOW)
    assert not memory.may_ask("m", "t", NOW + 1)
    assert memory.may_ask("m", "t", NOW + REFUSED_SECONDS)


@pytest.mark.parametrize("outcome", ["joined", "failed"])
def test_an_answer_ends_the_count_of_cuts(outcome: str) -> None:
    """A service that answers a subscription does not refuse it by ending the connection."""
    memory = ChannelMemory()
    for _ in range(CUTS - 1):
        memory.cut("m")
    memory.answered("m", outcome, None, NOW)  # type: ignore[arg-type]
    memory.cut("m")
    assert memory.may_ask("m", None, NOW)


def test_only_a_refusal_forgets_the_channel() -> None:
    """A refused match may have another competition, so its channel is read again."""
    memory = ChannelMemory()
    memory.channels["m"] = "livescore/open/m"
    memory.answered("m", "joined", None, NOW)
    memory.answered("m", "failed", None, NOW)
    assert memory.channels == {"m": "livescore/open/m"}
    memory.answered("m", "refused", None, NOW)
    assert memory.channels == {}
    memory.answered("m", "refused", None, NOW)


def test_a_match_that_was_joined_is_asked_for_again() -> None:
    """A subscription that the service has taken ends an earlier refusal."""
    memory = ChannelMemory()
    memory.answered("m", "refused", "old", NOW)
    memory.answered("m", "joined", "new", NOW)
    assert memory.may_ask("m", "old", NOW)
