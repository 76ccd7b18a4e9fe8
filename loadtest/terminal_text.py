"""Pure: what others have written, as it may be shown to people."""

from __future__ import annotations

from urllib.parse import urlsplit

JOINERS = "\u200c\u200d"


def printable(text: object) -> str:
    """Text of others, safe on a terminal: whatever is not printable is shown as an escape and does nothing.

    U+200C and U+200D do nothing but join letters: a name is shown with them.
    """
    return "".join(
        each if each.isprintable() or each in JOINERS else each.encode("unicode_escape").decode() for each in str(text)
    )


def public_url(url: str) -> str:
    """A URL as it may be shown: without a user, a password, a query or a fragment, where tokens are."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no URL"
    host = parts.netloc.rpartition("@")[2]
    return printable(f"{parts.scheme}://{host}{parts.path}")
