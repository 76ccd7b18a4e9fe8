"""Pure: the names of channels. A broadcasting transport carries the frames of one match on two channels.

The channel of a match is ``livescore/<competition>/<match>``. Below it are two feeds: ``/all`` carries every event, and
``/score`` the score alone. Each viewer who may hear messages has a channel too: ``livescore/subjects/s-<hash>``.

Each name has four segments at most, of letters, digits and dashes, 50 characters long at most: AppSync Events allows
no others (https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespaces.html).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final, Literal

from matches.claims import competition_key

Feed = Literal["all", "score"]
FEEDS: Final[tuple[Feed, ...]] = ("all", "score")

NAMESPACE: Final = "livescore"
OPEN: Final = "open"
"""The competition segment of a match without a competition: every viewer may hear it."""
COMPETITIONS: Final = ("c-", "h-")
"""The beginnings of the segments of competitions."""
SUBJECTS: Final = "subjects"
"""The segment of the channels of viewers. It is no competition's: theirs begin with ``c-`` or ``h-``."""

HASH_DIGITS: Final = 40
"""Hexadecimal digits of a SHA-256 that stand for a name which fits no segment."""

_COMPETITION: Final = re.compile(r"[a-z0-9-]{1,48}")
_MATCH: Final = re.compile(r"(?!h-)[A-Za-z0-9-]{1,50}")


def competition_segment(key: str | None) -> str:
    """The segment of a competition, by its key (``claims.competition_key``); None: a match without a competition."""
    if key is None:
        return OPEN
    return f"c-{key}" if _COMPETITION.fullmatch(key) else f"h-{_digest(key)}"


def match_channel(competition: str | None, match: str) -> str:
    """The channel of a match, above its feeds, such as ``livescore/c-world-cup-2022/wc22-final``.

    ``competition``: its name, as the match has it.
    """
    key = None if competition is None else competition_key(competition)
    segment = match if _MATCH.fullmatch(match) else f"h-{_digest(match)}"
    return f"{NAMESPACE}/{competition_segment(key)}/{segment}"


def feed_channel(competition: str | None, match: str, feed: Feed) -> str:
    """The channel of one feed of a match."""
    return f"{match_channel(competition, match)}/{feed}"


def subject_channel(subject: str) -> str:
    """The channel of the viewer whose token has this subject."""
    return f"{NAMESPACE}/{SUBJECTS}/{subject_segment(subject)}"


def subject_segment(subject: str) -> str:
    """The last segment of that channel. It repeats no name, and no two subjects share its 160 bits."""
    return f"s-{_digest(subject)}"


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:HASH_DIGITS]
