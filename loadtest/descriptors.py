"""Open files: every socket is one, and a process begins with far fewer than a crowd needs."""

from __future__ import annotations

import resource


def raise_descriptors() -> int:
    """Allow this process as many open files as the system lets it have; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
