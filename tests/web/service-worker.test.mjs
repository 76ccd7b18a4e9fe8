/** The service worker without a browser: what it gives out when the disk, the network or the server fails. */

import assert from "node:assert/strict";
import { before, beforeEach, mock, test } from "node:test";

const FULL = () => Promise.reject(new DOMException("full", "QuotaExceededError"));

/** The surroundings of a worker, as far as ours uses them. @type {any} */
const scope = globalThis;
/** @type {Map<string, (event: any) => void>} */
const listeners = new Map();
/** @type {Map<string, Response>} */
const kept = new Map();
const cache = { put: async (/** @type {string} */ path, /** @type {Response} */ copy) => kept.set(path, copy) };
const working = { open: async () => cache, match: async (/** @type {string} */ path) => kept.get(path) };

before(async () => {
  scope.addEventListener = (/** @type {string} */ type, /** @type {any} */ listener) => listeners.set(type, listener);
  scope.location = { origin: "http://page.example" };
  await import(new URL("../../web/service-worker.js", import.meta.url).href);
});

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  kept.clear();
  scope.caches = working;
});

/**
 * The answer to the page, and the end of the worker's work.
 *
 * @param {string} path
 * @param {() => Promise<Response>} network
 * @returns {{answer: Promise<Response>, done: Promise<unknown>}}
 */
function ask(path, network) {
  scope.fetch = network;
  /** @type {any} */
  const asked = { answer: null, done: null };
  listeners.get("fetch")?.({
    request: new Request(`http://page.example${path}`),
    respondWith: (/** @type {any} */ answer) => {
      asked.answer = answer;
    },
    waitUntil: (/** @type {any} */ done) => {
      asked.done = done;
    },
  });
  return asked;
}

/** @param {string} text @param {number} [status] */
const says = (text, status = 200) => Promise.resolve(new Response(text, { status }));

/** @param {{answer: Promise<Response>}} asked */
const textOf = async ({ answer }) => (await answer).text();

test("an answer of the network is stored, and served while there is no network", async () => {
  const asked = ask("/", () => says("page"));
  assert.equal(await textOf(asked), "page");
  await asked.done;
  assert.equal(await textOf(ask("/", () => Promise.reject(new TypeError("no network")))), "page");
});

for (const [what, full] of Object.entries({
  put: { ...working, open: async () => ({ put: FULL }) },
  open: { ...working, open: FULL },
  match: { ...working, match: FULL },
})) {
  test(`on a full disk, where ${what} fails, the stored page and the new page are still served`, async () => {
    scope.caches = full;
    for (const old of [null, new Response("old")]) {
      if (old) kept.set("/operator.html", old);
      const asked = ask("/operator.html", () => says("new"));
      assert.equal(await textOf(asked), "new");
      await asked.done;
    }
  });
}

test("the page does not wait until it is stored", async () => {
  scope.caches = { ...working, open: () => new Promise(() => {}) };
  assert.equal(await textOf(ask("/", () => says("page"))), "page");
});

test("a network without an answer for four seconds counts as no network", async () => {
  kept.set("/", new Response("page"));
  const text = textOf(ask("/", () => new Promise(() => {})));
  // Wait until the worker has read its storage.
  await new Promise((resolve) => setImmediate(resolve));
  mock.timers.tick(4_000);
  assert.equal(await text, "page");
});

test("a server error is not served instead of the stored page", async () => {
  assert.equal(await textOf(ask("/", () => says("broken", 503))), "broken", "there is nothing else");
  const page = new Response("page");
  kept.set("/", page);
  const asked = ask("/", () => says("broken", 503));
  assert.equal(await textOf(asked), "page");
  await asked.done;
  assert.equal(kept.get("/"), page, "nor is the error kept");
});

test("if a page is gone, that answer is served; if a script is gone, the stored script is served", async () => {
  for (const status of [403, 404]) {
    kept.set("/operator.html", new Response("old"));
    kept.set("/desk/old.js", new Response("old"));
    assert.equal(await textOf(ask("/operator.html", () => says("gone", status))), "gone");
    assert.equal(await textOf(ask("/desk/old.js", () => says("gone", status))), "old");
  }
});

test("the service worker does not handle scores and tokens", () => {
  for (const path of ["/matches/m", "/tokens/operator", "/operators/matches/m"]) {
    assert.equal(ask(path, () => says("")).answer, null);
  }
});
