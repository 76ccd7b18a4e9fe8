"""The CloudFront Function that takes the operators' prefix off, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from devstack.system import ROOT
from tests.support import needs

SOURCE = ROOT / "terraform/modules/web/operators.js"


def rewritten(uri: str) -> str | None:
    """The path that the API is asked for; None if the function answers 404 itself."""
    node = shutil.which("node") or ""
    needs("node", node)
    event = json.dumps({"request": {"method": "POST", "uri": uri, "querystring": {}, "headers": {}}})
    script = f"{SOURCE.read_text()}\nprocess.stdout.write(JSON.stringify(handler({event})));"
    ran = subprocess.run([node, "-e", script], capture_output=True, text=True, timeout=30, check=True)
    answer = json.loads(ran.stdout)
    if "uri" in answer:
        assert "statusCode" not in answer
        return str(answer["uri"])
    assert answer["statusCode"] == 404
    return None


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/operators/matches", "/matches"),
        ("/operators/matches/wc22-final/events", "/matches/wc22-final/events"),
        ("/operators/operators/matches", "/operators/matches"),
        ("/operators/", "/"),
        ("/operators/matches/a/events/a.b:c-d_e", "/matches/a/events/a.b:c-d_e"),
        ("/operators/matches/%C3%BC", "/matches/%C3%BC"),
    ],
)
def test_the_prefix_is_taken_off_once(uri: str, path: str) -> None:
    """The API is asked for its own paths, whatever they hold."""
    assert rewritten(uri) == path


@pytest.mark.parametrize(
    "uri",
    [
        "/operatorsmatches", "/matches/operators/", "/operators", "/matches/../operators/matches",
        "/operators/../matches", "/operators/matches/..", "/operators/./matches", "/operators//matches",
        "/operators/%2e%2e/matches", "/operators/.%2E/matches", "/operators/%252e%252e/matches",
        "/operators/matches%2fa", "/operators/..%2Fmatches", "/operators/..%5cmatches", "/operators/..\\matches",
        "/operators/matches/%00", "/operators/matches/a%0D%0Ab", "/operators/matches/%7f",
    ],
)  # fmt: skip
def test_a_path_that_could_mean_another_one_ends_at_cloudfront(uri: str) -> None:
    """CloudFront sends a path on as it was written, so dot segments, plain or encoded, are refused before the API."""
    assert rewritten(uri) is None


def test_it_is_the_prefix_of_the_description() -> None:
    """The function has no access to site.json, so it says the prefix again: the same one."""
    site = json.loads((ROOT / "terraform/site.json").read_text())["operators"]
    assert site["path"] == f"{site['prefix']}/*"
    assert rewritten(f"{site['prefix']}/matches") == "/matches"
