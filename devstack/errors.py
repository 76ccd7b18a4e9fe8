"""Errors that end a command with one sentence."""

from __future__ import annotations

from runtime.errors import ProgramError


class FeedError(ProgramError):
    """A file of matches cannot be used; the text is a sentence for a person."""


class StackError(ProgramError):
    """A program cannot go on, because devstack or AWS does not answer as it must.

    The text is a sentence for a person.
    """
