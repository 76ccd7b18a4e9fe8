/** Behaviour of the library beyond the scenes: how it is used, what it keeps to itself, and what a browser adds. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { WebSocket } from "ws";
import * as library from "../../web/livescore.js";
import { Page } from "./page.mjs";
import { serving, viewing } from "./server.mjs";
import { event, frame } from "./table.mjs";
import { until } from "./until.mjs";

const { Livescore, BACKLOG } = library;
const HOUR = 3_600_000;
const SECRET = "eyJhbGciOiJub25lIn0.secret.token";

/** @param {AsyncIterable<{seq: number}>} events @param {number} count */
async function first(events, count) {
  const seqs = [];
  for await (const { seq } of events) if (seqs.push(seq) === count) break;
  return seqs;
}

test("the module exports what livescore.d.ts declares, and nothing else", () => {
  const text = readFileSync(new URL("../../web/livescore.d.ts", import.meta.url), "utf8");
  const exported = [...text.matchAll(/^export (?:class|const) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys(library).sort(), exported.sort());
  const live = new Livescore({ websockets: "ws://127.0.0.1:1", WebSocket, page: null });
  for (const [name, object] of Object.entries({ Livescore: live, Follower: new library.Follower("m") })) {
    const body = text.split(`\nexport class ${name} {`)[1]?.split("\n}")[0] ?? "";
    const declared = new Set([...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map(([, member]) => member));
    const own = [...Object.keys(object), ...Object.getOwnPropertyNames(Object.getPrototypeOf(object))];
    assert.deepEqual([...new Set(own)].sort(), [...declared].sort());
  }
  const body = text.split("\nexport const repair: {")[1]?.split("\n}")[0] ?? "";
  const members = body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm);
  assert.deepEqual(Object.keys(library.repair).sort(), [...members].map(([, member]) => member).sort());
});

test("events are iterated in order until the match is closed", async (t) => {
  const server = await serving(t);
  server.answers.set("m", { snapshot: 2, has: "1-2" });
  const follow = viewing(t, server).follow("m");
  const seen = [];
  until(() => follow.board).then(() => server.post({ update: 3, prev: 2, has: "3" }));
  for await (const { seq } of follow) {
    seen.push(seq);
    if (seq === 3) follow.close();
  }
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(await first(follow, 1), [], "a closed one has no more");
});

test("a slow reader gets the waiting events, then an error instead of a gap", async (t) => {
  const server = await serving(t);
  server.answers.set("m", { snapshot: 0, has: [] });
  const follow = viewing(t, server).follow("m");
  await until(() => follow.board);
  const [slow, other] = [follow[Symbol.asyncIterator](), follow[Symbol.asyncIterator]()];
  const quick = first(other, BACKLOG + 100);
  for (let seq = 0; seq < BACKLOG + 100; seq += 100) {
    server.post({ update: seq + 100, prev: seq, has: `${seq + 1}-${seq + 100}` });
    await until(() => follow.board?.seq === seq + 100);
  }
  for (let seq = 1; seq <= BACKLOG; seq++) assert.equal((await slow.next()).value.seq, seq);
  await assert.rejects(slow.next(), /more than 1000 events behind/);
  assert.equal((await slow.next()).done, true);
  assert.equal((await quick).length, BACKLOG + 100, "another one that reads is not harmed");
});

test("the function that adding a listener returns removes that listener only", async (t) => {
  const server = await serving(t);
  const follow = viewing(t, server).follow("m");
  /** @type {number[]} */
  const seen = [];
  const listener = (/** @type {{seq: number}} */ { seq }) => seen.push(seq);
  const off = follow.on("event", listener);
  follow.on("event", listener);
  await until(() => seen.length === 2);
  off();
  server.post({ update: 2, prev: 1, has: "2" });
  await until(() => follow.board?.seq === 2);
  assert.deepEqual(seen, [1, 1, 2]);
});

test("a listener's error is reported to the page, and stops nothing", async (t) => {
  const server = await serving(t);
  const script = `
    import { WebSocket } from "ws";
    import { Livescore } from ${JSON.stringify(new URL("../../web/livescore.js", import.meta.url).href)};
    process.on("uncaughtException", (error) => console.log("uncaught", error.message));
    const live = new Livescore({ websockets: "${server.websockets}", WebSocket });
    const follow = live.follow("m");
    follow.on("event", () => { throw new Error("mine"); });
    follow.on("event", ({ seq }) => { console.log("shown", seq); live.close(); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL(".", import.meta.url),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (data) => {
    said += data;
  });
  await once(child, "close");
  assert.deepEqual(said.trim().split("\n").sort(), ["shown 1", "uncaught mine"]);
});

test("each change makes a new board, which shows whether there is a gap", async (t) => {
  const server = await serving(t);
  const follow = viewing(t, server, { timings: { spreadSeconds: 0.01 } }).follow("m");
  assert.equal(follow.board, null);
  /** @type {any[]} */
  const boards = [];
  /** @type {boolean[]} */
  const gaps = [];
  follow.on("change", (board) => boards.push(board));
  follow.on("gap", (open) => gaps.push(open));
  await until(() => follow.board);
  server.snapshot = { snapshot: 3, has: "2-3", viewers: 1234, competition: "Cup", kickoff: "2022-12-18T15:00:00Z" };
  server.post({ update: 3, prev: 2, has: "3" });
  await until(() => follow.board?.seq === 3);
  assert.deepEqual(gaps, [true, false]);
  assert.equal(new Set(boards).size, boards.length);
  assert.deepEqual(
    boards.map(({ seq, gap }) => [seq, gap]),
    [
      [1, false],
      [1, true],
      [3, false],
    ],
  );
  const { viewers, competition, kickoff, events } = boards[2];
  assert.deepEqual([viewers, competition, kickoff], [1234, "Cup", "2022-12-18T15:00:00Z"]);
  assert.deepEqual(
    events.map((/** @type {{seq: number}} */ { seq }) => seq),
    [1, 2, 3],
  );
  const before = boards.length;
  server.post({ update: 3, prev: 2, has: "3" });
  server.post({ update: 4, prev: 3, has: "4" });
  await until(() => follow.board?.seq === 4);
  assert.equal(boards.length, before + 1, "a duplicate is no change");
});

test("the board's clock follows the frames: a frame without a clock keeps it, an invalid clock stops it", async (t) => {
  const server = await serving(t);
  server.answers.set("m", { snapshot: 1, has: "1", clock: { minute: 12, stoppage: null, at: 5 } });
  const follow = viewing(t, server).follow("m");
  await until(() => follow.board);
  assert.deepEqual(follow.board?.clock, { minute: 12, stoppage: null, at: 5 });
  server.post({ update: 2, prev: 1, has: "2", clock: { minute: 45, stoppage: 3, at: 6 } });
  await until(() => follow.board?.seq === 2);
  assert.deepEqual(follow.board?.clock, { minute: 45, stoppage: 3, at: 6 });
  server.post({ update: 3, prev: 2, has: "3", clock: { minute: "45", stoppage: null, at: 7 } });
  await until(() => follow.board?.seq === 3);
  assert.equal(follow.board?.clock, null);
  server.post({ update: 4, prev: 3, has: "4", clock: { minute: 46, stoppage: null, at: 8 } });
  server.post({ update: 5, prev: 4, has: "5" });
  await until(() => follow.board?.seq === 5);
  assert.deepEqual(follow.board?.clock, { minute: 46, stoppage: null, at: 8 });
});

test("a page that resumes shows the board at once and no event twice", async (t) => {
  const server = await serving(t);
  const one = viewing(t, server);
  await until(() => one.follow("m").board);
  const board = JSON.parse(JSON.stringify(one.follow("m").board));
  one.close();
  server.answers.set("m", { snapshot: 2, has: "2", recovered: true });
  const follow = viewing(t, server).follow("m", {}, board);
  assert.deepEqual(follow.board, board);
  assert.deepEqual(await first(follow, 1), [2]);
  assert.deepEqual(server.asked.at(-1).since, { epoch: "k3", seq: 1 });
  assert.equal(follow.board?.events.length, 2);
});

test("a position is enough to resume, and an invalid position is ignored", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  server.answers.set("m", { snapshot: 2, has: "2", recovered: true });
  assert.deepEqual(await first(live.follow("m", {}, { epoch: "k3", seq: 1 }), 1), [2]);
  const board = { .../** @type {any} */ (frame({ snapshot: 9, has: "1-9" })), match: "other", only: null };
  for (const [at, junk] of [board, { epoch: 3, seq: 1 }, "k3", [], { epoch: "k3", seq: -1 }].entries()) {
    live.follow(`j${at}`, {}, /** @type {any} */ (junk));
    await until(() => server.asked.at(-1).match === `j${at}`);
    assert.equal(server.asked.at(-1).since, undefined);
  }
});

test("a page that resumes from a position has no board before the first snapshot, even after an update", async (t) => {
  const server = await serving(t);
  server.holds = true;
  // The answer is older than the update, but arrives after it.
  server.answers.set("m", { snapshot: 1, has: [], recovered: true, kickoff: "2022-12-18T15:00:00Z" });
  const follow = viewing(t, server).follow("m", {}, { epoch: "k3", seq: 1 });
  /** @type {any[]} */
  const boards = [];
  follow.on("change", (board) => boards.push(board));
  await until(() => server.asked.length);
  const events = first(follow, 1);
  server.post({ update: 2, prev: 1, has: "2" });
  assert.deepEqual([await events, follow.board, boards], [[2], null, []]);
  server.release();
  await until(() => follow.board);
  const { seq, home, score, status, kickoff } = boards[0];
  assert.deepEqual([seq, home, score, status, kickoff], [2, "A", [2, 0], "first_half", "2022-12-18T15:00:00Z"]);
});

test("an answer older than the position makes no board, because the score at the position is unknown", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  const follow = live.follow("m", {}, { epoch: "k3", seq: 3 });
  const other = live.follow("n");
  await until(() => other.board);
  assert.deepEqual([follow.board, other.board?.seq], [null, 1]);
  server.post({ update: 4, prev: 3, has: "4" });
  await until(() => follow.board);
  assert.deepEqual([follow.board?.seq, follow.board?.score, follow.board?.home], [4, [4, 0], "A"]);
});

test("events before the first snapshot do not appear on the board of another epoch", async (t) => {
  const server = await serving(t);
  server.holds = true;
  const follow = viewing(t, server).follow("m", {}, { epoch: "k3", seq: 1 });
  await until(() => server.asked.length);
  const events = first(follow, 1);
  server.post({ update: 2, prev: 1, has: "2" });
  await events;
  server.post({ snapshot: 1, has: "1", epoch: "k4" });
  await until(() => follow.board?.epoch === "k4");
  assert.deepEqual(
    follow.board?.events.map(({ seq }) => seq),
    [1],
  );
});

test("a match is followed once; following it with other options ends the first follow", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  const score = live.follow("m", { only: "score" });
  assert.equal(live.follow("m", { only: "score" }), score);
  await until(() => score.board);
  const all = live.follow("m");
  assert.notEqual(all, score);
  assert.deepEqual([score.closed, all.board, all.only], [true, null, null]);
  await until(() => all.board);
  assert.deepEqual(server.asked.at(-1), { action: "subscribe", match: "m" });
});

test("the beginning of a match may be read later, with the marks of newer events", async (t) => {
  const server = await serving(t);
  server.answers.set("m", {
    snapshot: 5,
    has: [event(4), { seq: 5, kind: "cancellation", cancels: "e2", cancels_seq: 2 }],
  });
  const live = viewing(t, server);
  const follow = live.follow("m");
  await until(() => follow.board?.lost === 3);
  server.snapshot = { page: 5, has: "1-5" };
  /** @type {number[]} */
  const told = [];
  follow.on("event", ({ seq }) => told.push(seq));
  assert.equal(live.follow("m", { history: true }), follow);
  await until(() => follow.board?.lost === 0);
  assert.deepEqual(
    follow.board?.events.map(({ seq, cancelled_by }) => [seq, cancelled_by]),
    [1, 2, 3, 4, 5].map((seq) => [seq, seq === 2 ? 5 : undefined]),
  );
  assert.deepEqual([server.read, told], [["/matches/m/events?after=0"], []]);
});

test("a page that resumes from a board or a position reads the beginning of a long match", async (t) => {
  const server = await serving(t);
  server.answers.set("m", { snapshot: 201, has: "201", recovered: true });
  server.snapshot = { page: 200, has: "1-200" };
  const board = { .../** @type {any} */ (frame({ snapshot: 200, has: "101-200" })), only: null, lost: 100 };
  for (const resume of [board, { epoch: "k3", seq: 200 }]) {
    server.read.length = 0;
    const live = viewing(t, server);
    const follow = live.follow("m", { history: true }, resume);
    /** @type {number[]} */
    const told = [];
    follow.on("event", ({ seq }) => told.push(seq));
    await until(() => follow.board?.events.length === 201);
    assert.deepEqual([follow.board?.events[0]?.seq, follow.board?.lost], [1, 0]);
    assert.deepEqual([server.read, told], [["/matches/m/events?after=0"], [201]]);
    live.close();
  }
});

test("a match that is followed later than others is requested once", async (t) => {
  const server = await serving(t);
  const page = new Page();
  const live = viewing(t, server, { page, timings: { careSeconds: 0.6, spreadSeconds: 0 }, random: () => 0 });
  const begun = Date.now();
  const first = live.follow("m");
  await until(() => first.board && Date.now() - begun > 1000);
  server.answers.set("n", { type: "error", code: "unavailable", message: "Not now." });
  const other = live.follow("n");
  page.turn("visible");
  const refused = new Promise((resolve) => {
    other.on("error", resolve);
  });
  await refused;
  page.turn("visible");
  server.post({ update: 2, prev: 1, has: "2" });
  await until(() => first.board?.seq === 2);
  assert.equal(server.asked.filter(({ match }) => match === "n").length, 1);
});

test("a match that is followed again is subscribed only after its unsubscribe is answered", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  const [first, other] = [live.follow("m"), live.follow("n")];
  await until(() => first.board && other.board);
  server.holds = true;
  first.close();
  const again = live.follow("m");
  live.follow("o");
  await until(() => server.asked.at(-1).match === "o");
  assert.equal(server.asked.at(-2).action, "unsubscribe");
  server.release();
  await until(() => again.board);
  assert.deepEqual(server.asked.at(-1), { action: "subscribe", match: "m" });
});

test("closing in any state leaves no timer, request or connection", async (t) => {
  const server = await serving(t);
  const running = () => process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
  const timings = {
    retrySeconds: 1000,
    retryMostSeconds: 1000,
    spreadSeconds: 0,
    careSeconds: 1000,
    fetchSeconds: 1000,
  };
  const before = running();
  const [waiting, reading, opening] = Array.from({ length: 3 }, () =>
    viewing(t, server, { timings, random: () => 0.9 }),
  );
  await until(() => waiting?.follow("m").board && reading?.follow("m").board);
  server.cut();
  await until(() => waiting?.connection.state === "waiting");
  reading?.close();
  const gap = viewing(t, server, { timings, random: () => 0.9 });
  await until(() => gap.follow("m").board);
  server.holds = true;
  server.post({ update: 3, prev: 2, has: "3" });
  await until(() => server.read.length);
  opening?.follow("m");
  assert.ok(running() > before);
  for (const live of [waiting, opening, gap]) live?.close();
  await until(() => running() <= before && server.left === 1);
});

test("the connection closes when no match is followed, and opens again for the next match", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server, { timings: { lingerSeconds: 0.05 } });
  assert.equal(live.connection.state, "closed");
  const follow = live.follow("m");
  await until(() => follow.board);
  follow.close();
  await until(() => live.connection.state === "closed");
  const again = live.follow("m");
  await until(() => again.board);
  assert.equal(server.handshakes.length, 2);
});

test("invalid options are refused with a sentence", () => {
  const made = (/** @type {any} */ options) => () => new Livescore({ page: null, WebSocket, ...options });
  assert.throws(made({ websockets: [] }), /websockets names no address/);
  assert.throws(made({ websockets: `https://127.0.0.1/?token=${SECRET}` }), (error) => !String(error).includes(SECRET));
  assert.throws(made({ websockets: "/live" }), /begins with wss:/);
  const live = made({ websockets: "ws://127.0.0.1:1" })();
  assert.throws(() => live.follow(/** @type {any} */ (undefined)), /named by its id/);
  live.close();
  assert.throws(() => live.follow("m"), /has been closed/);
});

test("a message that would make the server close the connection is not sent", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  const long = live.follow("ü".repeat(2100));
  /** @type {any[]} */
  const problems = [];
  long.on("error", (problem) => problems.push(problem));
  const other = live.follow("m");
  await until(() => other.board && problems.length);
  assert.equal(problems[0].code, "too_large");
  assert.deepEqual(
    server.asked.map(({ match }) => match),
    ["m"],
  );
});

test("being offline is reported, and being online again leads to a new try soon", async (t) => {
  const server = await serving(t);
  const page = new Page();
  const timings = { retrySeconds: 1000, retryMostSeconds: 1000, spreadSeconds: 0.01 };
  const live = viewing(t, server, { page, timings, random: () => 0.5 });
  const follow = live.follow("m");
  await until(() => follow.board);
  page.online(false);
  assert.deepEqual([live.connection.state, live.connection.reason], ["offline", "This device is offline."]);
  assert.ok((live.connection.retryAt ?? 0) > Date.now() + 100_000);
  server.answers.set("m", { snapshot: 2, has: "2", recovered: true });
  page.online(true);
  await until(() => follow.board?.seq === 2);
  assert.equal(live.connection.state, "open");
  assert.deepEqual(server.asked.at(-1).since, { epoch: "k3", seq: 1 });
});

test("a page that becomes visible tries at once, and reads missed events", async (t) => {
  const server = await serving(t);
  const page = new Page();
  const timings = {
    retrySeconds: 1000,
    retryMostSeconds: 1000,
    spreadSeconds: 0.01,
    careSeconds: 0.02,
    silenceSeconds: 0.1,
  };
  const live = viewing(t, server, { page, timings, random: () => 0.5 });
  const follow = live.follow("m");
  await until(() => follow.board);
  server.snapshot = { snapshot: 1, has: [], recovered: true };
  page.turn("hidden");
  const [read, begun] = [server.read.length, Date.now()];
  await until(() => Date.now() - begun > 400);
  assert.equal(server.read.length, read, "nobody looks, so nothing is read");
  server.snapshot = { snapshot: 2, has: "2", recovered: true };
  page.turn("visible");
  await until(() => follow.board?.seq === 2);
  server.answers.set("m", { snapshot: 3, has: "3", recovered: true });
  page.turn("hidden");
  server.cut();
  await until(() => live.connection.state === "waiting");
  page.turn("visible");
  await until(() => follow.board?.seq === 3);
});

test("the server's clock is known from its answers, even if the device's clock is wrong", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  /** @param {number} ahead @param {Record<string, string>} [more] */
  const answer = (ahead, more) =>
    new Response("", { headers: { date: new Date(Date.now() + ahead).toUTCString(), ...more } });
  const off = () => Math.round((live.now() - Date.now()) / 10_000) * 10_000 + 0;
  assert.equal(off(), 0);
  live.observe(answer(HOUR), Date.now());
  assert.equal(off(), HOUR);
  live.observe(answer(-HOUR), Date.now());
  assert.equal(off(), -HOUR, "what is newer holds");
  live.observe(answer(-HOUR - 60_000, { age: "60" }), Date.now());
  assert.equal(off(), -HOUR, "a cache says how old its answer is");
  live.observe(answer(0), Date.now());
  live.observe(new Response(""), Date.now());
  const [before, now, after] = [Date.now(), live.now(), Date.now()];
  assert.ok(before <= now && now <= after, "a clock that agrees is believed to the millisecond");
});

test("without an answer over HTTP, frames give the server's time", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server);
  const follow = live.follow("m");
  await until(() => follow.board);
  server.post({ update: 2, prev: 1, has: "2", at: Date.now() - HOUR });
  await until(() => follow.board?.seq === 2);
  assert.ok(Math.abs(live.now() - (Date.now() - HOUR)) < 30_000);
  server.date = new Date().toUTCString();
  server.post({ update: 4, prev: 3, has: "4", at: Date.now() });
  await until(() => server.read.length);
  await until(() => Math.abs(live.now() - Date.now()) < 5000);
});
