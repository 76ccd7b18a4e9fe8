"""Pure: which HTTP requests a local server refuses because a web page has made them.

Every page that a browser shows may send requests to 127.0.0.1, and a simple one (a GET, or a POST of ``text/plain``) is
sent before the browser asks whether it may (https://fetch.spec.whatwg.org/#simple-header). So a server that does what
it is told must look at who asks:

- ``Host`` must be a name of this machine. Another name is one that its owner made to mean this machine (DNS rebinding),
  and the browser takes that owner's page for our own.
- ``Origin`` and ``Sec-Fetch-Site`` come from browsers only; a page cannot leave them out or change them
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
    """Why a request with these headers must be answered 403, in a sentence; None if it may be served.

    ``local_pages`` says that it is what our own pages do, such as open a viewer's WebSocket: pages of this machine may,
    and those of ``origins``, such as ``https://example.org``.
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
        # The host is this machine's, so a page of the same site is a page of this machine.
        return None if all(site in ("same-origin", "same-site") for site in sites) else _OTHER_PAGE
    return _A_PAGE if pages or sites else None


def allowed_origins(setting: str) -> frozenset[str]:
    """The pages that the setting ``origins`` names. ``*`` names none: here it stands for the pages of this machine."""
    return frozenset(each for each in setting.replace(" ", "").split(",") if each and each != "*")


def is_own_host(host: str) -> bool:
    """Whether the value of a ``Host`` header, with a port or without, is a name of this machine."""
    found = _HOST.fullmatch(host)
    return found is not None and is_loopback(found[1].strip("[]").lower())


def _is_local_page(origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and is_own_host(host)
