"""The settings of a function, from its environment."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from runtime.environment import MAY_BE_EMPTY, UNKNOWN, SettingsError, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Some:
    """Settings of each type."""

    matches_table: str
    send_rate: int
    cells: dict[str, dict[str, str]]
    deployment: str = "unknown"


WHOLE = {"MATCHES_TABLE": "m", "SEND_RATE": "7500", "CELLS": '{"main": {"region": "eu-west-1"}}', "PATH": "/bin"}


def test_settings_are_read_into_a_frozen_value() -> None:
    """Promise: each field has the value of its variable, and nobody changes it."""
    some = read(Some, WHOLE)
    assert some == Some(
        matches_table="m", send_rate=7500, cells={"main": {"region": "eu-west-1"}}, deployment="unknown"
    )
    with pytest.raises(FrozenInstanceError):
        some.send_rate = 1  # type: ignore[misc]


def test_a_missing_setting_is_named() -> None:
    """Promise: the sentence names the variable that is missing."""
    given = {name: value for name, value in WHOLE.items() if name != "SEND_RATE"}
    with pytest.raises(SettingsError, match=r"^SEND_RATE is missing from the function's environment\.$"):
        read(Some, given)


def test_all_missing_settings_are_named_at_once() -> None:
    """Promise: one error names everything that is missing or malformed."""
    with pytest.raises(SettingsError) as raised:
        read(Some, {"SEND_RATE": "fast"})
    said = str(raised.value)
    assert [name in said for name in ("MATCHES_TABLE", "SEND_RATE", "CELLS")] == [True] * 3
    assert said.count(".") == 3


@pytest.mark.parametrize("value", ["", "fast", "-1", "1.5", "1e3", "٣"])
def test_a_number_is_checked(value: str) -> None:
    """Promise: a setting that is no whole number is named with its value."""
    said = f"SEND_RATE in the function's environment is {value!r}, not a whole number"
    with pytest.raises(SettingsError, match=said):
        read(Some, {**WHOLE, "SEND_RATE": value})


@pytest.mark.parametrize("value", ["", "{", "[]", '{"main": 7}', '{"main": "arn"}', '{"main": {"region": 7}}', "null"])
def test_an_object_is_checked(value: str) -> None:
    """Promise: a setting that is no JSON object of objects of texts is named."""
    said = r"CELLS in the function's environment is .*, not a JSON object of objects of texts"
    with pytest.raises(SettingsError, match=said):
        read(Some, {**WHOLE, "CELLS": value})


def test_an_empty_text_is_missing() -> None:
    """A table or a queue without a name is named as missing: else AWS would blame each event, which is set aside."""
    with pytest.raises(SettingsError, match=r"^MATCHES_TABLE is missing from the function's environment\.$"):
        read(Some, {**WHOLE, "MATCHES_TABLE": ""})
    assert read(Some, {**WHOLE, "DEPLOYMENT": ""}).deployment == UNKNOWN


def test_a_text_that_may_be_empty_is_a_value() -> None:
    """An empty variable is set where its field says so: without an issuer, for example, no token is accepted."""

    @dataclass(frozen=True)
    class Tokens:
        issuer: str = field(metadata=MAY_BE_EMPTY)

    assert read(Tokens, {"ISSUER": ""}).issuer == ""
    with pytest.raises(SettingsError, match="ISSUER is missing"):
        read(Tokens, {})
