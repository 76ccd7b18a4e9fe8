"""The errors that following a match can raise, as one tree.

- ``FollowError``: the server refuses the request, and would refuse it again.
  - ``UnknownMatchError``: there is no such match.
  - ``RefusedError``: the token is missing, has expired, or does not cover the match.
  - ``TokenTooLongError`` (``token_placement``): the token does not fit into an address.
  - ``BehindError``: the program reads its events too slowly.
  - ``DeploymentError``: a site's ``deployment.json`` cannot be read or used.

A lost connection is no error: it is opened again.
"""

from __future__ import annotations


class FollowError(Exception):
    """The match cannot be followed, and another try would not help. The text is a sentence without any secret."""


class UnknownMatchError(FollowError):
    """There is no match with this id, or no longer."""


class RefusedError(FollowError):
    """The server refuses the viewer: its token is missing, has expired, is forged, or does not cover the match."""


class BehindError(FollowError):
    """The program reads its events too slowly: too many wait, so the loop ends."""


class DeploymentError(FollowError):
    """A site's ``deployment.json`` cannot be read or used. The text is a sentence without any secret."""
