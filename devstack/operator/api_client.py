"""A client of the operators' and readers' HTTP API.

It uses urllib3, whose import takes half the CPU time of httpx's, because `livescore goal` must answer at once.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import certifi
import urllib3

from devstack.operator.local_system import NO_URL, is_http, nothing_answers
from devstack.operator.local_tokens import LocalTokens
from loadtest.terminal_text import public_url
from loadtest.token_sources import TokensError
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from loadtest.token_sources import TokenSource

CONNECTIONS = 100
"""The most HTTP connections that are kept open for the threads of a program."""

TIMEOUT_SECONDS = 20.0
"""Time-out for connecting, and for each wait for data."""


class ApiError(ProgramError):
    """The API refused a request or did not answer; the text is for a person."""

    def __init__(self, message: str, code: str = "unavailable") -> None:
        super().__init__(message)
        self.code = code


class Operator:
    """A client for one operator. Thread-safe. Every method raises ApiError.

    Without ``tokens``, it uses the tokens of the devstack that serves the URL.
    """

    def __init__(self, url: str, tokens: TokenSource | None = None) -> None:
        if not is_http(url):
            raise ApiError(NO_URL)
        self.url = url
        self._tokens = tokens or LocalTokens(url)
        # urllib3 ignores proxies in the environment. It trusts certifi's authorities, not those of this machine.
        self._http = urllib3.PoolManager(
            maxsize=CONNECTIONS, timeout=TIMEOUT_SECONDS, retries=False, ca_certs=certifi.where()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    def create_match(self, **match: Any) -> dict[str, Any]:
        """Schedule a match; returns its snapshot."""
        return self._call("POST", "/matches", match)

    def post_event(self, match: str, event: dict[str, Any]) -> dict[str, Any]:
        """Post an event; returns the answer with its ``event_id`` and ``request``.

        An event that has an id may be posted again.
        """
        return self._call("POST", f"/matches/{match}/events", event)

    def outcome(self, match: str, event_id: str, request: str | None = None) -> dict[str, Any]:
        """The outcome of the event with this id; with ``request``, of the POST whose answer had that ``request``."""
        query = {"request": request} if request else None
        return self._call("GET", f"/matches/{match}/events/{event_id}", query=query)

    def settled(self, match: str, event_id: str, seconds: float = 30, *, request: str | None = None) -> dict[str, Any]:
        """Wait until the event is applied or refused; returns its outcome. Raises ApiError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            outcome = self.outcome(match, event_id, request)
            if outcome["status"] != "pending":
                return outcome
            if time.monotonic() > deadline:
                raise ApiError(f"Event {event_id} was accepted but not decided within {seconds:.0f} s.")
            time.sleep(0.1)

    def snapshot(self, match: str) -> dict[str, Any]:
        """The snapshot of a match."""
        return self._call("GET", f"/matches/{match}")

    def change_match(self, match: str, **change: Any) -> dict[str, Any]:
        """Change a match that has not kicked off, or its line-ups; returns its snapshot."""
        return self._call("PATCH", f"/matches/{match}", change)

    def remove_match(self, match: str) -> dict[str, Any]:
        """Remove a match that has no events."""
        return self._call("DELETE", f"/matches/{match}")

    def play(self, match: str, *events: dict[str, Any]) -> dict[str, Any]:
        """Post events one by one, each after the previous one is applied; returns the outcome of the last.

        Raises ApiError if one is refused.
        """
        outcome: dict[str, Any] = {}
        for event in events:
            posted = self.post_event(match, event)
            outcome = self.settled(match, posted["event_id"], request=posted["request"])
            if outcome["status"] == "refused":
                raise ApiError(outcome["reason"], "refused")
        return outcome

    def matches(self, day: str | None = None) -> dict[str, Any]:
        """All matches that kick off on a UTC day such as ``2022-12-18``, by default today."""
        found = self._call("GET", "/matches", query={"day": day} if day else None)
        matches: list[dict[str, Any]] = found["matches"]
        while found["more"]:
            query = {"day": found["day"], "page": found["page"] + 1}
            found = self._call("GET", "/matches", query=query)
            matches += found["matches"]
        return {**found, "matches": matches}

    def lineups(self, match: str) -> dict[str, Any]:
        """The names of the players by side: ``{"home": [name, …], "away": [name, …]}``."""
        return self._call("GET", f"/matches/{match}/lineups")

    def events(self, match: str) -> list[dict[str, Any]]:
        """Every event of a match, in order."""
        events: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", f"/matches/{match}/events?after={events[-1]['seq'] if events else 0}")
            events += page["events"]
            if not page["events"] or events[-1]["seq"] >= page["seq"]:
                return events

    def audit(self, match: str) -> list[dict[str, Any]]:
        """The first events of a match, each with the subject of its operator."""
        events: list[dict[str, Any]] = self._call("GET", f"/matches/{match}/audit")["events"]
        return events

    def receipts(self, match: str, after: int | None = None) -> list[dict[str, Any]]:
        """The receipts of a match's broadcasts; with ``after``, only those above that seq."""
        query = None if after is None else {"after": after}
        receipts: list[dict[str, Any]] = self._call("GET", f"/matches/{match}/receipts", query=query)["receipts"]
        return receipts

    def progress(self, match: str) -> dict[str, Any]:
        """The progress of a match's broadcast in each cell."""
        return self._call("GET", f"/matches/{match}/progress")

    def trace(self, match: str, seq: int) -> dict[str, Any]:
        """The stages of an event with their times (broadcaster/control/trace.py)."""
        return self._call("GET", f"/matches/{match}/trace/{seq}")

    def stop(self, match: str) -> dict[str, Any]:
        """End the broadcast of a match; ``stopped`` says whether there was one."""
        return self._call("POST", f"/matches/{match}/stop")

    def send_message(self, subject: str, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message to one viewer, by the subject of the viewer's token; returns who has taken it."""
        return self._call("POST", f"/viewers/{quote(subject, safe='')}/messages", message)

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            answer = self._authorized(method, f"{path}?{urlencode(query)}" if query else path, body)
        except urllib3.exceptions.HTTPError:
            raise ApiError(nothing_answers(self.url)) from None
        except TokensError as error:
            raise ApiError(str(error), "unauthorized") from None
        try:
            answered: dict[str, Any] = json.loads(answer.data)
        except ValueError:
            answered = {}
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answered
        refusal = answered.get("error")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise ApiError(f"{public_url(self.url)} does not accept the token.", "unauthorized")
        if not isinstance(refusal, dict):
            raise ApiError(f"{public_url(self.url)} answered {answer.status}.", str(answer.status))
        raise ApiError(refusal["message"], refusal["code"])

    def _authorized(self, method: str, path: str, body: dict[str, Any] | None) -> urllib3.BaseHTTPResponse:
        """Send a request, again with a new token after a 401. Raises TokensError, and HTTPError of urllib3.

        loadtest/bearer.py does the same for httpx.
        """
        token = None if method == "GET" else self._tokens.token()
        answer = self._sent(method, path, body, token)
        if answer.status == HTTPStatus.UNAUTHORIZED and (token is None or self._tokens.renew(token)):
            answer = self._sent(method, path, body, self._tokens.token())
        return answer

    def _sent(self, method: str, path: str, body: dict[str, Any] | None, token: str | None) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            if not (token.isascii() and token.isprintable()):
                raise TokensError("The token has characters that a token cannot have.")
            headers["Authorization"] = f"Bearer {token}"
        sent = None if body is None else json.dumps(body)
        return self._http.request(method, self.url.rstrip("/") + path, body=sent, headers=headers, redirect=False)
