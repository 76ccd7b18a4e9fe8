"""Pure: finds the devstack that a URL belongs to, and words the error for a URL where nothing answers."""

from __future__ import annotations

from urllib.parse import urlsplit

from devstack.system import HTTP_API_ID, System
from loadtest.terminal_text import public_url

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def system_at(api_url: str) -> System | None:
    """The system whose HTTP API has this URL; None unless the URL has the form that ``livescore up`` prints."""
    try:
        parts = urlsplit(api_url)
        port = parts.port or 80
    except ValueError:
        return None
    return System(port) if parts.hostname in _HERE and HTTP_API_ID in parts.path else None


def nothing_answers(url: str) -> str:
    """The sentence for a user whose command got no answer from the URL."""
    try:
        here = urlsplit(url).hostname in _HERE
    except ValueError:
        here = False
    return f"Nothing answers at {public_url(url)}. {'Is `livescore up` running?' if here else 'Is the address right?'}"


NO_URL = "The URL of the API begins with http:// or https:// and a host: see --api and LIVESCORE_API."


def is_http(url: str) -> bool:
    """Whether a URL begins with ``http`` or ``https`` and has a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
