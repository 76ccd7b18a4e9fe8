/** The HTTP requests of a viewer of a whole match, in virtual time: the figures of docs/deploy.md, "What it costs". */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pauseOfMatch } from "../../web/boards.js";
import { Livescore } from "../../web/livescore.js";
import { pauseOfList } from "../../web/viewer/groups.js";
import { frame } from "./table.mjs";
import { VirtualTime } from "./virtual-time.mjs";

const HOURS = 2;
const EVENTS = 25;
const VIEWERS = 12;

const GUIDE = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");

/** The figure that a line of the table states for each viewer. @param {string} line */
function stated(line) {
  const found = GUIDE.match(new RegExp(`^\\| ${line}[^|]*?\\b(\\d+) a viewer`, "m"));
  assert.ok(found, `docs/deploy.md states no figure for: ${line}`);
  return Number(found[1]);
}

/** Numbers in [0, 1) that are the same at each run. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/**
 * A viewer's page of one match from kick-off to the end: what it asked over HTTP and over the socket.
 *
 * @param {number} seed
 * @param {{dead?: number}} [options] `dead`: from so many seconds on, nothing comes through the first connection
 */
async function watched(seed, { dead = Number.POSITIVE_INFINITY } = {}) {
  const time = new VirtualTime();
  const random = numbers(seed);
  const happens = Array.from({ length: EVENTS }, () => random() * HOURS * 3600).sort((one, other) => one - other);
  const seq = () => happens.filter((at) => at * 1000 <= time.now).length;
  const asked = { http: 1, socket: 0, connections: 0 };
  let shownAt = 0;
  let readAt = 0;
  /** @type {any} */
  let socket = null;

  const answer = () => frame({ snapshot: seq(), has: [], recovered: true });

  class Socket {
    /** @type {(() => void) | null} */
    onopen = null;
    /** @type {((message: {data: string}) => void) | null} */
    onmessage = null;
    onclose = null;
    onerror = null;

    constructor() {
      this.number = ++asked.connections;
      socket = this;
      time.after(50, () => this.onopen?.());
    }

    /** @param {unknown} what */
    tell(what) {
      if (this.number === 1 && time.now >= dead * 1000) return;
      this.onmessage?.({ data: JSON.stringify(what) });
    }

    /** @param {string} text */
    send(text) {
      if (JSON.parse(text).action === "sync") asked.socket += 1;
      time.after(50, () => this.tell(answer()));
    }

    close() {}
  }

  return await time.within(async () => {
    const live = new Livescore({
      websockets: "wss://example.org/live",
      WebSocket: /** @type {any} */ (Socket),
      page: null,
      random,
      fetch: async () => {
        asked.http += 1;
        readAt = time.now;
        return new Response(JSON.stringify(answer()));
      },
    });
    const follow = live.follow("m");
    follow.on("change", (board) => {
      if (board.seq === EVENTS) shownAt ||= time.now / 1000;
    });
    for (const [at, moment] of happens.entries()) {
      time.after(moment * 1000, () => socket?.tell(frame({ update: at + 1, prev: at, has: `${at + 1}` })));
    }
    // The page beside it, as viewer/match.js does.
    const tick = () => {
      const open = live.connection.state === "open";
      if (time.now - readAt > pauseOfMatch({ open, failed: false })) {
        asked.http += 1;
        readAt = time.now;
      }
      time.after(10_000, tick);
    };
    tick();
    await time.pass(HOURS * 3_600_000);
    live.close();
    return { ...asked, late: shownAt - /** @type {number} */ (happens.at(-1)), last: happens.at(-1) ?? 0 };
  });
}

test("a viewer of a match asks the CDN as often as the table of costs says", async () => {
  const all = [];
  for (let seed = 1; seed <= VIEWERS; seed++) all.push(await watched(seed));
  const mean = all.reduce((sum, each) => sum + each.http, 0) / VIEWERS;
  assert.ok(mean <= stated("snapshots read by match pages"), `${mean} requests`);
  assert.ok(mean > stated("snapshots read by match pages") * 0.8, `the table says more than the ${mean} there are`);
  const most = Math.max(...all.map((each) => each.http));
  assert.ok(most <= 2 * mean, `${most} requests`);
});

test("a viewer of a match asks the socket for signs of life as often as the table of costs says", async () => {
  const all = [];
  for (let seed = 1; seed <= VIEWERS; seed++) all.push(await watched(seed));
  const mean = all.reduce((sum, each) => sum + each.socket, 0) / VIEWERS;
  assert.ok(mean <= stated("signs of life asked"), `${mean} questions`);
});

test("a scoreboard reads its lists as often as the table of costs says", () => {
  const now = Date.parse("2026-11-26T15:00:00Z");
  const live = [/** @type {any} */ ({ match: "m", status: "second_half", kickoff: "2026-11-26T14:00:00Z" })];
  const reads = Math.ceil((HOURS * 3_600_000) / pauseOfList(true, live, now));
  assert.ok(reads <= stated("lists read by scoreboards"));
  assert.ok(pauseOfList(true, [], now) > pauseOfList(true, live, now));
  assert.ok(pauseOfList(false, live, now) <= 30_000, "only HTTP tells of goals then");
});

test("a goal on a connection that died is shown within the time that the documents state", async () => {
  const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const found = text.match(/at most (\d+) s late/);
  assert.ok(found, "docs/protocol.md states no bound");
  let died = 0;
  for (let seed = 1; seed <= VIEWERS; seed++) {
    // It dies just before the last event, so no later frame can show what was missed.
    const { last } = await watched(seed);
    const { late, connections } = await watched(seed, { dead: last - 1 });
    if (late < 0) continue;
    died += 1;
    assert.ok(late <= Number(found[1]), `${late} s`);
    assert.ok(connections > 1, "the dead connection is left");
  }
  assert.ok(died > VIEWERS / 2);
});
