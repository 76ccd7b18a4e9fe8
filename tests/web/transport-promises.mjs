/** The promises of every broadcasting transport to the users of the library. A file for each transport calls `promises`. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WebSocket } from "ws";
import { Livescore } from "../../web/livescore.js";
import { dial } from "../../web/transports/dial.js";
import { Page } from "./page.mjs";
import { Api } from "./services.mjs";
import { event, frame } from "./table.mjs";
import { until } from "./until.mjs";

const SECRET = "eyJhbGciOiJub25lIn0.secret.token";

/**
 * A service, the API with the match `m` at its first event, and a Livescore.
 *
 * @template {import("./services.mjs").Service} Kind
 * @param {import("node:test").TestContext} t
 * @param {new () => Kind} Kind the service
 * @param {Partial<import("../../web/livescore.js").Options>} [options]
 * @param {(service: Kind) => void} [prepare]
 */
export async function scene(t, Kind, options = {}, prepare = () => {}) {
  const api = await new Api().start(t);
  api.knows("m", 1);
  const service = new Kind();
  await service.start(t, api);
  prepare(service);
  const page = new Page();
  const timings = { spreadSeconds: 0.01, retrySeconds: 0.01, retryMostSeconds: 0.05, ...options.timings };
  const live = new Livescore({ cells: [service.cell], api: api.url, WebSocket, page, ...options, timings });
  t.after(() => live.close());
  /** @type {string[]} */
  const states = [];
  live.on("connection", ({ state }) => states.push(state));
  return { service, api, live, page, states };
}

/** Follow a match, and keep the seqs of its events and the codes of its errors.
 * @param {Livescore} live @param {string} [match] @param {import("../../web/livescore.js").FollowOptions} [options] */
export function watch(live, match = "m", options = {}) {
  const follow = live.follow(match, options);
  /** @type {number[]} */
  const seqs = [];
  /** @type {number[]} */
  const lively = [];
  /** @type {string[]} */
  const errors = [];
  follow.on("event", ({ seq }, about) => {
    seqs.push(seq);
    if (about.live) lively.push(seq);
  });
  follow.on("error", ({ code }) => errors.push(code));
  return { follow, seqs, lively, errors };
}

/**
 * The transport alone, without Livescore, when it is open.
 *
 * @param {import("node:test").TestContext} t
 * @param {any} service
 * @param {Api} api
 * @param {(frame: any) => void} heard
 * @param {string | null} [token]
 */
export async function dialled(t, service, api, heard, token = null) {
  const socket = await dial(service.cell, {
    token,
    renew: () => null,
    WebSocket,
    fetch,
    read: async (path, headers = {}) => (await fetch(api.url + path, { headers })).json(),
    now: Date.now,
    random: Math.random,
    memory: {},
    timings: {},
  });
  t.after(() => socket.close());
  socket.onmessage = ({ data }) => heard(JSON.parse(data));
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  return socket;
}

/** The whole numbers from one to another. @param {number} first @param {number} last */
export const range = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** Tests a transport on its service. @param {new () => import("./services.mjs").Service} Kind */
export function promises(Kind) {
  // Most of a test is waiting.
  describe("as every transport", { concurrency: 6 }, () => tests(Kind));
}

/** @param {new () => import("./services.mjs").Service} Kind */
function tests(Kind) {
  test("the snapshot comes over HTTP, the updates over the channel of all events", async (t) => {
    const { service, api, live, states } = await scene(t, Kind);
    const { seqs, lively, follow } = watch(live);
    await until(() => follow.board);
    service.post({ update: 2, prev: 1, has: "2" });
    service.post({ update: 2, prev: 1, has: "2" });
    service.post({ update: 3, prev: 2, has: "3" });
    await until(() => seqs.length === 3);
    assert.deepEqual(
      [seqs, lively],
      [
        [1, 2, 3],
        [2, 3],
      ],
    );
    assert.deepEqual(service.joined, ["livescore/open/m/all"]);
    assert.deepEqual(api.reads.slice(0, 2), ["/matches/m", "/matches/m?after=0"]);
    assert.deepEqual(states, ["connecting", "open"]);
    assert.deepEqual(service.handshakes, [service.handshakes[0]], "one connection");
  });

  test("a follower of the score hears the channel of the score", async (t) => {
    const { service, live } = await scene(t, Kind);
    const { seqs, follow } = watch(live, "m", { only: "score" });
    await until(() => follow.board);
    service.post({ update: 2, prev: 1, has: "2" }, "all");
    service.post({ update: 4, prev: 1, has: "4" }, "score");
    await until(() => seqs.length === 2);
    assert.deepEqual(seqs, [1, 4]);
    assert.deepEqual(service.joined, ["livescore/open/m/score"]);
  });

  test("who slept through 40 events has exactly these when it wakes", async (t) => {
    const { service, api, live, page } = await scene(t, Kind);
    const { seqs, follow } = watch(live);
    await until(() => follow.board);
    page.online(false);
    await until(() => live.connection.state === "offline");
    for (const seq of range(2, 41)) {
      api.knows("m", seq);
      service.post({ update: seq, prev: seq - 1, has: String(seq) });
    }
    assert.deepEqual(seqs, [1]);
    page.online(true);
    await until(() => seqs.length >= 41);
    service.post({ update: 42, prev: 41, has: "42" });
    await until(() => seqs.length >= 42);
    assert.deepEqual(seqs, range(1, 42));
    assert.equal(follow.board?.lost, 0);
  });

  test("an event that a subscription missed because it began late is found by the second look", async (t) => {
    const { service, api, live } = await scene(t, Kind);
    const { seqs, lively, follow } = watch(live);
    await until(() => follow.board);
    // The channel never brings this event.
    api.knows("m", 2);
    await until(() => seqs.length === 2);
    assert.deepEqual(lively, [2]);
    assert.match(api.reads.at(-1) ?? "", /^\/matches\/m\?after=1&epoch=k3&request=look-\d+$/);
    service.post({ update: 3, prev: 2, has: "3" });
    await until(() => seqs.length === 3);
    assert.deepEqual(seqs, [1, 2, 3]);
  });

  test("frames that overtake each other or are lost are put right over HTTP", async (t) => {
    const { service, api, live } = await scene(t, Kind);
    const { seqs, follow } = watch(live);
    await until(() => follow.board);
    api.knows("m", 3);
    service.post({ update: 3, prev: 2, has: "3" });
    await until(() => seqs.length === 3);
    service.post({ update: 2, prev: 1, has: "2" });
    service.post({ update: 4, prev: 3, has: "4" });
    await until(() => seqs.length === 4);
    assert.deepEqual(seqs, [1, 2, 3, 4]);
  });

  test("a match that the token does not cover is refused with the same code, and the others go on", async (t) => {
    const { service, api, live } = await scene(t, Kind, {}, (service) => {
      service.refuses = (topic) => topic.startsWith("livescore/c-cup/");
    });
    api.knows("n", 1, "k3", "livescore/c-cup/n");
    const [open, closed] = [watch(live), watch(live, "n")];
    await until(() => closed.errors.length && open.follow.board);
    service.post({ update: 2, prev: 1, has: "2" });
    await until(() => open.seqs.length === 2);
    assert.deepEqual([closed.errors, closed.seqs, open.seqs], [["not_entitled"], [], [1, 2]]);
  });

  test("a refused handshake is called so when HTTP answers, and is tried again", async (t) => {
    let good = false;
    const { live, states } = await scene(t, Kind, { token: () => SECRET }, (service) => {
      service.refusesToken = () => !good;
    });
    const { follow, seqs } = watch(live);
    await until(() => states.includes("refused"));
    assert.match(live.connection.reason ?? "", /refuses the connection: most likely the token is not valid/);
    await until(() => follow.board);
    good = true;
    await until(() => states.at(-1) === "open");
    assert.deepEqual(seqs, [1]);
  });

  test("a subscription that is refused after the token's end is tried with a new token", async (t) => {
    const tokens = ["old", "new"];
    const { service, api, live } = await scene(t, Kind, { token: () => tokens[0] ?? null }, (service) => {
      service.refuses = (topic, token) => topic.startsWith("livescore/c-") && token === "old";
    });
    api.knows("n", 1, "k3", "livescore/c-cup/n");
    const first = watch(live);
    await until(() => first.follow.board);
    tokens.shift();
    const later = watch(live, "n");
    await until(() => later.follow.board);
    assert.deepEqual([later.errors, later.seqs, first.seqs], [[], [1], [1]]);
    assert.deepEqual([...new Set(service.handshakes)], ["old", "new"]);
  });

  test("a service that has fallen silent is asked for a sign of life, and left", async (t) => {
    const timings = { careSeconds: 0.05, quietSeconds: 0.3, pongSeconds: 0.4 };
    const { service, live, states } = await scene(t, Kind, { timings });
    const { follow } = watch(live);
    await until(() => follow.board && service.probes >= 1);
    assert.equal(service.handshakes.length, 1, "a service that answers is not left");
    service.deaf = true;
    await until(() => states.includes("waiting"));
    assert.equal(live.connection.reason, "The connection was dead.");
    service.deaf = false;
    await until(() => service.handshakes.length > 1);
  });

  test("a service that opens and says nothing: HTTP is read meanwhile, and the next connection tried", async (t) => {
    // Momento's first answer comes from the API.
    if (Kind.name === "Momento") return t.skip();
    const timings = { careSeconds: 0.05, firstSeconds: 0.6 };
    const { service, api, live, states } = await scene(t, Kind, { timings }, (service) => {
      service.deaf = true;
    });
    const { seqs, follow } = watch(live);
    await until(() => follow.board && states.includes("silent"));
    service.deaf = false;
    await until(() => states.at(-1) === "open");
    api.knows("m", 2);
    service.post({ update: 2, prev: 1, has: "2" });
    await until(() => seqs.length === 2);
    assert.deepEqual(seqs, [1, 2]);
    assert.ok(service.handshakes.length > 1);
  });

  test("what is unfollowed is unsubscribed at the service, and may be followed again", async (t) => {
    const { service, api, live } = await scene(t, Kind);
    api.knows("n", 1);
    const [first, other] = [watch(live), watch(live, "n")];
    await until(() => first.follow.board && other.follow.board);
    first.follow.close();
    await until(() => service.left.includes("livescore/open/m/all"));
    service.post({ update: 2, prev: 1, has: "2" });
    api.knows("m", 2);
    const again = watch(live);
    await until(() => again.follow.board);
    service.post({ update: 3, prev: 2, has: "3" });
    await until(() => again.seqs.length === 3);
    assert.deepEqual([first.seqs, again.seqs, other.seqs], [[1], [1, 2, 3], [1]]);
  });

  test("from the score to everything, on one connection", async (t) => {
    const { service, api, live } = await scene(t, Kind);
    const score = watch(live, "m", { only: "score" });
    await until(() => score.follow.board);
    api.knows("m", 3);
    const all = watch(live);
    await until(() => all.follow.board);
    service.post({ update: 4, prev: 3, has: "4" });
    await until(() => all.seqs.length === 4);
    assert.deepEqual([all.seqs, service.joined.at(-1)], [[1, 2, 3, 4], "livescore/open/m/all"]);
    assert.ok(service.left.includes("livescore/open/m/score"));
    assert.equal(service.handshakes.length, 1);
  });

  test("after a reset the new epoch is confirmed by an answer that no cache has from before", async (t) => {
    const { service, api, live } = await scene(t, Kind);
    const { seqs, follow } = watch(live);
    await until(() => follow.board);
    api.knows("m", 1, "k4");
    service.post({ update: 1, prev: 0, has: "1", epoch: "k4" });
    await until(() => follow.board?.epoch === "k4");
    service.post({ update: 2, prev: 1, has: "2", epoch: "k4" });
    await until(() => seqs.length === 3);
    assert.deepEqual(seqs, [1, 1, 2]);
    assert.ok(api.reads.some((path) => /^\/matches\/m\?after=1&epoch=k3&request=sync-\d+$/.test(path)));
  });

  test("a match that was created again in another competition is heard on its new channel", async (t) => {
    const { service, api, live } = await scene(t, Kind, { timings: { silenceSeconds: 0.2, careSeconds: 0.05 } });
    const { follow } = watch(live);
    await until(() => follow.board);
    api.knows("m", 0, "k4", "livescore/c-cup/m");
    await until(() => service.joined.includes("livescore/c-cup/m/all"));
    await until(() => follow.board?.epoch === "k4");
  });

  test("an old answer over HTTP does not turn a viewer back to the epoch before", async (t) => {
    const { api, live, page } = await scene(t, Kind);
    api.knows("m", 2, "k4");
    const { seqs, follow } = watch(live);
    await until(() => follow.board);
    page.online(false);
    await until(() => live.connection.state === "offline");
    api.knows("m", 3, "k4");
    const old = { ...frame({ snapshot: 9, has: [event(9)], epoch: "k3" }), channel: "livescore/open/m" };
    api.instead = (path) => (path.includes("request=sync") ? null : old);
    page.online(true);
    await until(() => seqs.length > 2);
    assert.deepEqual([seqs, follow.board?.epoch], [[1, 2, 3], "k4"]);
  });

  test("frames before the snapshot wait for it", async (t) => {
    /** @type {() => void} */
    let answer = () => {};
    const held = new Promise((resolve) => {
      answer = () => resolve(null);
    });
    const { service, live } = await scene(t, Kind, {
      fetch: async (url, init) => {
        if (String(url).includes("after=0")) await held;
        return fetch(url, init);
      },
    });
    const { seqs, lively } = watch(live);
    await until(() => (service.topics.get("livescore/open/m/all")?.size ?? 0) > 0);
    service.post({ update: 2, prev: 1, has: "2" });
    answer();
    await until(() => seqs.length === 2);
    assert.deepEqual([seqs, lively], [[1, 2], [2]]);
  });

  test("a frame of a kind that is not known yet passes unchanged", async (t) => {
    const { service, api } = await scene(t, Kind);
    /** @type {any[]} */
    const frames = [];
    const socket = await dialled(t, service, api, (frame) => frames.push(frame));
    socket.send('{"action":"subscribe","match":"m"}');
    await until(() => frames.some(({ type }) => type === "snapshot"));
    service.post({ type: "message", key: "goal-of-the-month", body: { votes: 3 } });
    await until(() => frames.some(({ type }) => type === "message"));
    assert.deepEqual(frames.at(-1), { type: "message", key: "goal-of-the-month", body: { votes: 3 }, match: "m" });
  });

  test("a sync is answered only when the service has given a sign of life", async (t) => {
    const { service, api } = await scene(t, Kind);
    /** @type {string[]} */
    const types = [];
    const socket = await dialled(t, service, api, ({ type }) => type && types.push(type));
    socket.send('{"action":"subscribe","match":"m"}');
    await until(() => types.length && service.joined.length);
    service.deaf = true;
    const syncs = () => api.reads.filter((path) => path.includes("request=sync")).length;
    // The answer of the first read is there before the second read begins.
    for (const count of [1, 2]) {
      socket.send('{"action":"sync","match":"m","epoch":"k3","seq":1}');
      await until(() => syncs() === count);
    }
    assert.deepEqual(types, ["snapshot"]);
    service.deaf = false;
    socket.send('{"action":"sync","match":"m","epoch":"k3","seq":1}');
    await until(() => types.length > 1);
  });

  test("a message to the token's subject comes to onMessage", async (t) => {
    const claims = Buffer.from(JSON.stringify({ sub: "one" })).toString("base64url");
    /** @type {unknown[]} */
    const messages = [];
    const { service, live } = await scene(t, Kind, {
      token: () => `head.${claims}.signature`,
      onMessage: (...given) => messages.push(given),
    });
    const { follow } = watch(live);
    await until(() => follow.board && service.joined.length === 2);
    const topic = service.joined.find((each) => each.startsWith("livescore/subjects/s-")) ?? "";
    service.publish(topic, { type: "message", key: "bet-settled", body: { won: true }, at: 1 });
    await until(() => messages.length);
    assert.deepEqual(messages, [["bet-settled", { won: true }]]);
  });

  test("a viewer with a subject hears the messages to this subject, and no other viewer does", async (t) => {
    const { service, api } = await scene(t, Kind);
    /** @type {any[]} */
    const frames = [];
    const claims = Buffer.from(JSON.stringify({ sub: "jürgen" })).toString("base64url");
    const socket = await dialled(t, service, api, (frame) => frames.push(frame), `head.${claims}.signature`);
    socket.send('{"action":"listen"}');
    await until(() => frames.some(({ type }) => type === "listening"));
    // The first 40 digits of the SHA-256 of jürgen.
    assert.deepEqual(service.joined, ["livescore/subjects/s-19b720a911fced55aecd96bf4ddcada1c69be5a9"]);
    const other = await dialled(t, service, api, (frame) => frames.push(frame));
    other.send('{"action":"listen"}');
    await until(() => frames.some(({ code }) => code === "no_subject"));
    assert.equal(service.joined.length, 1);
  });

  test("the messages to a viewer come on a channel of the deployment that its cell names", async (t) => {
    const { service, api } = await scene(t, Kind);
    Object.assign(service.cell, { namespace: "derby" });
    const claims = Buffer.from(JSON.stringify({ sub: "one" })).toString("base64url");
    const socket = await dialled(t, service, api, () => {}, `head.${claims}.signature`);
    socket.send('{"action":"listen"}');
    await until(() => service.joined.length > 0);
    assert.match(service.joined[0] ?? "", /^derby\/subjects\/s-/);
  });

  test("a match that nobody knows is an error of the match, and is asked for again", async (t) => {
    const { api, live } = await scene(t, Kind, { timings: { careSeconds: 0.05 } });
    const { errors, seqs } = watch(live, "n");
    await until(() => errors.length);
    api.knows("n", 1);
    await until(() => seqs.length);
    assert.deepEqual([errors, seqs], [["unknown_match"], [1]]);
  });

  test("the 51st match of a connection is refused", async (t) => {
    const { api, live } = await scene(t, Kind);
    for (const at of range(1, 51)) api.knows(`n${at}`, 1);
    const all = range(1, 51).map((at) => watch(live, `n${at}`));
    await until(() => all.filter(({ follow }) => follow.board).length === 50 && all.at(-1)?.errors.length);
    assert.deepEqual(all.at(-1)?.errors, ["too_many_matches"]);
  });

  test("no address, error or state holds the viewer's token", async (t) => {
    /** @type {unknown[]} */
    const said = [];
    class Spy extends WebSocket {
      /** @param {string} url @param {string[]} [protocols] */
      constructor(url, protocols = []) {
        said.push(url);
        super(url, protocols);
      }
    }
    const { service, live } = await scene(t, Kind, { token: () => SECRET, WebSocket: Spy }, (service) => {
      service.refusesToken = () => service.handshakes.length < 2;
    });
    live.on("connection", (connection) => said.push(connection));
    live.on("error", (problem) => said.push(problem));
    const { follow } = watch(live);
    await until(() => follow.board);
    assert.ok(service.handshakes.includes(SECRET));
    assert.ok(!JSON.stringify(said).includes("secret"));
  });
}
