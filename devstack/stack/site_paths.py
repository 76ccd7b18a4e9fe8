"""Pure: decides which paths the site passes on to the API. It refuses all others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\%\ufffd]")
"""Characters that a decoded segment must not have: control characters, separators, %, and invalid UTF-8."""


def segments(raw: str) -> list[str] | None:
    """The decoded segments of a request's path, without its query: ``/a/b%20c`` has ``a`` and ``b c``.

    None for an ambiguous path: it has a dot segment, a separator or a control character in a segment, is encoded twice,
    or does not begin with a slash (RFC 9112, 3.2: absolute, authority and asterisk form).
    """
    if not raw.startswith("/"):
        return None
    found = [unquote(each) for each in raw[1:].split("/")]
    plain = all(each not in (".", "..") and not _NOT_IN_A_NAME.search(each) for each in found)
    return found if plain else None


class Routes:
    """The routes of an HTTP API in API Gateway's form: ``GET /matches/{match}``.

    The site's paths have ``prefix`` before the API's path. Only routes whose path begins with ``below`` count.
    """

    def __init__(self, routes: Iterable[str], *, prefix: str = "", below: str = "/") -> None:
        self._prefix = len(prefix.split("/")) - 1
        described = (route.partition(" ") for route in routes)
        self._routes = [(method, path[1:].split("/")) for method, _, path in described if path.startswith(below)]

    def target(self, method: str, path: list[str]) -> str | None:
        """The encoded path of the API for these segments; None if no route has this method and path."""
        asked = path[self._prefix :]
        for wanted, pattern in self._routes:
            if wanted == method and len(pattern) == len(asked) and all(map(_fits, pattern, asked)):
                return "/" + "/".join(quote(each, safe="") for each in asked)
        return None


def _fits(pattern: str, segment: str) -> bool:
    return bool(segment) if pattern.startswith("{") else pattern == segment
