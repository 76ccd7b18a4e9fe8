"""Pure: the channels that a viewer may hear. One rule for the authorizers of all broadcasting transports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matches.channels import COMPETITIONS, OPEN, competition_segment
from matches.claims import EVERY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from matches.channels import Channels


def may_hear(channels: Channels, channel: str, competitions: Collection[str], subject: str | None) -> bool:
    """Whether a viewer may subscribe to a channel, such as ``livescore/open/m1/all``.

    ``channels``: those of this deployment. ``competitions``: the keys in the viewer's token. ``subject``: the subject
    of the token; None for a viewer without a token. A viewer hears the feeds of its competitions' matches, those of
    matches without a competition, and the messages to itself. It hears nothing else: no wildcard, no other depth, and
    no channel of another deployment.
    """
    if channels.is_feed(channel):
        segment = channel.split("/")[1]
        is_any_of = EVERY in competitions and segment.startswith(COMPETITIONS)
        return is_any_of or segment in competition_segments(competitions)
    return subject is not None and channel == channels.subject(subject)


def competition_segments(competitions: Iterable[str]) -> list[str]:
    """The segments of the channels that competitions open, ``open`` among them. ``*`` has none of its own."""
    return [OPEN, *sorted(competition_segment(each) for each in competitions if each != EVERY)]
