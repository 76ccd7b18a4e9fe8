"""The CloudFront Function that answers pages of other origins, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from devstack.system import ROOT
from tests.support import needs

SOURCE = ROOT / "terraform/modules/web/listeners.js"


def handled(method: str) -> dict[str, Any]:
    """The request that CloudFront passes on, or the answer that it gives itself."""
    node = shutil.which("node") or ""
    needs("node", node)
    event = json.dumps({"request": {"method": method, "uri": "/listeners/momento", "querystring": {}, "headers": {}}})
    script = f"{SOURCE.read_text()}\nprocess.stdout.write(JSON.stringify(handler({event})));"
    ran = subprocess.run([node, "-e", script], capture_output=True, text=True, timeout=30, check=True)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_a_page_of_another_origin_may_send_its_viewers_token() -> None:
    """The answer names what the site's other answers allow, and the API is not asked."""
    allowed = json.loads((ROOT / "terraform/site.json").read_text())["readers"]["cross_origin"]
    answer = handled("OPTIONS")
    headers = {name: each["value"] for name, each in answer["headers"].items()}
    assert answer["statusCode"] == 204
    assert headers["access-control-allow-origin"] == allowed["origins"]
    assert headers["access-control-allow-methods"] == ", ".join(allowed["methods"])
    assert headers["access-control-allow-headers"] in allowed["headers"]
    assert headers["access-control-max-age"] == str(allowed["seconds"])


def test_every_other_request_goes_on_unchanged() -> None:
    """A viewer's request for its token comes to the API as it was sent."""
    assert handled("GET")["uri"] == "/listeners/momento"
    assert "statusCode" not in handled("GET")
