"""The relay of the site keeps answers as CloudFront does."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from devstack.stack.ministack import free_port
from devstack.stack.site_relay import Relay


@pytest.mark.parametrize(
    ("status", "told", "asked"),
    [
        (200, "public, max-age=1", 1),
        (200, "public, max-age=0", 3),
        (200, "public, max-age=0, s-maxage=1", 1),
        (200, "public, max-age=0, s-maxage=29", 1),
        (200, "no-store", 3),
        (404, "no-store", 1),
    ],
)
async def test_an_answer_is_kept_as_its_cache_control_says(status: int, told: str, asked: int) -> None:
    """Later clients get an answer that a shared cache may keep; clients that ask at once share any answer."""
    requests: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response({}, status=status, headers={"Cache-Control": told})

    app = web.Application()
    app.router.add_get("/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    relay = Relay(f"http://127.0.0.1:{port}", 60.0, ())
    try:
        for _ in range(3):
            found = await asyncio.gather(*(relay.read("/matches/m", {}) for _ in range(5)))
            assert {each.status for each in found} == {status}
    finally:
        await relay.close()
        await runner.cleanup()
    assert len(requests) == asked
