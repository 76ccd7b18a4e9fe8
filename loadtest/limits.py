"""How many sockets this process may hold."""

from __future__ import annotations

import resource

SPARE = 200
"""Open files beside the viewers' sockets."""


def allow_sockets(count: int) -> str | None:
    """Raise the soft limit of open files, for this process and those it starts; a sentence if that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            return f"{count} viewers need {wanted} open files, and this machine allows {hard} (`ulimit -Hn`)."
    return None
