"""The choice of a cell by its name, from the site's ``deployment.json``."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import run
from typing import TYPE_CHECKING

import pytest

from client import CellAddress
from devstack.system import ROOT
from loadtest.cell_choice import CellChoiceError, choose

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN = {"transport": "api-gateway", "region": "us-east-1", "url": "ws://127.0.0.1:1/live"}
EVENTS = {"transport": "appsync-events", "url": "wss://events.example/event/realtime", "host": "h"}
CELLS = json.dumps({"version": 1, "cells": {"main": MAIN, "events": EVENTS}})


@contextmanager
def site(text: str, status: int = 200) -> Iterator[str]:
    """A site whose ``deployment.json`` is this text."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/deployment.json" else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_name_chooses_a_cell_and_the_first_is_the_default() -> None:
    """A cell is found by its name; without a name it is the first one of the site."""
    with site(CELLS) as url:
        assert choose("events", f"{url}/") == CellAddress(**EVENTS, name="events")
        assert choose(None, url) == CellAddress(**MAIN, name="main")


@pytest.mark.parametrize(
    ("cell", "text", "status", "said"),
    [
        ("nobody", CELLS, 200, r"There is no cell nobody at .*\. Its cells are main, events\."),
        ("main", "no JSON", 200, r"gives no deployment\.json \(JSONDecodeError\)"),
        ("main", "{}", 200, "is not the description of a deployment"),
        ("main", "", 404, r"has no deployment\.json \(status 404\)"),
    ],
)
def test_a_cell_that_cannot_be_chosen_is_a_sentence(cell: str, text: str, status: int, said: str) -> None:
    """A name that the site does not have, and a site without a usable file, are told in a sentence."""
    with site(text, status) as url, pytest.raises(CellChoiceError, match=said):
        choose(cell, url)


@pytest.mark.parametrize(("url", "said"), [("file:///etc", "begins with http"), ("http://127.0.0.1:1", "URLError")])
def test_a_site_that_is_not_there_is_a_sentence(url: str, said: str) -> None:
    """A closed port, and a URL that is not one of HTTP, are told in a sentence."""
    with pytest.raises(CellChoiceError, match=said):
        choose(None, url)


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--cell", "nobody"), "There is no cell nobody"), (("--cell", "events"), "events.example is not this machine")],
)
def test_the_load_test_asks_the_site_before_it_starts(options: tuple[str, ...], said: str) -> None:
    """A wrong cell, and a cell on another machine, end locust with exit status 2 and a sentence."""
    with site(CELLS) as url:
        command = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest/locustfile.py"), "--headless"]
        done = run([*command, "--site", url, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
