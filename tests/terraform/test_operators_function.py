"""The CloudFront Function that takes the operators' prefix off, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from devstack.system import ROOT
from tests.support import needs

SOURCE = ROOT / "terraform/modules/web/operators.js"


def rewritten(uri: str) -> str:
    """The path that the API is asked for."""
    node = shutil.which("node") or ""
    needs("node", node)
    event = json.dumps({"request": {"method": "POST", "uri": uri, "querystring": {}, "headers": {}}})
    script = f"{SOURCE.read_text()}\nprocess.stdout.write(handler({event}).uri);"
    ran = subprocess.run([node, "-e", script], capture_output=True, text=True, timeout=30, check=True)
    return ran.stdout


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/operators/matches", "/matches"),
        ("/operators/matches/wc22-final/events", "/matches/wc22-final/events"),
        ("/operators/operators/matches", "/operators/matches"),
        ("/operators/", "/"),
        ("/operatorsmatches", "/operatorsmatches"),
        ("/matches/operators/", "/matches/operators/"),
    ],
)
def test_the_prefix_is_taken_off_once(uri: str, path: str) -> None:
    """The API is asked for its own paths, whatever they hold."""
    assert rewritten(uri) == path


def test_it_is_the_prefix_of_the_description() -> None:
    """The function has no access to site.json, so it says the prefix again: the same one."""
    site = json.loads((ROOT / "terraform/site.json").read_text())["operators"]
    assert site["path"] == f"{site['prefix']}/*"
    assert rewritten(f"{site['prefix']}/matches") == "/matches"
