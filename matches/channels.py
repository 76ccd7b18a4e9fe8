"""Pure: the names of channels. A broadcasting transport carries the frames of one match on two channels.

The channel of a match is ``<namespace>/<competition>/<match>``. Below it are two feeds: ``/all`` carries every event,
and ``/score`` the score alone. Each viewer who may hear messages has a channel too: ``<namespace>/subjects/s-<hash>``.

The namespace is the deployment's name, with which the names of its resources begin too (the variable ``prefix`` of
Terraform). So deployments that share an account of IoT Core or a cache of Momento share no channel.

Each name has four segments at most, of letters, digits and dashes, 50 characters long at most: AppSync Events allows
no others (https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespaces.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from matches.claims import competition_key

Feed = Literal["all", "score"]
FEEDS: Final[tuple[Feed, ...]] = ("all", "score")

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
_FEED: Final = re.compile(rf"[a-z0-9-]{{1,50}}/[A-Za-z0-9-]{{1,50}}/(?:{'|'.join(FEEDS)})")


def competition_segment(key: str | None) -> str:
    """The segment of a competition, by its key (``claims.competition_key``); None: a match without a competition."""
    if key is None:
        return OPEN
    return f"c-{key}" if _COMPETITION.fullmatch(key) else f"h-{_digest(key)}"


@dataclass(frozen=True, slots=True)
class Channels:
    """The names of the channels of one deployment."""

    namespace: str
    """The first segment of every channel: the deployment's name."""

    def match(self, competition: str | None, match: str) -> str:
        """The channel of a match, above its feeds, such as ``livescore/c-world-cup-2022/wc22-final``.

        ``competition``: its name, as the match has it.
        """
        key = None if competition is None else competition_key(competition)
        segment = match if _MATCH.fullmatch(match) else f"h-{_digest(match)}"
        return f"{self.namespace}/{competition_segment(key)}/{segment}"

    def feed(self, competition: str | None, match: str, feed: Feed) -> str:
        """The channel of one feed of a match."""
        return f"{self.match(competition, match)}/{feed}"

    def subject(self, subject: str) -> str:
        """The channel of the viewer whose token has this subject."""
        return f"{self.namespace}/{SUBJECTS}/{subject_segment(subject)}"

    def is_feed(self, channel: str) -> bool:
        """Whether a channel is a feed of one match of this deployment. A channel with a wildcard is none.

        ``*`` of AppSync and ``+`` and ``#`` of MQTT are no letters of a segment.
        """
        namespace, _, rest = channel.partition("/")
        return namespace == self.namespace and _FEED.fullmatch(rest) is not None


def subject_segment(subject: str) -> str:
    """The last segment of a viewer's channel. It repeats no name, and no two subjects share its 160 bits."""
    return f"s-{_digest(subject)}"


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:HASH_DIGITS]
