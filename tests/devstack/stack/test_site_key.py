"""Readers must use the site: the API at its own address refuses them, and answers operators."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.site_key import HEADER, REFUSAL
from devstack.builds.lambda_zips import build_parts
from devstack.operator.api_client import ApiError, Operator
from devstack.operator.local_tokens import tokens_of
from devstack.stack import provision
from devstack.stack.ministack import free_port
from devstack.stack.site import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System

KEY = "0b8d3f0e-5d0e-4c5c-9f43-0e6f6f3f6a10"
BEFORE = "5a1d9c50-8a5e-4f2b-b1c0-6a0f6a3f9d11"
READ = ("", "/events", "/lineups", "/receipts", "/events/none")


@pytest.fixture(scope="module")
def guarded(system: System) -> System:
    """The running system with a second HTTP API, whose function knows a site's key and its previous key."""
    raw = deepcopy(system.raw)
    raw["functions"] = {"guarded": raw["functions"]["api"]}
    raw["http_api"]["function"] = "guarded"
    overrides = {"guarded": {"SITE_KEYS": f"{KEY},{BEFORE}"}}
    second = replace(system, raw=raw, http_api_id="livescoreguarded", site_key=KEY, overrides=overrides)
    provision._functions(second, "home", build_parts())  # noqa: SLF001
    provision._http_api(second)  # noqa: SLF001
    return second


@pytest.fixture(scope="module")
def site(guarded: System) -> Iterator[httpx.Client]:
    """A client of that system's site."""
    with serving(guarded, free_port()) as url, httpx.Client(base_url=url, trust_env=False) as http:
        yield http


def _error(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], f"{KEY},{BEFORE}", "ключ"])
def test_reading_past_the_site_is_refused(guarded: System, match: str, path: str, key: str | None) -> None:
    """Every GET without the site's key, or with a wrong one, is answered with 403 and one sentence."""
    headers = [] if key is None else [(HEADER.encode(), key.encode())]
    answer = httpx.get(f"{guarded.api_url}/matches/{match}{path}", headers=headers, trust_env=False)
    assert _error(answer) == (403, {"code": "around_the_site", "message": REFUSAL})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("prefix", ["", "/operators"])
def test_the_site_shows_its_key(site: httpx.Client, match: str, prefix: str) -> None:
    """Through the site everybody may read, below both of its paths, and no answer contains the key."""
    answer = site.get(f"{prefix}/matches/{match}", headers={"X-Livescore-Site": "a viewer's own"})
    assert (answer.status_code, answer.json()["match"]) == (200, match)
    assert KEY not in answer.text + str(answer.headers)


def test_the_key_before_still_counts(guarded: System, match: str) -> None:
    """The current and the previous key are both accepted, because CloudFront's locations change one after another."""
    for key in (KEY, BEFORE):
        answer = httpx.get(f"{guarded.api_url}/matches/{match}", headers={HEADER: key}, trust_env=False)
        assert answer.status_code == 200


def test_operators_need_no_key(guarded: System, site: httpx.Client, match: str) -> None:
    """An operator posts at the API's own address; the commands read through the site."""
    tokens = tokens_of(guarded)
    with Operator(guarded.api_url, tokens) as direct:
        posted = direct.post_event(match, {"kind": "kick_off"})
        assert direct.progress(match)["match"] == match
        with pytest.raises(ApiError, match="Read from the site's address"):
            direct.outcome(match, posted["event_id"])
    with Operator(f"{site.base_url}operators", tokens) as through:
        assert through.settled(match, posted["event_id"])["status"] == "applied"


def test_a_wrong_token_is_no_way_in(guarded: System, match: str) -> None:
    """A forged operator's token on a reader's route does not replace the site's key."""
    headers = {"Authorization": "Bearer a.b.c"}
    answer = httpx.get(f"{guarded.api_url}/matches/{match}", headers=headers, trust_env=False)
    assert _error(answer)[0] == 403
