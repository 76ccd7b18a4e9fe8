"""Limits of a load test: the open sockets of this process, and the hosts that may get the load."""

from __future__ import annotations

import ipaddress
import resource
from urllib.parse import urlsplit

SPARE = 200
"""Open files in addition to the viewers' sockets."""


def allow_sockets(count: int) -> str | None:
    """Raise the soft limit of open files for ``count`` viewers; returns a sentence if that is not enough."""
    return allow_files(count + SPARE, f"{count} viewers need")


def allow_files(wanted: int, need: str) -> str | None:
    """Raise the soft limit of open files for this process and its children; returns a sentence if that is not enough.

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
    """Raise this process's limit of open files as far as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def refuse_remote(*urls: str) -> str | None:
    """A sentence if one of the URLs is not of this machine, else None."""
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
        # Any other name may resolve to another machine when it is looked up.
        return host == "localhost"
