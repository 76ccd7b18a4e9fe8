"""The policy of one viewer's MQTT connection, evaluated as IoT Core documents it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.stack.iot_policies import allows
from matches.channels import Channels
from matches.claims import competition_key
from subscriptions.channel_access import may_hear
from subscriptions.iot_policy import DOCUMENT_CHARACTERS, DOCUMENTS, policy_documents
from tests.channel_names import CHANNELS

ARN = "arn:aws-us-gov:iot:us-gov-west-1:123456789012:"
CLIENT = "vT6yYxw3Qk2m9s0aLb7cZ1"
OTHERS = Channels("derby")
TOPICS = [
    CHANNELS.feed("cup", "m1", "all"), CHANNELS.feed("cup", "m1", "score"), CHANNELS.feed("cup-2", "m1", "all"),
    CHANNELS.feed(None, "m2", "all"), CHANNELS.feed("coupe-d’été", "m3", "all"), CHANNELS.subject("ann"),
    CHANNELS.subject("bob"), "livescore/subjects/#", "livescore/subjects/+", "livescore/#", "#", "+/#",
    "livescore/+/m1/all",
    "livescore/c-cup/#", "livescore/c-cup/+/all", "livescore/c-cup/m1/#", "livescore/c-cup/m1/+", "livescore/open/#",
    "$aws/events/presence/connected/x", "$aws/events/#", "$share/g/livescore/c-cup/m1/all", "other/c-cup/m1/all",
    "livescore/other/m1/all", "livescore/subjects/m1/all", "livescor/c-cup/m1/all", "livescore-2/c-cup/m1/all",
    "derby/open/m2/all", OTHERS.subject("ann"), "derby/#", "Livescore/c-cup/m1/all", "livescorexc-cup/m1/all",
]  # fmt: skip


def documents(competitions: set[str], subject: str | None = "ann") -> list[dict[str, Any]]:
    """The documents of a viewer."""
    made = policy_documents(CHANNELS, ARN, CLIENT, competitions, subject)
    assert made is not None
    return made


@pytest.mark.parametrize("subject", ["ann", None])
@pytest.mark.parametrize("competitions", [set(), {"cup"}, {"coupe-d’été", "cup"}, {"*"}])
def test_the_policy_allows_exactly_the_channels_of_the_viewer(competitions: set[str], subject: str | None) -> None:
    """Subscribing and receiving are allowed for the same topics as on every other transport, and for no wildcard."""
    policy = documents(competitions, subject)
    for topic in TOPICS:
        expected = may_hear(CHANNELS, topic, competitions, subject)
        assert allows(policy, "iot:Subscribe", f"{ARN}topicfilter/{topic}") is expected, topic
        if expected:
            assert allows(policy, "iot:Receive", f"{ARN}topic/{topic}")
        elif not {"+", "#"} & set(topic):
            assert not allows(policy, "iot:Receive", f"{ARN}topic/{topic}"), topic


def test_the_policy_allows_to_connect_as_itself_only_and_never_to_publish() -> None:
    """Another client id is refused, and so is every publish, retained or not."""
    policy = documents({"*"})
    assert allows(policy, "iot:Connect", f"{ARN}client/{CLIENT}")
    assert not allows(policy, "iot:Connect", f"{ARN}client/{CLIENT}x")
    for action in ("iot:Publish", "iot:RetainPublish"):
        assert not any(allows(policy, action, f"{ARN}topic/{topic}") for topic in TOPICS)


KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-é", max_size=60).map(competition_key).filter(bool)


@given(st.sets(KEYS, max_size=60))
def test_no_document_is_longer_than_iot_core_takes(competitions: set[str]) -> None:
    """However many competitions a token has, they spread over documents of 2,048 characters, or there are none."""
    made = policy_documents(CHANNELS, ARN, CLIENT, competitions, "ann")
    if made is not None:
        assert len(made) <= DOCUMENTS
        assert all(len(json.dumps(each)) <= DOCUMENT_CHARACTERS for each in made)
        for each in competitions:
            assert allows(made, "iot:Subscribe", f"{ARN}topicfilter/{CHANNELS.feed(each, 'm', 'all')}")


def test_seventy_competitions_fit_and_a_thousand_are_refused() -> None:
    """A token of 70 competitions with usual names has its policy; one of 1,000 has none rather than a part of it."""
    assert (
        policy_documents(CHANNELS, ARN, CLIENT, {f"league-of-country-{each}" for each in range(70)}, "ann") is not None
    )
    assert policy_documents(CHANNELS, ARN, CLIENT, {f"l{each}" for each in range(1000)}, "ann") is None
