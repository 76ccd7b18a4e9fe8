/** Presses that wait for a person before they are posted: by whom and when they were pressed, and their fate. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { asAnswered, asDecided, asFound, mended, newEntry, nextStep, takeBack } from "../../web/desk/outbox.js";
import { asAnother, confirmed, dropped, questions, STALE_MS, waiting } from "../../web/desk/waiting.js";
import { FakeApi, FakeLocks, FakeStorage, FakeWindow } from "./desk-fakes.mjs";
import { until } from "./until.mjs";

/** @typedef {import("../../web/desk/outbox.js").Entry} Entry */

const NOW = 1_766_080_000_000;
const HOUR = 3_600_000;

/** @param {Partial<Entry> & {kind?: string}} about @returns {Entry} */
const entry = ({ kind = "goal", ...about }) => ({
  ...newEntry([], { id: about.id ?? "e1", match: "m", event: { kind }, pressed: NOW - 1000, by: "ann" }),
  ...about,
});

/** @param {...Entry} entries */
const waits = (...entries) => Object.fromEntries(waiting(entries, { subject: "ann", now: NOW }));

/** [what, entry, why it waits] @type {[string, Partial<Entry>, string | undefined][]} */
const CASES = [
  ["one's own, just now", {}, undefined],
  ["one's own, four minutes ago", { pressed: NOW - 4 * 60_000 }, undefined],
  ["one's own, twelve hours ago", { pressed: NOW - 12 * HOUR }, "old"],
  [
    "one's own, thirty days ago, sent without an answer",
    { pressed: NOW - 720 * HOUR, tries: 3, state: "sending" },
    "old",
  ],
  ["one's own, by a clock that was an hour fast", { pressed: NOW + HOUR }, "old"],
  ["somebody else's", { by: "bob" }, "another"],
  ["nobody's: pressed before a sign-in", { by: null }, "another"],
  ["nobody's: kept by an older desk", { by: undefined }, "another"],
  ["an old one that was confirmed just now", { pressed: NOW - 12 * HOUR, confirmed: NOW - 1000 }, undefined],
  ["an old one that was confirmed long ago", { pressed: NOW - 12 * HOUR, confirmed: NOW - 2 * STALE_MS }, "old"],
  ["an old one that was decided", { pressed: NOW - 12 * HOUR, state: "sent" }, undefined],
  ["an old one that was taken back", { pressed: NOW - 12 * HOUR, undone: true }, undefined],
];
for (const [what, about, why] of CASES) {
  test(`whether a press waits for the operator: ${what}`, () => assert.equal(waits(entry(about)).e1, why));
}

test("while nobody is signed in, only a press's age counts", () => {
  assert.equal(waiting([entry({ by: "bob" })], { subject: null, now: NOW }).size, 0);
  assert.equal(waiting([entry({ pressed: NOW - HOUR })], { subject: null, now: NOW }).size, 1);
});

test("a press soon after an old press waits with it; a later press is posted at once", () => {
  const old = entry({ id: "a", order: 1, pressed: NOW - 6 * 60_000 });
  const soon = entry({ id: "b", order: 2, pressed: NOW - 2 * 60_000 });
  const later = entry({ id: "c", order: 3, pressed: NOW - 30_000 });
  assert.deepEqual(waits(old, soon, later), { a: "old", b: "behind" });
  assert.deepEqual(waits({ ...old, confirmed: NOW }, soon, later), {});
  const step = nextStep([old, soon, later], waiting([old, soon, later], { subject: "ann", now: NOW }));
  assert.ok(step && "post" in step && step.post.id === "c");
});

test("an entry that needs a waiting press waits too, and is confirmed with it", () => {
  const first = entry({ id: "c", order: 1, kind: "cancellation", pressed: NOW - HOUR });
  const second = entry({ id: "n", order: 2, needs: "c", confirmed: NOW });
  assert.deepEqual(waits(first, second), { c: "old", n: "behind" });
  const both = confirmed([first, second], ["n"], "bob", NOW);
  assert.deepEqual(
    both.map(({ id, by, confirmed: at }) => [id, by, at]),
    [
      ["c", "bob", NOW],
      ["n", "bob", NOW],
    ],
  );
});

/** [what, entry, its state afterwards, whether a cancellation follows] @type {[string, any, string, boolean][]} */
const DROPS = [
  ["never sent", {}, "cancelled", false],
  ["sent without an answer", { tries: 1 }, "kept", true],
  ["a cancellation that was sent", { tries: 1, kind: "cancellation" }, "cancelled", false],
  ["an amendment that was sent", { tries: 1, kind: "amendment" }, "cancelled", false],
];
for (const [what, about, state, cancels] of DROPS) {
  test(`dropped: ${what}`, () => {
    const [after, more] = dropped([entry(about)], "e1", "ann", NOW);
    assert.equal(after?.state, state);
    assert.deepEqual([more?.event.cancels, more?.by], cancels ? ["e1", "ann"] : [undefined, undefined]);
    assert.equal(waits(/** @type {Entry} */ (after)).e1, undefined);
  });
}

test("if a cancellation is dropped, its event stays, and the desk does not cancel it by itself", () => {
  const goal = entry({ id: "g", state: "applied", tries: 1, seq: 4 });
  const [undone, cancellation] = takeBack([goal], "g", NOW - HOUR, "x", "ann");
  const after = dropped([/** @type {Entry} */ (undone), /** @type {Entry} */ (cancellation)], "g.undo", "ann", NOW);
  assert.deepEqual(
    after.map(({ id, state, undone }) => [id, state, undone ?? false]),
    [
      ["g.undo", "cancelled", false],
      ["g", "applied", false],
    ],
  );
  assert.deepEqual(mended(after, [{ event_id: "g", seq: 4, kind: "goal" }], NOW), []);
});

test("a cancellation that the desk makes by itself belongs to the person who pressed the event", () => {
  const undone = entry({ state: "cancelled", undone: true, by: "bob" });
  assert.equal(mended([undone], [{ event_id: "e1", seq: 4, kind: "goal" }], NOW)[0]?.by, "bob");
});

test("a question names the press, the match, its age and who pressed it", () => {
  const board = /** @type {any} */ ({ home: "Argentina", away: "France", events: [] });
  const about = { id: "e1", event: { kind: "goal", team: "home", player: "Messi", minute: 23, event_id: "e1" } };
  const of = (/** @type {any} */ more, /** @type {string} */ subject) => {
    const entries = [entry({ ...about, pressed: NOW - 12 * HOUR, ...more })];
    return questions(entries, waiting(entries, { subject, now: NOW }), { board, subject, now: NOW })[0]?.text;
  };
  const isolated =
    "\u2068Argentina\u2069 – \u2068France\u2069: Goal, \u2068Argentina\u2069, \u2068Messi\u2069, 23′. Pressed";
  assert.equal(of({}, "ann"), `${isolated} 12 hours ago by you.`);
  assert.equal(of({}, "bob"), `${isolated} 12 hours ago by \u2068ann\u2069.`);
  assert.equal(of({ by: null }, "bob"), `${isolated} 12 hours ago while nobody was signed in.`);
  assert.match(of({ tries: 2 }, "ann") ?? "", /it may count already/);
  assert.match(of({ pressed: NOW + HOUR }, "ann") ?? "", /clock of this device had wrong/);
  // Another window of this browser may be posting the press now.
  assert.equal(of({ pressed: NOW - 1000 }, "bob"), undefined);
});

test("a press shows the name from its operator's token, until another operator posts it", () => {
  const pressed = newEntry([], {
    id: "n",
    match: "m",
    event: { kind: "goal" },
    pressed: NOW - HOUR,
    by: "u-1",
    name: "Ann",
  });
  const [question] = questions([pressed], waiting([pressed], { subject: "u-2", now: NOW }), {
    board: null,
    subject: "u-2",
    now: NOW,
  });
  assert.match(question?.text ?? "", /by \u2068Ann\u2069/);
  const [posted] = confirmed([pressed], ["n"], "u-2", NOW);
  assert.deepEqual([posted?.by, posted?.name], ["u-2", undefined]);
});

test("if another desk posted the goal first, the desk asks: post it as another goal, or drop it", () => {
  const outcome = { status: "refused", reason: "another operator posted a goal meanwhile: seq 7, home", unseen: 7 };
  const event = { kind: "goal", team: "home", minute: 24, seen: 6, event_id: "e1" };
  const refused = asDecided(entry({ state: "sent", event }), outcome);
  assert.deepEqual(asAnswered(entry({ event }), { kind: "sent", outcome }), refused);
  const other = { seq: 7, kind: "goal", team: "home", player: "Messi", minute: 23, at: NOW - 5000 };
  const board = /** @type {any} */ ({ home: "Argentina", away: "France", events: [other] });
  const [asked] = questions([refused], new Map(), { board, subject: "ann", now: NOW });
  assert.ok(asked?.again);
  assert.match(asked.text, /\u2068Messi\u2069, 23′, was posted by another desk a moment ago\. Yours: Goal/);
  const [unknown] = questions([refused], new Map(), { board: null, subject: "ann", now: NOW });
  assert.match(unknown?.text ?? "", /another operator posted a goal meanwhile/);
  const [answered, again] = asAnother([refused], "e1", { id: "e2", by: "ann", now: NOW });
  assert.deepEqual([answered?.state, answered?.unseen], ["refused", undefined]);
  assert.deepEqual([again?.event, again?.state], [{ ...event, event_id: "e2", seen: 7 }, "kept"]);
  const [gone, nothing] = dropped([refused], "e1", "ann", NOW);
  assert.deepEqual([gone?.state, gone?.unseen, nothing], ["refused", undefined, undefined]);
});

test("after another operator signs in, presses are posted only by hand, once, and as that operator's", async () => {
  const [api, storage] = [new FakeApi(), new FakeStorage()];
  const ann = new FakeWindow({ api, storage, token: () => null });
  ann.at = { subject: "ann", now: NOW };
  ann.press("a");
  await until(() => ann.postman.holdup("m").why === "token");
  const bob = new FakeWindow({ api, storage, token: () => "bob's" });
  bob.at = { subject: "bob", now: NOW + 60_000 };
  bob.postman.retry();
  bob.press("b");
  await until(() => bob.state("b") === "sent");
  assert.equal(api.said, "b");
  bob.store.put(...confirmed(bob.store.entries("m"), ["m-a"], "bob", bob.at.now));
  bob.postman.call("m");
  await until(() => bob.state("a") === "sent");
  assert.equal(api.said, "ba");
  assert.equal(api.requests.at(-1).authorization, "Bearer bob's");
  assert.equal(bob.store.read({ match: "m", id: "m-a" })?.by, "bob");
  ann.postman.retry();
});

test("a press that waited longer than five minutes for a network is not posted by itself", async () => {
  const desk = new FakeWindow({ api: new FakeApi() });
  desk.at = { subject: "ann", now: NOW };
  desk.online = false;
  desk.press("a");
  desk.at.now = NOW + STALE_MS + 1000;
  desk.online = true;
  desk.postman.retry();
  desk.press("b");
  await until(() => desk.state("b") === "sent");
  assert.deepEqual([desk.api.said, desk.state("a")], ["b", "kept"]);
});

test("two windows of two people share a storage: each posts its own person's presses", async () => {
  const [api, storage, locks] = [new FakeApi(), new FakeStorage(), new FakeLocks()];
  const windows = ["ann", "bob"].map((subject) => {
    const desk = new FakeWindow({ api, storage, locks, token: () => subject });
    desk.at = { subject, now: NOW };
    return desk;
  });
  for (const [place, desk] of windows.entries()) desk.press(String(place));
  for (const desk of windows) desk.postman.retry();
  await until(() => api.taken.length === 2);
  assert.deepEqual(api.requests.map(({ event, authorization }) => [event.what, authorization]).sort(), [
    ["0", "Bearer ann"],
    ["1", "Bearer bob"],
  ]);
});

test("a token that is renewed while a press waits for it decides to whom the press belongs", async () => {
  const desk = new FakeWindow({
    api: new FakeApi(),
    token: () => {
      desk.at.subject = "bob";
      return "bob's";
    },
  });
  desk.at = { subject: "ann", now: NOW };
  desk.press("a");
  await until(() => desk.at.subject === "bob" && desk.postman.holdup("m").why === "nothing");
  assert.equal(desk.api.requests.length, 0);
});

test("an entry without an answer takes the outcome that the API states", () => {
  const sent = entry({ tries: 1, pressed: NOW - HOUR });
  assert.equal(asFound(sent, { status: "pending" }).state, "sent");
  assert.equal(asFound(sent, { status: "applied", seq: 4 }).seq, 4);
  assert.equal(asFound({ ...sent, state: "cancelled" }, { status: "applied", seq: 4 }).state, "cancelled");
});

test("the desk asks nothing about a press that was undone", () => {
  const entry = newEntry([], { id: "e", match: "m", event: { kind: "goal" }, pressed: 0, by: "ann" });
  const refused = { ...asDecided(entry, { status: "refused", reason: "r", unseen: 7 }), undone: true };
  assert.deepEqual(questions([refused], new Map(), { board: null, subject: "ann", now: 0 }), []);
});

test("a goal that is posted as another goal has the corrections that were refused with the first", () => {
  const goal = { kind: "goal", team: "home", player: "Wrong", minute: 45, stoppage: 2 };
  const entry = newEntry([], { id: "e", match: "m", event: goal, pressed: 0, by: "ann" });
  const refused = asDecided(entry, { status: "refused", reason: "r", unseen: 7 });
  const event = { kind: "amendment", amends: "e", player: "Right", minute: 44, seen: 3 };
  const amendment = newEntry([entry], { id: "a", match: "m", event, pressed: 1, by: "ann" });
  const entries = [refused, asDecided(amendment, { status: "refused", reason: "no such event" })];
  const posted = asAnother(entries, "e", { id: "new", by: "ann", now: 2 }).at(-1);
  const right = { kind: "goal", team: "home", player: "Right", minute: 44, seen: 7, event_id: "new" };
  assert.deepEqual(posted?.event, right);
});
