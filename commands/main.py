"""The entry point of ``livescore``: a Ctrl-C while its libraries are being imported ends it without a traceback."""

from __future__ import annotations

import signal


def main() -> None:
    """Import the command, then run it; from the first signal on, it ends undisturbed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from commands.cli import app
    from devstack.signals import last

    with last():
        app()
