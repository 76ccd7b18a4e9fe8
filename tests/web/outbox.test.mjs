/** The outbox: every press counts once and in order, whatever becomes of the network, the window and its neighbours. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "../../web/desk/answers.js";
import {
  asSending,
  foundNothing,
  inEpoch,
  mended,
  newEntry,
  newId,
  nextStep,
  outlived,
  readEntry,
  seenOnBoard,
  takeBack,
  waitAfter,
} from "../../web/desk/outbox.js";
import { OutboxStore } from "../../web/desk/outbox-store.js";
import { FakeApi, FakeLocks, FakeStorage, FakeWindow } from "./desk-fakes.mjs";
import { until } from "./until.mjs";

/** @typedef {import("../../web/desk/outbox.js").Entry} Entry */

/** @param {Partial<Entry>} about @returns {Entry} */
const entry = (about) => ({
  id: "e1",
  match: "m",
  order: 1,
  event: { kind: "goal", event_id: about.id ?? "e1" },
  pressed: 0,
  state: "kept",
  tries: 0,
  ...about,
});

/** An act of the API or the network, and the fate of the press: [script, state, taken, requests]. */
/** @type {[string, any[], string, string, number][]} */
const ANSWERS = [
  ["accepted", [202], "sent", "a", 1],
  ["answer lost, and posted again", ["lost", 202], "sent", "a", 2],
  ["not reached, and posted again", ["unreached", "unreached", 202], "sent", "a", 3],
  ["429, and posted again", [429, 202], "sent", "a", 2],
  ["503, and posted again", [503, 202], "sent", "a", 2],
  ["500, and posted again", [500, 202], "sent", "a", 2],
  ["502 of what is on the way, and posted again", [502, 202], "sent", "a", 2],
  ["some network's own page, and posted again", [{ status: 200, body: { hello: "guest" } }, 202], "sent", "a", 2],
  ["somebody else's 202, and posted again", [{ status: 202, body: { event_id: "other" } }, 202], "sent", "a", 2],
  ["400", [400], "refused", "", 1],
  ["403", [403], "refused", "", 1],
  ["404", [404], "refused", "", 1],
  ["409", [409], "refused", "", 1],
  ["413", [413], "refused", "", 1],
  ["422", [422], "refused", "", 1],
  ["401, and posted with another token", [401, 202], "sent", "a", 2],
];

for (const [what, script, state, taken, requests] of ANSWERS) {
  test(`a press whose post is ${what}`, async () => {
    const refused = script.filter((each) => each === 401).length;
    const desk = new FakeWindow({ api: new FakeApi(script) });
    desk.press("a");
    await until(() => desk.state("a") === state);
    assert.equal(desk.api.said, taken);
    assert.equal(desk.api.requests.length, requests);
    assert.equal(desk.refusedTokens.length, refused);
  });
}

test("fast presses are posted one at a time and in order", async () => {
  const desk = new FakeWindow({ api: new FakeApi(["unreached", 503, "lost"]) });
  for (const what of "abcdef") desk.press(what);
  await until(() => desk.state("f") === "sent");
  assert.equal(desk.api.said, "abcdef");
  assert.equal(desk.api.mostAtOnce, 1);
});

test("a refused press does not delay later presses", async () => {
  const desk = new FakeWindow({ api: new FakeApi([202, 422, 202]) });
  for (const what of "abc") desk.press(what);
  await until(() => desk.state("c") === "sent");
  assert.equal(desk.api.said, "ac");
  assert.equal(desk.state("b"), "refused");
});

test("a press that cannot be sent delays later presses of its match, but not other matches", async () => {
  const api = new FakeApi();
  const posted = api.fetch;
  let down = true;
  api.fetch = async (url, options) => {
    if (down && String(url).includes("/m/")) throw new TypeError("down");
    return posted(url, options);
  };
  const desk = new FakeWindow({ api });
  desk.press("a");
  desk.press("b");
  desk.press("x", { match: "n" });
  await until(() => desk.state("x", "n") === "sent");
  assert.equal(desk.state("b"), "kept");
  down = false;
  await until(() => desk.state("b") === "sent");
  assert.equal(api.said, "xab");
});

test("while offline nothing is posted; back online, presses are posted in order", async () => {
  const desk = new FakeWindow({ api: new FakeApi() });
  desk.online = false;
  for (const what of "abc") desk.press(what);
  await until(() => desk.postman.holdup("m").why === "offline");
  assert.equal(desk.api.requests.length, 0);
  desk.online = true;
  desk.postman.retry();
  await until(() => desk.state("c") === "sent");
  assert.equal(desk.api.said, "abc");
});

test("without a token a press waits, and is posted when there is a token", async () => {
  /** @type {string | null} */
  let token = null;
  const desk = new FakeWindow({ api: new FakeApi(), token: () => token });
  desk.press("a");
  await until(() => desk.postman.holdup("m").why === "token");
  assert.equal(desk.state("a"), "kept");
  token = "new";
  desk.postman.retry();
  await until(() => desk.state("a") === "sent");
  assert.equal(desk.api.requests[0].authorization, "Bearer new");
});

test("if the API keeps refusing the token, the desk pauses between posts", async () => {
  const desk = new FakeWindow({ api: new FakeApi(Array(1000).fill(401)) });
  /** @type {number[]} */
  const waits = [];
  desk.postman.onChange((match) => {
    const { why, retryAt } = desk.postman.holdup(match);
    if (why === "trouble") waits.push(retryAt ?? 0);
  });
  desk.press("a");
  await until(() => desk.api.requests.length >= 4);
  assert.ok(waits.length >= 3, `${waits.length} waits`);
  desk.api.script = [];
  await until(() => desk.state("a") === "sent");
});

test("if a window dies while it posts, the next window posts the press again, and the event counts once", async () => {
  const [api, storage, left] = [new FakeApi(), new FakeStorage(), new FakeStorage()];
  const post = api.fetch;
  api.fetch = async (url, options) => {
    // The next window does not see what this one writes from now on.
    if (left.length === 0) for (const [key, value] of storage.kept) left.kept.set(key, value);
    return post(url, options);
  };
  const dead = new FakeWindow({ api, storage });
  dead.press("a");
  await until(() => api.taken.length === 1);
  const heir = new FakeWindow({ api, storage: left });
  assert.equal(heir.state("a"), "sending");
  heir.press("b");
  await until(() => heir.state("b") === "sent");
  assert.equal(api.said, "ab");
  assert.equal(api.requests.length, 3);
});

test("two windows post each entry once, and in order", async () => {
  const [api, storage, locks] = [new FakeApi(), new FakeStorage(), new FakeLocks()];
  const windows = [new FakeWindow({ api, storage, locks }), new FakeWindow({ api, storage, locks })];
  for (const [place, what] of [..."abcdef"].entries()) windows[place % 2]?.press(what);
  for (const each of windows) each.postman.retry();
  await until(() => windows[0]?.store.entries("m").every((each) => each.state === "sent"));
  assert.equal(api.said, "abcdef");
  assert.equal(api.requests.length, 6);
});

test("without Web Locks, an event that two windows post still counts once", async () => {
  const [api, storage] = [new FakeApi(), new FakeStorage()];
  const windows = [new FakeWindow({ api, storage }), new FakeWindow({ api, storage })];
  windows[0]?.press("a");
  windows[1]?.postman.retry();
  await until(() => windows[1]?.state("a") === "sent");
  assert.equal(api.said, "a");
});

/** Where there is no room for what is pressed. */
for (const [what, storage] of /** @type {[string, FakeStorage | null][]} */ ([
  ["full", new FakeStorage(0)],
  ["switched off", null],
])) {
  test(`with a storage that is ${what}, the outbox continues in memory, and reports that`, async () => {
    const desk = new FakeWindow({ api: new FakeApi(), storage });
    desk.press("a");
    assert.equal(desk.store.durable, false);
    await until(() => desk.state("a") === "sent");
    assert.equal(desk.api.said, "a");
  });
}

test("a storage that fills up keeps its entries", async () => {
  const storage = new FakeStorage(1);
  const desk = new FakeWindow({ api: new FakeApi(), storage });
  desk.press("a");
  assert.equal(desk.store.durable, true);
  desk.press("b");
  assert.equal(desk.store.durable, false);
  await until(() => desk.state("b") === "sent");
  assert.equal(desk.api.said, "ab");
});

test("a stored value that is not an entry is ignored", () => {
  const storage = new FakeStorage();
  const damaged = [
    '{"id":"x"',
    "null",
    "[]",
    '{"id":"x","match":"m"}',
    JSON.stringify({ ...entry({}), state: "posted" }),
  ];
  for (const [place, text] of damaged.entries()) storage.setItem(`livescore.outbox.1/m/${place}`, text);
  const desk = new FakeWindow({ api: new FakeApi(), storage });
  assert.deepEqual(desk.store.entries(), []);
  assert.deepEqual(
    damaged.map((text) => (text.startsWith('{"id":"x"') && text.endsWith("}") ? readEntry(JSON.parse(text)) : null)),
    Array(5).fill(null),
  );
});

test("when a match is created again, decided entries are forgotten, and undecided ones are refused with the reason", () => {
  const states = /** @type {const} */ (["kept", "sending", "sent", "applied", "refused", "cancelled"]);
  const { changed, gone } = inEpoch(
    [...states.map((state) => entry({ id: state, state, epoch: "k1" })), entry({ id: "here", epoch: "k2" }), entry({})],
    "k2",
  );
  assert.deepEqual(
    gone.map((each) => each.id),
    ["applied", "refused", "cancelled"],
  );
  assert.deepEqual(
    changed.map((each) => [each.id, each.state, each.epoch]),
    [
      ["e1", "kept", "k2"],
      ["kept", "refused", "k2"],
      ["sending", "refused", "k2"],
      ["sent", "refused", "k2"],
    ],
  );
  assert.deepEqual(inEpoch(changed, "k2"), { changed: [], gone: [] });
});

for (const [what, epoch, state, taken] of /** @type {[string, string | null, string, number][]} */ ([
  ["is the same", "k1", "sent", 1],
  ["was made anew meanwhile", "k2", "refused", 0],
  ["cannot be seen", null, "sent", 1],
])) {
  test(`an entry that waited is posted only into its own match, which ${what}`, async () => {
    const desk = new FakeWindow({ api: new FakeApi(["unreached"]) });
    desk.epoch = epoch;
    desk.online = false;
    const pressed = desk.press("a");
    desk.store.put({ ...pressed, epoch: "k1" });
    desk.online = true;
    desk.postman.retry();
    await until(() => desk.state("a") === state);
    assert.equal(desk.api.taken.length, taken);
  });
}

test("a press that is undone before it is sent is never sent", async () => {
  const desk = new FakeWindow({ api: new FakeApi() });
  desk.online = false;
  desk.press("a");
  desk.press("b");
  desk.store.put(...takeBack(desk.store.entries("m"), "m-a", 0));
  desk.online = true;
  desk.postman.retry();
  await until(() => desk.state("b") === "sent");
  assert.equal(desk.api.said, "b");
  assert.equal(desk.state("a"), "cancelled");
});

test("undoing a press that was sent posts a cancellation with a reason", async () => {
  const desk = new FakeWindow({ api: new FakeApi() });
  desk.press("a");
  await until(() => desk.state("a") === "sent");
  desk.store.put(...takeBack(desk.store.entries("m"), "m-a", 0));
  desk.postman.call("m");
  await until(() => desk.api.taken.length === 2);
  assert.deepEqual(desk.api.taken[1], {
    kind: "cancellation",
    cancels: "m-a",
    reason: "Entered by mistake",
    event_id: "m-a.undo",
  });
});

test("undoing a press of unknown outcome posts only the cancellation", async () => {
  const api = new FakeApi(["lost"]);
  const posted = api.fetch;
  api.fetch = (...request) => {
    if (api.requests.length === 0) desk.online = false; // so that it is not posted again before it is undone
    return posted(...request);
  };
  const desk = new FakeWindow({ api });
  desk.press("a");
  await until(() => desk.postman.holdup("m").why === "offline");
  assert.equal(desk.state("a"), "kept");
  desk.store.put(...takeBack(desk.store.entries("m"), "m-a", 0));
  desk.online = true;
  desk.postman.retry();
  await until(() => desk.store.read({ match: "m", id: "m-a.undo" })?.state === "sent");
  assert.deepEqual(
    desk.api.requests.map(({ event }) => event.kind),
    ["goal", "cancellation"],
  );
});

test("a press that another window undoes during its post is cancelled at once", async () => {
  const desk = new FakeWindow({ api: new FakeApi() });
  desk.press("a");
  await until(() => desk.api.requests.length === 1);
  // The other window does not know yet that the press is being posted.
  desk.store.update({ match: "m", id: "m-a" }, (each) => ({ ...each, state: "cancelled", undone: true }));
  await until(() => desk.api.taken.length === 2);
  assert.equal(desk.api.taken[1].cancels, "m-a");
});

/** [entry, how many entries change or are new when it is taken back, state afterwards] */
/** @type {[string, Partial<Entry>, number, string][]} */
const UNDONE = [
  ["kept", {}, 1, "cancelled"],
  ["kept after a try", { tries: 1 }, 2, "kept"],
  ["being sent", { tries: 1, state: "sending" }, 2, "sending"],
  ["sent", { tries: 1, state: "sent" }, 2, "sent"],
  ["applied", { tries: 1, state: "applied", seq: 3 }, 2, "applied"],
  ["refused", { tries: 1, state: "refused" }, 0, "refused"],
  ["undone already", { tries: 1, undone: true }, 0, "kept"],
  ["a cancellation that was sent", { tries: 1, event: { kind: "cancellation", event_id: "e1" } }, 0, "kept"],
];
for (const [what, about, changed, state] of UNDONE) {
  test(`taking back an entry that is ${what}`, () => {
    const after = takeBack([entry(about)], "e1", 0);
    assert.equal(after.length, changed);
    assert.equal((after[0] ?? entry(about)).state, state);
  });
}

test("an event that was taken back but is on the board is cancelled once", () => {
  const undone = entry({ state: "cancelled", undone: true });
  const board = [{ event_id: "e1", seq: 4, kind: "goal" }];
  const [mending] = mended([undone], board, 0);
  assert.equal(mending?.event.cancels, "e1");
  assert.deepEqual(mended([undone, /** @type {Entry} */ (mending)], board, 0), []);
  assert.deepEqual(mended([undone], [{ ...board[0], event_id: "e1", seq: 4, kind: "goal", cancelled_by: 5 }], 0), []);
  assert.deepEqual(mended([entry({ state: "sent" })], board, 0), []);
  const again = mended([undone, { .../** @type {Entry} */ (mending), state: "refused" }], board, 0);
  assert.notEqual(again[0]?.id, mending?.id);
});

test("a corrected event is posted only when the wrong one is cancelled", () => {
  const cancellation = entry({ id: "c", order: 1, event: { kind: "cancellation", event_id: "c" }, state: "sent" });
  const again = entry({ id: "n", order: 2, needs: "c" });
  assert.deepEqual(nextStep([cancellation, again]), { await: cancellation });
  assert.deepEqual(nextStep([{ ...cancellation, state: "applied" }, again]), { post: again });
  const taken = nextStep([
    { ...cancellation, state: "refused", reason: "the event has already been cancelled" },
    again,
  ]);
  assert.ok(taken && "settle" in taken && taken.settle.state === "refused");
  const nothing = {
    ...cancellation,
    state: /** @type {const} */ ("refused"),
    reason: "there is no such event to cancel",
  };
  assert.ok(foundNothing(nothing));
  assert.deepEqual(nextStep([nothing, again]), { post: again });
});

test("an event on the board counts as applied, whatever the API answered", () => {
  const board = [{ event_id: "e1", seq: 7, kind: "goal" }];
  assert.deepEqual(seenOnBoard([entry({ state: "kept", tries: 1 })], board, "k1"), [
    entry({ state: "applied", tries: 1, seq: 7, epoch: "k1" }),
  ]);
  assert.deepEqual(seenOnBoard([entry({ state: "applied", seq: 7, epoch: "k1" })], board, "k1"), []);
});

test("entries keep their order when the clock is set back", () => {
  const first = newEntry([], { id: "z", match: "m", event: { kind: "goal" }, pressed: 9000 });
  const second = newEntry([first], { id: "a", match: "m", event: { kind: "goal" }, pressed: 10 });
  const step = nextStep([second, first]);
  assert.ok(step && "post" in step && step.post.id === "z");
});

test("settled entries are forgotten after a day, others are kept", () => {
  const day = 24 * 3600 * 1000 + 1;
  const states = /** @type {const} */ (["kept", "sending", "sent", "applied", "refused", "cancelled"]);
  assert.deepEqual(
    outlived(
      states.map((state) => entry({ id: state, state })),
      day,
    ),
    ["applied", "refused", "cancelled"],
  );
  assert.deepEqual(outlived([entry({ state: "applied" })], day - 2), []);
});

test("ids have only characters that the API accepts", () => {
  const plain = /** @type {Crypto} */ (
    /** @type {unknown} */ ({ getRandomValues: crypto.getRandomValues.bind(crypto) })
  );
  for (const id of [newId(crypto), newId(plain)]) {
    assert.match(id, /^[A-Za-z0-9_.:-]{1,64}$/);
    const sent = asSending(entry({ id, event: { kind: "goal", event_id: id } }));
    assert.match(takeBack([sent], id, 0)[1]?.id ?? "", /^[A-Za-z0-9_.:-]{1,64}$/);
  }
  assert.notEqual(newId(crypto), newId(crypto));
});

test("waits have full jitter and an upper bound", () => {
  assert.equal(
    waitAfter(1, () => 0),
    0,
  );
  assert.equal(
    waitAfter(1, () => 1),
    500,
  );
  assert.equal(
    waitAfter(3, () => 1),
    2000,
  );
  assert.equal(
    waitAfter(50, () => 1),
    10_000,
  );
});

test("a refusal is shown with the API's sentence, or with one of ours if there is none", () => {
  const body = { error: { code: "unknown_team", message: '"team" must be home, away, Argentina or France.' } };
  assert.deepEqual(verdictOf({ match: "m", id: "e" }, 422, body), {
    kind: "refused",
    reason: '"team" must be home, away, Argentina or France.',
  });
  for (const status of [400, 403, 404, 409, 413, 418, 422]) {
    const verdict = verdictOf({ match: "m", id: "e" }, status, null);
    assert.ok(verdict.kind === "refused" && verdict.reason.endsWith("."));
  }
});

for (const [what, body, kind] of /** @type {[string, unknown, string][]} */ ([
  ["the API's", { match: "m", event_id: "e", status: "pending" }, "sent"],
  ["the API's of an event that counts already", { match: "m", event_id: "e", status: "applied", seq: 3 }, "sent"],
  ["the API's of an event that was refused", { match: "m", event_id: "e", status: "refused", reason: "no" }, "sent"],
  ["an echo of the post", { kind: "goal", event_id: "e" }, "again"],
  ["of another match", { match: "n", event_id: "e", status: "pending" }, "again"],
  ["of another event", { match: "m", event_id: "f", status: "pending" }, "again"],
  ["with a status of no outcome", { match: "m", event_id: "e", status: "ok" }, "again"],
  ["applied, without a seq", { match: "m", event_id: "e", status: "applied" }, "again"],
  ["a word", "accepted", "again"],
  ["nothing", null, "again"],
])) {
  test(`a 202 that is ${what} counts as ${kind === "sent" ? "accepted" : "no answer of the API"}`, () =>
    assert.equal(verdictOf({ match: "m", id: "e" }, 202, body).kind, kind));
}

test("an outdated entry in a full storage is not used", () => {
  const storage = new FakeStorage();
  const store = new OutboxStore(/** @type {any} */ (storage));
  const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0 });
  store.put(entry);
  const set = storage.setItem.bind(storage);
  storage.setItem = (key, value) => {
    if (value.length > JSON.stringify(entry).length) throw new DOMException("full", "QuotaExceededError");
    set(key, value);
  };
  store.put({ ...entry, state: "cancelled", undone: true, reason: "longer than there is room for" });
  assert.equal(store.durable, false);
  const reloaded = new OutboxStore(/** @type {any} */ (storage));
  assert.deepEqual(reloaded.entries("m"), []);
});
