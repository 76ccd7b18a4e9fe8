"""Pure: the channels that a viewer may hear. One rule for the authorizers of all broadcasting transports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from matches.channels import COMPETITIONS, FEEDS, NAMESPACE, OPEN, SUBJECTS, competition_segment, subject_channel
from matches.claims import EVERY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FEED: Final = re.compile(rf"{NAMESPACE}/(?P<competition>[a-z0-9-]{{1,50}})/[A-Za-z0-9-]{{1,50}}/(?:{'|'.join(FEEDS)})")
"""A feed of one match. It has no wildcard: ``*`` of AppSync and ``+`` and ``#`` of MQTT are no letters of a segment."""

_SUBJECT: Final = re.compile(rf"{NAMESPACE}/{SUBJECTS}/s-[0-9a-f]+")


def may_hear(channel: str, competitions: Collection[str], subject: str | None) -> bool:
    """Whether a viewer may subscribe to a channel (matches/channels.py), such as ``livescore/open/m1/all``.

    ``competitions``: the keys in the viewer's token. ``subject``: the subject of the token; None for a viewer without
    a token. A viewer hears the feeds of its competitions' matches, those of matches without a competition, and the
    messages to itself. It hears nothing else: no wildcard, no other depth, no other namespace.
    """
    if (feed := _FEED.fullmatch(channel)) is not None:
        is_any_of = EVERY in competitions and feed["competition"].startswith(COMPETITIONS)
        return is_any_of or feed["competition"] in competition_segments(competitions)
    return subject is not None and _SUBJECT.fullmatch(channel) is not None and channel == subject_channel(subject)


def competition_segments(competitions: Iterable[str]) -> list[str]:
    """The segments of the channels that competitions open, ``open`` among them. ``*`` has none of its own."""
    return [OPEN, *sorted(competition_segment(each) for each in competitions if each != EVERY)]
