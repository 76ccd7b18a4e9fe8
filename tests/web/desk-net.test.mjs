/** The requests of the operator's desk: tokens, and the outcomes of sent events. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FollowUp } from "../../web/desk/follow-up.js";
import { OperatorToken } from "../../web/desk/operator-token.js";
import { asAnswered, newEntry } from "../../web/desk/outbox.js";
import { OutboxStore } from "../../web/desk/outbox-store.js";
import { FakeStorage } from "./desk-fakes.mjs";
import { until } from "./until.mjs";

const DAY = 24 * 3600 * 1000;
const TOKEN = "livescore.operator.token";

/** @param {number} exp in seconds */
const tokenUntil = (exp) => `e30.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.c2ln`;

/** A tab as far as tokens need it; timers are noted, none fires. @param {() => Response} answer */
const tab = (answer) => {
  /** @type {number[]} */
  const timers = [];
  const window = {
    sessionStorage: new FakeStorage(),
    location: { search: "" },
    fetch: async () => answer(),
    setTimeout: (/** @type {() => void} */ _, /** @type {number} */ ms) => timers.push(ms),
    clearTimeout: () => {},
  };
  return { window: /** @type {any} */ (window), timers };
};

test("a pasted token is used until the API refuses it, even if this device's clock says that it expired", async () => {
  const { window } = tab(() => Response.json({}, { status: 404 }));
  const token = tokenUntil(1000);
  window.sessionStorage.setItem(TOKEN, token);
  const tokens = new OperatorToken({}, window, () => 4_600_000);
  await tokens.start();
  assert.equal(await tokens.current(), token);
  tokens.refused(token);
  assert.equal(await tokens.current(), null);
  assert.match(tokens.trouble, /./);
});

test("a token source that fails is asked again", async () => {
  for (const status of [429, 500, 503]) {
    const { window, timers } = tab(() => Response.json({}, { status }));
    const tokens = new OperatorToken({ token_url: "/tokens/operator" }, window, () => 0);
    assert.equal(await tokens.current(), null);
    assert.equal(timers.length, 1);
    assert.match(tokens.trouble, /tried again/);
  }
});

for (const [what, now, code, state] of /** @type {[string, number, string, string][]} */ ([
  ["no longer knows after a day", DAY + 1, "unknown_event", "refused"],
  ["does not know yet", 1000, "unknown_event", "sent"],
  ["knows nothing of, the match neither", DAY + 1, "unknown_match", "refused"],
  ["is not there to ask", DAY + 1, "no_route", "sent"],
])) {
  test(`a sent press that the ledger ${what} is ${state}`, async () => {
    const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
    const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0 });
    store.put({ ...entry, state: "sent" });
    let asked = 0;
    const followUp = new FollowUp({
      store,
      tokens: { current: async () => "t" },
      fetch: async () => {
        asked++;
        return Response.json({ error: { code, message: "No." } }, { status: 404 });
      },
      base: "",
      waits: () => new Set(),
      now: () => now,
      regions: [],
      acceptedAt: () => undefined,
    });
    followUp.call("m");
    await until(() => asked > 1 || store.read(entry)?.state === "refused");
    assert.equal(store.read(entry)?.state, state);
    store.remove(entry);
  });
}

test("the desk asks for the outcome of a waiting press that was sent without an answer, once if it is unknown", async () => {
  const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
  for (const [place, id] of ["unknown", "applied", "unsent"].entries()) {
    const entry = newEntry([], { id, match: "m", event: { kind: "goal" }, pressed: 0 });
    store.put({ ...entry, order: place, tries: id === "unsent" ? 0 : 1 });
  }
  /** @type {string[]} */
  const asked = [];
  const followUp = new FollowUp({
    store,
    tokens: { current: async () => "t" },
    fetch: async (url) => {
      const path = String(url);
      if (path.includes("/events/")) asked.push(path.split("/").at(-1) ?? "");
      const known = path.endsWith("/applied");
      const unknown = path.endsWith("/unknown");
      const body = known
        ? { match: "m", event_id: "applied", status: "applied", seq: 4 }
        : unknown
          ? { error: { code: "unknown_event" } }
          : {};
      return Response.json(body, { status: unknown ? 404 : 200 });
    },
    base: "",
    waits: () => new Set(["unknown", "applied", "unsent"]),
    now: () => 0,
    regions: [],
    acceptedAt: () => undefined,
  });
  followUp.call("m");
  await until(() => store.read({ match: "m", id: "applied" })?.reach);
  followUp.call("m");
  await until(() => asked.length >= 2);
  assert.deepEqual(asked.sort(), ["applied", "unknown"]);
  assert.equal(store.read({ match: "m", id: "unknown" })?.state, "kept");
  for (const entry of store.entries()) store.remove(entry);
});

test("a press asks for the outcome of its own request, even if another event has its id", async () => {
  const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
  const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0 });
  const outcome = { status: "pending", request: "0123456789abcdef" };
  store.put(asAnswered(entry, { kind: "sent", outcome }));
  const reason = "the id is taken by another event of this match";
  const followUp = new FollowUp({
    store,
    tokens: { current: async () => "t" },
    fetch: async (url) =>
      Response.json(
        String(url).endsWith("/events/e?request=0123456789abcdef")
          ? { match: "m", event_id: "e", status: "refused", reason }
          : { match: "m", event_id: "e", status: "applied", seq: 2 },
      ),
    base: "",
    waits: () => new Set(),
    now: () => 1000,
    regions: [],
    acceptedAt: () => undefined,
  });
  followUp.call("m");
  await until(() => store.read(entry)?.state !== "sent");
  assert.deepEqual([store.read(entry)?.state, store.read(entry)?.reason], ["refused", reason]);
});

for (const [what, answer] of /** @type {[string, unknown][]} */ ([
  ["an empty object", {}],
  ["a proxy's words", { message: "Not Found" }],
  ["an outcome of another event", { match: "m", event_id: "other", status: "applied", seq: 9 }],
  ["an outcome of another match", { match: "n", event_id: "e", status: "applied", seq: 9 }],
  ["null", null],
])) {
  test(`${what} is not accepted as the outcome of a press`, async () => {
    const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
    const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0 });
    store.put({ ...entry, tries: 1 });
    let asked = 0;
    const followUp = new FollowUp({
      store,
      tokens: { current: async () => "t" },
      fetch: async () => {
        asked += 1;
        return Response.json(answer);
      },
      base: "",
      waits: () => new Set(["e"]),
      now: () => 0,
      regions: [],
      acceptedAt: () => undefined,
    });
    followUp.call("m");
    await until(() => asked >= 2);
    assert.equal(store.read({ match: "m", id: "e" })?.state, "kept");
    store.remove(entry);
  });
}

for (const [what, answer] of /** @type {[string, unknown][]} */ ([
  ["an error that is not the API's", { error: "Not Found" }],
  ["an error of another kind", { error: { code: "no_route", message: "No." } }],
])) {
  test(`a 404 with ${what} does not say that a press is unknown: it is asked about again`, async () => {
    const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
    const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0 });
    store.put({ ...entry, tries: 1 });
    let asked = 0;
    const followUp = new FollowUp({
      store,
      tokens: { current: async () => "t" },
      fetch: async () => {
        asked += 1;
        return Response.json(answer, { status: 404 });
      },
      base: "",
      waits: () => new Set(["e"]),
      now: () => 0,
      regions: [],
      acceptedAt: () => undefined,
    });
    followUp.call("m");
    await until(() => asked >= 2);
    store.remove(entry);
  });
}

for (const [what, receipts, progress] of /** @type {[string, unknown, unknown][]} */ ([
  ["no list", { receipts: "none" }, { cells: {} }],
  ["an error", { error: { code: "no_route" } }, { error: { code: "no_route" } }],
  ["null", null, null],
  ["of other things", { receipts: [null, "x", 3] }, { cells: { "us-east-1": null } }],
])) {
  test(`receipts and progress that are ${what} say nothing, and the desk goes on asking`, async () => {
    const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
    const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0 });
    store.put({ ...entry, state: "applied", seq: 1, tries: 1 });
    let asked = 0;
    const good = {
      cell: "us-east-1",
      prev: 0,
      seq: 1,
      accepted: 3,
      failed: 0,
      skipped: 0,
      set_aside: 0,
      started: 0,
      ms: 5,
    };
    const followUp = new FollowUp({
      store,
      tokens: { current: async () => "t" },
      fetch: async (url) => {
        asked += 1;
        if (asked > 2) return Response.json(String(url).includes("receipts") ? { receipts: [good] } : { cells: {} });
        return Response.json(String(url).includes("receipts") ? receipts : progress);
      },
      base: "",
      waits: () => new Set(),
      now: () => 0,
      regions: ["us-east-1"],
      acceptedAt: () => undefined,
    });
    followUp.call("m");
    await until(() => store.read(entry)?.reach?.done);
    assert.equal(store.read(entry)?.reach?.told, 3);
    store.remove(entry);
  });
}
