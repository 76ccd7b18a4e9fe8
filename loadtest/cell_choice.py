"""The cell in which viewers are to watch, by its name, from ``deployment.json`` of a site.

This module does not import httpx, because locust's processes use it too.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from client.cell_address import CellAddress, read_cells
from client.errors import DeploymentError
from loadtest.load_limits import is_loopback
from loadtest.terminal_text import public_url
from runtime.errors import ProgramError

LOCAL_SITE = "http://127.0.0.1:4580"
"""The site of ``livescore up``."""

FETCH_SECONDS = 10.0


class CellChoiceError(ProgramError):
    """There is no such cell, or the site does not say it. The text is for people."""


def choose(cell: str | None, site: str | None) -> CellAddress:
    """The cell of this name at a site; without a name, the site's first cell. The default is the site on this machine.

    Raises CellChoiceError.
    """
    site = (site or LOCAL_SITE).rstrip("/")
    cells = cells_of(site)
    if cell is None:
        return next(iter(cells.values()))
    if cell not in cells:
        raise CellChoiceError(f"There is no cell {cell} at {public_url(site)}. Its cells are {', '.join(cells)}.")
    return cells[cell]


def cells_of(site: str) -> dict[str, CellAddress]:
    """The cells of a site by name, in the order of its ``deployment.json``. Raises CellChoiceError."""
    site = site.rstrip("/")
    if urlsplit(site).scheme not in ("http", "https"):
        raise CellChoiceError("The URL of the site begins with http:// or https:// and a host: see --site.")
    try:
        with urllib.request.urlopen(f"{site}/deployment.json", timeout=FETCH_SECONDS) as answer:  # noqa: S310  # checked above
            return read_cells(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            raise CellChoiceError(f"{public_url(site)} has no deployment.json (status {error.code}).") from None
    except DeploymentError as error:
        raise CellChoiceError(f"{public_url(site)}: {error}") from None
    except (OSError, ValueError) as error:
        hint = " Is `livescore up` running?" if is_loopback(urlsplit(site).hostname or "") else ""
        raise CellChoiceError(f"{public_url(site)} gives no deployment.json ({type(error).__name__}).{hint}") from None
