"""Reads ``deployment.json`` of a site: which cells there are, and the transport of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import orjson

from .cell_address import read_cells
from .errors import DeploymentError

if TYPE_CHECKING:
    from .cell_address import CellAddress

TIMEOUT_SECONDS = 10.0


async def cells(site: str) -> dict[str, CellAddress]:
    """The cells of the deployment whose site is at the URL ``site``, by name.

    Raises DeploymentError if the site gives no ``deployment.json`` that this client can use.
    """
    url = f"{site.rstrip('/')}/deployment.json"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
            answer = await http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise DeploymentError(f"The site gives no deployment.json ({type(error).__name__}).") from error
    if answer.status_code != httpx.codes.OK:
        raise DeploymentError(f"The site gives no deployment.json (status {answer.status_code}).")
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise DeploymentError("deployment.json is not JSON. Is the URL that of the site?") from None
    return read_cells(found)
