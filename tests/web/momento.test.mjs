/** Momento Topics as a transport of the library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MomentoSocket } from "../../web/transports/momento.js";
import { Momento } from "./momento-service.mjs";
import { Api } from "./services.mjs";
import { frame } from "./table.mjs";
import { dialled, promises, range, scene, watch } from "./transport-promises.mjs";
import { until } from "./until.mjs";
import { VirtualTime } from "./virtual-time.mjs";

promises(Momento);

test("messages between two polls are not lost", async (t) => {
  const { service, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  for (const seq of range(2, 20)) service.post({ update: seq, prev: seq - 1, has: String(seq) });
  await until(() => seqs.length === 20);
  assert.deepEqual(seqs, range(1, 20));
});

test("a topic's name has colons, and the token of the competition is in a header", async (t) => {
  const { service, live } = await scene(t, Momento);
  const { follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  const [request] = service.requests;
  assert.match(request?.url ?? "", /^\/topics\/live\/livescore%3Aopen%3Am%3Aall\?sequence_number=0&sequence_page=0$/);
  assert.equal(request?.authorization, "momento-open-1");
});

test("the token for the messages to the viewer is asked for without a competition", async (t) => {
  const { service, api } = await scene(t, Momento);
  const claims = Buffer.from(JSON.stringify({ sub: "me" })).toString("base64url");
  const socket = await dialled(t, service, api, () => {}, `head.${claims}.signature`);
  socket.send('{"action":"listen"}');
  await until(() => service.joined.length);
  assert.deepEqual(api.wanted, ["cell=one&competition=open", "cell=one&subject=me"]);
});

test("after skipped messages the match is read over HTTP at once", async (t) => {
  const { service, api, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && api.reads.some((path) => path.includes("request=")));
  api.knows("m", 5);
  service.skip();
  await until(() => seqs.length === 5);
});

test("a token that has ended is replaced, and nothing is missed", async (t) => {
  const { service, api, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  service.post({ update: 2, prev: 1, has: "2" });
  await until(() => seqs.length === 2);
  service.ends = ["momento-open-1"];
  for (const seq of range(3, 5)) service.post({ update: seq, prev: seq - 1, has: String(seq) });
  await until(() => seqs.length === 5);
  assert.ok(api.granted.length > 1);
  assert.equal(live.connection.state, "open");
});

test("a service that refuses every poll is left after three of them", async (t) => {
  const { service, states, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  service.post({ update: 2, prev: 1, has: "2" });
  await until(() => seqs.length === 2);
  service.status = 429;
  service.post({ update: 3, prev: 2, has: "3" });
  await until(() => states.includes("waiting"));
  assert.equal(live.connection.reason, "The connection was lost.");
});

test("without a token for its own messages a viewer hears its matches on the same connection, and asks again", async (t) => {
  const claims = Buffer.from(JSON.stringify({ sub: "one" })).toString("base64url");
  /** @type {unknown[]} */
  const messages = [];
  const { service, api, live } = await scene(t, Momento, {
    token: () => `head.${claims}.signature`,
    onMessage: (...given) => messages.push(given),
    random: () => 0.1,
    timings: { careSeconds: 2 },
  });
  const { grants } = api;
  let refusals = 0;
  api.grants = (token, competition) => {
    if (competition || refusals >= 3) return grants(token, competition);
    refusals += 1;
    return 503;
  };
  const { seqs, follow } = watch(live);
  await until(() => follow.board && service.topics.get("livescore/open/m/all")?.size && refusals >= 3);
  service.post({ update: 2, prev: 1, has: "2" });
  await until(() => seqs.length === 2);
  const topic = () => [...service.topics.keys()].find((each) => each.startsWith("livescore/subjects/")) ?? "";
  await until(() => service.topics.get(topic())?.size);
  service.publish(topic(), { type: "message", key: "bet-settled", body: 1, at: 1 });
  await until(() => messages.length);
  assert.equal(service.handshakes.length, 1, "one connection");
});

/** Cells of Momento that do not work: an address that nobody listens at, an overloaded one, one that never answers, and
 * one behind a proxy that answers late. @type {[string, (service: Momento) => void][]} */
const BROKEN = [
  ["nobody listens there", (service) => Object.assign(service.cell, { url: "http://127.0.0.1:1" })],
  ["it refuses every poll", (service) => Object.assign(service, { hello: 429, status: 429 })],
  ["it refuses every poll that waits", (service) => Object.assign(service, { status: 429 })],
  ["it never answers", (service) => Object.assign(service, { deaf: true })],
  ["it fails late", (service) => Object.assign(service, { deaf: true, hangsUp: 400 })],
];

const IMPATIENT = { careSeconds: 0.05, quietSeconds: 0.3, pongSeconds: 0.2, helloSeconds: 0.1, beginSeconds: 0.05 };

for (const [what, breaks] of BROKEN) {
  test(`a page leaves a cell of which this is so for the next one: ${what}`, async (t) => {
    const api = await new Api().start(t);
    api.knows("m", 1);
    const [dead, works] = [await new Momento().start(t, api), await new Momento().start(t, api)];
    breaks(dead);
    const { live } = await scene(t, Momento, {
      cells: [dead.cell, works.cell],
      api: api.url,
      random: () => 0.1,
      timings: IMPATIENT,
    });
    const { seqs } = watch(live);
    await until(() => works.topics.get("livescore/open/m/all")?.size);
    // The API knows an event before its frame goes out. Only the API has what comes between two polls, and this
    // impatient page polls anew, or leaves this cell too, if the machine is busy.
    api.knows("m", 2);
    works.post({ update: 2, prev: 1, has: "2" });
    await until(() => seqs.length === 2);
    assert.deepEqual(seqs, [1, 2]);
  });
}

for (const status of [204, 400]) {
  test(`a service works that answers ${status} to a poll for a page that does not exist`, async (t) => {
    const { api, service, live } = await scene(t, Momento, {}, (each) => Object.assign(each, { hello: status }));
    const { seqs } = watch(live);
    await until(() => live.connection.state === "open");
    api.knows("m", 2);
    service.post({ update: 2, prev: 1, has: "2" });
    await until(() => seqs.length === 2);
  });
}

test("a page whose only cell is dead says so, shows what HTTP has, and tries again after longer and longer pauses", async (t) => {
  const { api, service, live } = await scene(t, Momento, {
    random: () => 0.9,
    timings: { retrySeconds: 0.01, retryMostSeconds: 30, helloSeconds: 0.1 },
  });
  const { url } = service.cell;
  Object.assign(service.cell, { url: "http://127.0.0.1:1" });
  /** @type {number[]} */
  const pauses = [];
  live.on("connection", ({ retryAt }) => retryAt && pauses.push(retryAt - Date.now()));
  const { seqs, follow } = watch(live);
  await until(() => live.connection.state === "refused" && follow.board);
  assert.match(live.connection.reason ?? "", /refuses the connection/);
  await until(() => pauses.length >= 6);
  assert.ok(Number(pauses.at(-1)) > 3 * Number(pauses[0]), JSON.stringify(pauses));
  assert.ok(api.granted.length <= pauses.length + 1, "one token for each try");
  Object.assign(service.cell, { url });
  await until(() => live.connection.state === "open");
  api.knows("m", 2);
  service.post({ update: 2, prev: 1, has: "2" });
  await until(() => seqs.length === 2);
});

/** A viewer of the match `m` in virtual time, whose polls are answered by `answer`. It returns when the polls have begun.
 * @param {VirtualTime} time @param {(poll: {at: number, signal: AbortSignal}) => Promise<Response>} answer
 * @param {number} [chance] @param {number} [valid] seconds of a token */
async function polling(time, answer, chance = 0.5, valid = 1e6) {
  /** When a token was asked for. @type {number[]} */
  const tokens = [];
  /** @type {{at: number, signal: AbortSignal}[]} */
  const polls = [];
  /** @type {number[]} */
  const looks = [];
  /** @type {any} */
  const viewer = {
    token: null,
    renew: () => null,
    now: () => Date.now(),
    random: () => chance,
    memory: { channels: new Map(), refused: new Map(), cuts: new Map() },
    timings: { lookSeconds: [1, 1] },
    read: async (/** @type {string} */ path) => {
      if (path.startsWith("/listeners/")) {
        tokens.push(time.now);
        return { token: "momento", expires: Date.now() / 1000 + valid };
      }
      if (path.includes("request=look")) looks.push(time.now);
      return frame({ snapshot: 1, has: [], recovered: true, channel: "livescore/open/m" });
    },
    fetch: (/** @type {string} */ url, /** @type {{signal: AbortSignal}} */ { signal }) => {
      if (url.includes("%3Ahello?")) return Promise.resolve(brings([]));
      const poll = { at: time.now, signal };
      polls.push(poll);
      return answer(poll);
    },
  };
  const socket = new MomentoSocket(
    { transport: "momento", name: "one", url: "https://m.example", cache: "live" },
    viewer,
  );
  let ends = 0;
  socket.onclose = () => {
    ends += 1;
  };
  await time.pass(0);
  socket.send('{"action":"subscribe","match":"m"}');
  await time.pass(0);
  return { socket, polls, looks, tokens, ends: () => ends };
}

/** A poll that waits until it is given up. @param {{signal: AbortSignal}} poll @returns {Promise<Response>} */
const waits = ({ signal }) =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });

/** @param {unknown[]} items */
const brings = (items) => new Response(JSON.stringify({ items }));

test("an idle poll is followed by one look, and a discontinuity by two", async () => {
  const time = new VirtualTime();
  await time.within(async () => {
    const { looks } = await polling(time, waits);
    await time.pass(149_000);
    // The one after the subscribe, and one for each of the two polls that end without a message.
    assert.deepEqual(
      looks.map((at) => Math.round(at / 1000)),
      [1, 50, 100],
    );
  });
  const later = new VirtualTime();
  await later.within(async () => {
    let isFirst = true;
    const gap = { discontinuity: { last_topic_sequence: 0, new_topic_sequence: 1, new_sequence_page: 7 } };
    const { looks } = await polling(later, async (poll) => {
      if (!isFirst) return waits(poll);
      isFirst = false;
      await new Promise((resolve) => later.after(10_000, () => resolve(null)));
      return brings([gap]);
    });
    await later.pass(149_000);
    assert.deepEqual(
      looks.map((at) => Math.round(at / 100)),
      [13, 100, 121],
    );
  });
});

test("viewers that share a token ask for the next one at moments of their own", async () => {
  /** @type {number[]} */
  const renewals = [];
  for (const chance of [0, 0.5, 0.99]) {
    const time = new VirtualTime();
    await time.within(async () => {
      const { socket, tokens } = await polling(time, waits, chance, 3600);
      await time.pass(3_600_000);
      socket.close();
      renewals.push(3600 - Number(tokens[1]) / 1000);
    });
  }
  const [last = 0, middle = 0, first = 0] = renewals;
  assert.ok(last <= 30 && last >= 0, String(renewals));
  assert.ok(middle > 200 && middle < 400, String(renewals));
  assert.ok(first > 500 && first < 600, String(renewals));
});

test("a token that ends soon is used for half of its time", async () => {
  const time = new VirtualTime();
  await time.within(async () => {
    const { tokens } = await polling(time, waits, 0.99, 400);
    await time.pass(190_000);
    assert.equal(tokens.length, 1);
  });
});

test("after the close the poll that waits is given up, and no other begins", async () => {
  const time = new VirtualTime();
  await time.within(async () => {
    for (const answer of [
      waits,
      async () => brings([]),
      async () => new Response("{}", { status: 429 }),
      async (/** @type {any} */ poll) => {
        await new Promise((resolve) => time.after(3000, () => resolve(null)));
        return brings(poll.signal.aborted ? [{ item: null }] : []);
      },
    ]) {
      const { socket, polls } = await polling(time, answer);
      await time.pass(500);
      socket.close();
      const { length } = polls;
      await time.pass(120_000);
      assert.equal(polls.length, length);
      assert.ok(polls.at(-1)?.signal.aborted);
    }
  });
});

test("an answer that brings nothing of the service's is not followed by another poll without a pause", async () => {
  const again = { item: { topic_sequence_number: 4, sequence_page: 7, value: { text: "{}" } } };
  for (const items of [[], [{}], [{ heartbeat: {} }], [again]]) {
    const time = new VirtualTime();
    await time.within(async () => {
      let left = 100;
      const { polls } = await polling(time, async (poll) => (left-- > 0 ? brings(items) : waits(poll)));
      await time.pass(20_000);
      const pauses = polls.slice(2).map(({ at }, index) => at - (polls[index + 1]?.at ?? 0));
      assert.ok(polls.length > 10 && polls.length < 30, `${polls.length} polls in 20 s`);
      assert.ok(Math.min(...pauses) >= 1000, JSON.stringify(pauses));
    });
  }
});

test("an answer with status 200 that is not the service's ends the connection, and is not asked for again", async () => {
  for (const text of ["{}", "null", "<html></html>", '{"items":null}']) {
    const time = new VirtualTime();
    await time.within(async () => {
      const { polls, ends } = await polling(time, async () => new Response(text));
      await time.pass(60_000);
      assert.deepEqual([polls.length, ends()], [1, 1], text);
    });
  }
});

test("no request outlives the close", async (t) => {
  const { service, api } = await scene(t, Momento);
  /** @type {any} */
  const socket = await dialled(t, service, api, () => {});
  /** @type {Set<string>} */
  const open = new Set();
  // No request has an answer, so each ends only when it is given up.
  socket.viewer.fetch = (/** @type {string} */ url, /** @type {{signal: AbortSignal}} */ { signal }) =>
    new Promise((_, reject) => {
      open.add(url);
      signal.addEventListener("abort", () => {
        open.delete(url);
        reject(signal.reason);
      });
    });
  socket.send('{"action":"subscribe","match":"m"}');
  await until(() => open.size === 1);
  socket.probe();
  await until(() => open.size === 2);
  socket.close();
  assert.deepEqual([...open], []);
});
