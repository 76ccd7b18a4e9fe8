"""Pure: makes text of others safe for a terminal."""

from __future__ import annotations

from urllib.parse import urlsplit

JOINERS = "\u200c\u200d"


def printable(text: object) -> str:
    """The text with every character that is not printable replaced by an escape.

    U+200C and U+200D stay, because they only join letters of a name.
    """
    return "".join(
        each if each.isprintable() or each in JOINERS else each.encode("unicode_escape").decode() for each in str(text)
    )


def public_url(url: str) -> str:
    """The URL without user, password, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an invalid URL"
    host = parts.netloc.rpartition("@")[2]
    return printable(f"{parts.scheme}://{host}{parts.path}")
