"""Limits of a load test: the sockets that this process may hold, and the hosts that it may put under load."""

from __future__ import annotations

import ipaddress
import resource
from urllib.parse import urlsplit

SPARE = 200
"""Open files beside the viewers' sockets."""


def allow_sockets(count: int) -> str | None:
    """Raise the soft limit of open files for so many viewers' sockets; a sentence if that is not enough."""
    return allow_files(count + SPARE, f"{count} viewers need")


def allow_files(wanted: int, need: str) -> str | None:
    """Raise the soft limit of open files, for this process and those it starts; a sentence if that is not enough.

    ``need`` begins the sentence, such as ``A stack needs``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            return (
                f"{need} {wanted} open files, and {hard} are allowed here. Run `ulimit -n {wanted}` in this shell; "
                "where that is refused, root raises the limit `nofile` in /etc/security/limits.conf."
            )
    return None


def allow_all_sockets() -> None:
    """Allow this process as many open files as the system lets it have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def refuse_remote(*urls: str) -> str | None:
    """A sentence if one of the URLs leads anywhere but to this machine."""
    for url in urls:
        host = urlsplit(url).hostname or ""
        if not is_loopback(host):
            return (
                f"{host or url} is not this machine. A load test costs its owner money and budget: "
                "add --allow-remote if it is yours."
            )
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name or an address, without brackets, always means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Another name may lead anywhere by the time it is looked up.
        return host == "localhost"
