"""The targets of the fuzzers, called directly: their inputs, and the checks of each input."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from trials.fuzz import follower_target, record_target, request_target, token_target
from trials.fuzz.follower_target import FollowerTarget
from trials.fuzz.fuzz_target import WrongError, hold
from trials.fuzz.mutate import MOST_BYTES, as_json, damaged_bytes, damaged_json
from trials.fuzz.record_target import RecordTarget
from trials.fuzz.request_target import RequestTarget
from trials.fuzz.token_target import TokenTarget

if TYPE_CHECKING:
    from trials.fuzz.fuzz_target import Target

INPUTS = 400
TARGETS: list[Target] = [FollowerTarget(), RecordTarget(), RequestTarget(), TokenTarget()]
BATCH = 20


@pytest.mark.parametrize("target", TARGETS, ids=lambda each: each.name)
def test_no_input_breaks_a_parser(target: Target) -> None:
    """Each input is taken or refused as it should be, and the inputs are of both kinds."""
    chance = Random(2026)
    taken = [target.check(target.make(chance)) for _ in range(INPUTS)]
    assert set(taken) == {True, False}


@pytest.mark.parametrize(
    ("target", "corpus"),
    [
        (
            FollowerTarget(),
            [as_json(each) for each in follower_target.VALID if each["seq"] and each.get("prev") is None],
        ),
        (RecordTarget(), [as_json(each) for each in record_target.VALID]),
        (RequestTarget(), [as_json(each) for each in request_target.VALID]),
        (TokenTarget(), token_target.VALID),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_the_valid_inputs_are_taken(target: Target, corpus: list[bytes]) -> None:
    """The inputs that all others are made from are taken before they are damaged."""
    assert [each for each in corpus if not target.check(each)] == []


def test_a_stream_of_frames_may_hold_anything() -> None:
    """Lines that are no JSON and JSON that is no object are passed over."""
    assert not FollowerTarget().check(b"{\n[]\n5")


def test_damage_is_bounded() -> None:
    """A damaged input is at most 64 KB long, and the value that is damaged stays as it is."""
    chance = Random(7)
    assert max(len(damaged_bytes(chance, [b"x" * MOST_BYTES], [b"y"])) for _ in range(BATCH)) <= MOST_BYTES
    assert b"" in {damaged_bytes(chance, [b""]) for _ in range(BATCH)}  # nothing to change in an empty input
    value = {"a": [1, {"b": 2}], "c": "d"}
    for _ in range(INPUTS):
        damaged_json(chance, value)
    assert value == {"a": [1, {"b": 2}], "c": "d"}


def test_a_claim_that_does_not_hold_is_an_error() -> None:
    """The error repeats the claim."""
    hold("two is even", true=True)
    with pytest.raises(WrongError, match="three is even"):
        hold("three is even", true=False)
