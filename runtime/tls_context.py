"""The TLS contexts of a process: one for all clients of AWS, and one for the sender's sockets.

The clients' context reads the authorities' certificates once.

For each connection that it opens, urllib3 reads the whole bundle of certificates again, into the same context
(``ssl_wrap_socket`` in https://github.com/urllib3/urllib3/blob/main/src/urllib3/util/ssl_.py). That is 15 ms of CPU,
and 50 ms at the part of a vCPU that 512 MB buy.
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient


class CachingContext(ssl.SSLContext):
    """A context that reads each bundle once."""

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        """Read a bundle, unless this context has read it before."""
        known: set[tuple[Any, ...]] = self.__dict__.setdefault("known", set())
        bundle = (cafile, capath, cadata)
        if bundle not in known:
            super().load_verify_locations(cafile, capath, cadata)
            known.add(bundle)


@cache
def context(bundle: str | None) -> ssl.SSLContext:
    """Botocore's usual context, which here also checks host names. None means botocore's own bundle."""
    from botocore.httpsession import create_urllib3_context, get_cert_path

    made: ssl.SSLContext = create_urllib3_context()
    made.__class__ = CachingContext
    # botocore leaves the check of host names to urllib3. aiobotocore uses the same context and would check nothing.
    made.check_hostname = True
    made.load_verify_locations(bundle or get_cert_path(True))
    return made


def http1_context(bundle: str | None) -> ssl.SSLContext:
    """A new context for sockets that speak HTTP/1.1, with host names checked. None means the system's authorities."""
    made = ssl.create_default_context(cafile=bundle)
    made.set_alpn_protocols(["http/1.1"])
    return made


def share(client: BaseClient, bundle: str | None) -> None:
    """Make a client of botocore open its connections with the shared context. botocore has no option for that."""
    share_session(client._endpoint.http_session, bundle)  # type: ignore[attr-defined] # noqa: SLF001


def share_session(session: Any, bundle: str | None) -> None:
    """The same for a URLLib3Session of botocore."""
    pools: dict[str, Any] = session._manager.connection_pool_kw  # noqa: SLF001
    pools["ssl_context"] = context(bundle)
