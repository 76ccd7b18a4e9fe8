"""The entry point of ``livescore``: a Ctrl-C while its libraries are being imported ends it without a traceback."""

from __future__ import annotations

import signal


def main() -> None:
    """Import the command, then run it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from devstack.cli import app

    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
