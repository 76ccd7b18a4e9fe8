"""Pure: the root and the categories of every error that livescore raises itself.

A class of errors stays in its room, near the code that raises it, and derives from one of these categories. The
category says what a caller does about it. docs/errors.md has the whole tree, and a test holds it to the code.
``client`` imports nothing else of ours, so its errors have a root of their own, ``client.errors.FollowError``.
"""

from __future__ import annotations


class LivescoreError(Exception):
    """The root of all errors that livescore raises itself."""


class BadInputError(LivescoreError):
    """A request, a token or a payload cannot be used as it is. The same input fails again."""


class NotThereError(LivescoreError):
    """A match or a message that somebody names does not exist."""


class ConflictError(LivescoreError):
    """A match or its rows are in a state that does not allow the request."""


class DamagedError(LivescoreError):
    """Stored data of one match is damaged. A person has to repair it; other matches are not concerned."""


class PoisonError(LivescoreError):
    """A record or a message can never be handled. It is set aside, and the ones behind it go on."""


class TransientError(LivescoreError):
    """The next try may succeed. A record stays on the stream; a batch is tried again."""


class ConfigurationError(LivescoreError):
    """The deployment is at fault: a setting, the region, credentials or an address. A person has to change it."""


class ProgramError(LivescoreError):
    """A developer's program cannot go on. The text is one sentence for the person who runs it.

    ``exit_status`` is the status with which a command ends.
    """

    exit_status = 1
