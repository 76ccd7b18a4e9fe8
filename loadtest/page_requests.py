"""Pure: decides which HTTP requests of web pages a local server refuses.

Every page in a browser may send requests to 127.0.0.1. The browser sends a simple request (a GET, or a POST of
``text/plain``) without asking the server first (https://fetch.spec.whatwg.org/#simple-header). So a local server must
check the sender:

- ``Host`` must be a name of this machine. An attacker can let another name resolve to this machine (DNS rebinding); the
  browser then takes the attacker's page for a page of the server.
- Only browsers send ``Origin`` and ``Sec-Fetch-Site``; a page cannot remove or change them
  (https://fetch.spec.whatwg.org/#forbidden-request-header).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loadtest.load_limits import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/?#@\\\[\]]+)(:[0-9]{0,5})?")
_OTHER_NAME = "This server answers only to the names of this machine: 127.0.0.1, [::1] and localhost."
_A_PAGE = "This server takes no requests from web pages. Pages find the API on the port of the site."
_OTHER_PAGE = "Only pages of this machine may use this."


def refusal(
    headers: Iterable[tuple[str, str]], *, local_pages: bool = False, origins: Collection[str] = ()
) -> str | None:
    """A sentence for the answer 403 to a request with these headers; None if the request may be served.

    ``local_pages``: our own pages make such requests, such as opening a viewer's WebSocket. Then pages of this machine
    and of ``origins``, such as ``https://example.org``, may make them.
    """
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.strip())
    hosts = found.get("host", [])
    if len(hosts) > 1 or not all(is_own_host(host) for host in hosts):
        return _OTHER_NAME
    pages = found.get("origin", [])
    sites = found.get("sec-fetch-site", [])
    if local_pages and pages:
        return None if all(page in origins or _is_local_page(page) for page in pages) else _OTHER_PAGE
    if local_pages and sites:
        # The host is a name of this machine, so a page of the same site is a page of this machine.
        return None if all(site in ("same-origin", "same-site") for site in sites) else _OTHER_PAGE
    return _A_PAGE if pages or sites else None


def allowed_origins(setting: str) -> frozenset[str]:
    """The origins of the setting ``origins``. ``*`` means the pages of this machine, so it adds none."""
    return frozenset(each for each in setting.replace(" ", "").split(",") if each and each != "*")


def is_own_host(host: str) -> bool:
    """Whether the value of a ``Host`` header, with a port or without, is a name of this machine."""
    found = _HOST.fullmatch(host)
    return found is not None and is_loopback(found[1].strip("[]").lower())


def _is_local_page(origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and is_own_host(host)
