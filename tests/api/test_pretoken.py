"""The claims that Cognito is told to put into a token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from api import pretoken

if TYPE_CHECKING:
    import pytest


def claims(client: str) -> Any:
    """The claims that the trigger adds to the access token of an app client."""
    answer = pretoken.handler({"version": "3", "callerContext": {"clientId": client}, "request": {}}, None)
    return answer["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]["claimsToAddOrOverride"]


def test_an_app_client_has_its_own_competitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry of an app client goes before the default, and null is no claim."""
    monkeypatch.setenv("COMPETITIONS", json.dumps({"default": "*", "one": "world-cup-2022", "none": None}))
    monkeypatch.delenv("NAMES", raising=False)
    assert claims("one") == {"competitions": "world-cup-2022"}
    assert claims("another") == {"competitions": "*"}
    assert claims("none") == {}


def test_without_a_default_an_unknown_app_client_has_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of an app client that nobody named covers matches without a competition only."""
    monkeypatch.setenv("COMPETITIONS", "{}")
    monkeypatch.setenv("NAMES", json.dumps({"one": "Ann"}))
    assert claims("another") == {}
    assert claims("one") == {"name": "Ann"}
