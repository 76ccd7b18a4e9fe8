"""The cells of a deployment, as ``deployment.json`` states them."""

from __future__ import annotations

from typing import Any

import pytest

from client import CellAddress, DeploymentError
from client.cell_address import read_cells

EVENTS = {"transport": "appsync-events", "region": "us-east-1", "url": "wss://a.example/event/realtime", "host": "h"}


def test_each_cell_has_its_address() -> None:
    """Each entry of ``cells`` becomes an address with what its transport needs; other texts are left out."""
    momento = {"transport": "momento", "url": "https://a.example", "cache": "c", "region": 7, "more": "x"}
    found = read_cells({"version": 1, "websockets": {}, "cells": {"events": EVENTS, "m": momento}})
    assert found == {
        "events": CellAddress("appsync-events", EVENTS["url"], "events", "us-east-1", host="h"),
        "m": CellAddress("momento", "https://a.example", "m", cache="c"),
    }


def test_the_messages_to_a_viewer_are_on_a_channel_of_the_deployment() -> None:
    """Its first segment is the name that ``deployment.json`` states, and the default name if it states none."""
    named = read_cells({"version": 1, "cells": {"events": {**EVENTS, "namespace": "derby"}, "m": EVENTS}})
    assert [named[name].subjects for name in ("events", "m")] == ["derby/subjects", "livescore/subjects"]


def test_a_deployment_without_cells_has_websockets() -> None:
    """A file from before cells had names lists WebSockets by region: each is a cell of API Gateway."""
    found = read_cells({"version": 1, "websockets": {"us-east-1": "wss://a.example/live"}})
    assert found == {"us-east-1": CellAddress("api-gateway", "wss://a.example/live", "us-east-1", "us-east-1")}


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        ([], "not the description of a deployment"),
        ({"cells": {"a": EVENTS}}, "not the description of a deployment"),
        ({"version": 2, "cells": {"a": EVENTS}}, "has version 2. This client reads version 1"),
        ({"version": 1}, "names no cell"),
        ({"version": 1, "cells": {}}, "names no cell"),
        ({"version": 1, "cells": ["a"]}, "names no cell"),
        ({"version": 1, "cells": {"a": "wss://a.example"}}, "says nothing of the cell a"),
        ({"version": 1, "cells": {"a": {"transport": "momento"}}}, "lacks `url` of the cell a"),
        (
            {"version": 1, "cells": {"a": {"transport": "", "url": "wss://a.example"}}},
            "lacks `transport` of the cell a",
        ),
    ],
)
def test_a_bad_file_is_a_sentence(deployment: Any, said: str) -> None:
    """A file that is not whole, or has another version, is named with its fault."""
    with pytest.raises(DeploymentError, match=said):
        read_cells(deployment)
