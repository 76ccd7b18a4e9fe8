"""Reading ``deployment.json`` of a site, and what each kind of cell needs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from client import CellAddress, DeploymentError, cells, follow
from client.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def site(text: str, status: int = 200) -> AsyncIterator[str]:
    """A site whose ``deployment.json`` is this text; its URL, with a slash at the end."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    app = web.Application()
    app.router.add_get("/deployment.json", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def test_the_cells_of_a_site() -> None:
    """A site's URL, with or without a slash, leads to its cells."""
    text = '{"version":1,"cells":{"main":{"transport":"api-gateway","url":"ws://127.0.0.1:1/live"}}}'
    async with site(text) as url:
        for each in (url, url.rstrip("/")):
            assert await cells(each) == {"main": CellAddress("api-gateway", "ws://127.0.0.1:1/live", "main")}


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("no", 200, "is not JSON"),
        ("{}", 404, r"no deployment\.json \(status 404\)"),
        ("{}", 200, "not the description"),
    ],
)
async def test_a_site_without_a_usable_file_is_a_sentence(text: str, status: int, said: str) -> None:
    """A site that has no ``deployment.json``, or another one, is a DeploymentError with the reason."""
    async with site(text, status) as url:
        with pytest.raises(DeploymentError, match=said):
            await cells(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no URL", "http://\x00"])
async def test_a_site_that_cannot_be_reached_is_a_sentence(url: str) -> None:
    """A closed port, and a text that is no URL, are the same kind of error."""
    with pytest.raises(DeploymentError, match="The site gives no deployment"):
        await cells(url)


async def test_a_transport_that_nobody_knows_is_a_sentence() -> None:
    """A cell of a transport that this client does not have is refused before anything is opened."""
    cell = CellAddress("pigeons", "wss://a.example")
    for refuse in (lambda: follow(cell, "m", api="http://127.0.0.1:1"), lambda: Viewer(cell, ["m"])):
        with pytest.raises(ValueError, match="does not know the transport pigeons"):
            refuse()


@pytest.mark.parametrize("transport", ["appsync-events", "appsync-graphql", "iot-core"])
async def test_a_broadcasting_transport_needs_the_readers_api(transport: str) -> None:
    """Without ``api`` a viewer of a broadcasting transport would have no snapshot: that is said at once."""
    cell = CellAddress(transport, "wss://a.example")
    for refuse in (lambda: follow(cell, "m"), lambda: Viewer(cell, ["m"])):
        with pytest.raises(ValueError, match=f"{transport} needs `api`"):
            refuse()
