"""The errors that following a match can raise, as one tree.

- ``FollowError``: the server refuses what was asked for, and would again.
  - ``UnknownMatchError``: there is no such match.
  - ``RefusedError``: the token is missing, has expired, or does not cover the match.
  - ``TokenTooLongError`` (``token_placement``): the token fits into no address.
  - ``BehindError``: the program took its events too slowly.

A lost connection is none of these: it is opened again.
"""

from __future__ import annotations


class FollowError(Exception):
    """The match cannot be followed, and trying again would not help; the text is a sentence without any secret."""


class UnknownMatchError(FollowError):
    """There is no match of this id, or there is none any more."""


class RefusedError(FollowError):
    """The viewer is not let in: its token is missing, has expired, is forged, or does not cover the match."""


class BehindError(FollowError):
    """The program has left so many events waiting that no more are kept for it."""
