/** The requests of the viewer's page before it is loaded, without a page. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

test("a request without an answer is abandoned after ten seconds, and made again", async (t) => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const { fetch } = globalThis;
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  /** @type {number[]} */
  const waits = [];
  t.mock.method(AbortSignal, "timeout", (/** @type {number} */ wait) => {
    waits.push(wait);
    return timeout(1);
  });
  Object.assign(globalThis, {
    fetch: (/** @type {string} */ path, /** @type {RequestInit} */ init) =>
      fetch(`http://127.0.0.1:${port}${path}`, init),
    location: { pathname: "/", search: "?match=m" },
    document: { createElement: () => ({}), head: { append() {} } },
  });
  const { early } = await import("../../web/early.js");
  for (const path of ["/deployment.json", "/matches/m"]) {
    await assert.rejects(early(path)?.answer ?? Promise.resolve(), { name: "TimeoutError" });
    assert.equal(early(path), undefined, "it is asked anew from then on");
  }
  assert.deepEqual(waits, [10_000, 10_000]);
});
