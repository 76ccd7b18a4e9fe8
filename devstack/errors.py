"""Errors that end a command with one sentence."""

from __future__ import annotations

from runtime.errors import ProgramError


class FeedError(ProgramError):
    """A file of matches is not what it should be; the text says where, for a person."""
