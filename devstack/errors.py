"""Errors that end a command with one sentence."""


class FeedError(Exception):
    """A file of matches is not what it should be; the text says where, for a person."""
