/** The shared half of the broadcasting transports, in virtual time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BroadcastSocket } from "../../web/transports/broadcast-socket.js";
import { frame } from "./table.mjs";
import { VirtualTime } from "./virtual-time.mjs";

/** A transport whose service is the test. */
class Line extends BroadcastSocket {
  /** The subscriptions' ids and channels, in order. @type {{id: string, channel: string}[]} */
  joins = [];
  /** Whether the service acknowledges subscriptions. */
  acknowledges = true;
  ends = 0;

  /** @override */
  connect() {
    this.onclose = () => {
      this.ends += 1;
    };
    this.opened();
    this.ready();
  }

  /** @param {string} id @param {string} channel @override */
  join(id, channel) {
    this.joins.push({ id, channel });
    if (this.acknowledges) this.joined(id);
  }

  /** @override */
  probe() {
    this.word();
  }

  get newest() {
    return this.joins.at(-1)?.id ?? "";
  }
}

/** The API and its viewers. */
class World {
  time = new VirtualTime();
  /** @type {{at: number, request: string}[]} */
  reads = [];
  channel = "livescore/open/m";
  epoch = "k3";
  /** An answer waits for this. @type {Promise<unknown> | null} */
  held = null;

  /** @param {object} [viewer] */
  dial(viewer = {}) {
    /** @type {any} */
    const whole = {
      token: null,
      renew: () => null,
      read: async (/** @type {string} */ path) => {
        this.reads.push({ at: this.time.now, request: path.split("request=")[1] ?? "" });
        await this.held;
        return frame({ snapshot: 1, has: [], recovered: true, channel: this.channel, epoch: this.epoch });
      },
      now: () => Date.now(),
      random: Math.random,
      memory: { channels: new Map(), refused: new Map(), cuts: new Map() },
      timings: {},
      ...viewer,
    };
    return new Line({ transport: "line", name: "one", url: "wss://line.example" }, whole);
  }

  /** A viewer who follows the match; the second look is over. */
  async follower() {
    const line = this.dial();
    await this.time.pass(0);
    line.send('{"action":"subscribe","match":"m"}');
    await this.time.pass(5000);
    this.reads.length = 0;
    return line;
  }
}

/** A promise of this file. @param {string} name @param {(world: World) => Promise<void>} work */
function promise(name, work) {
  test(name, async () => {
    const world = new World();
    await world.time.within(() => work(world));
  });
}

promise("viewers whose syncs are read in one second share an address, after no answer can be older", async (world) => {
  // The devices' clocks are wrong; each viewer knows the server's.
  const lines = [0, 1, 2, 3].map(() => world.dial({ now: () => 5_000_000 + world.time.now }));
  await world.time.pass(0);
  for (const line of lines) {
    line.send('{"action":"sync","match":"m","epoch":"k3","seq":1}');
    await world.time.pass(300);
  }
  await world.time.pass(5000);
  assert.deepEqual(world.reads, [
    { at: 2100, request: "sync-5002" },
    { at: 2400, request: "sync-5002" },
    { at: 2700, request: "sync-5002" },
    { at: 3000, request: "sync-5003" },
  ]);
});

promise("after skipped frames the match is read at once, and once more when no answer can be older", async (world) => {
  const line = await world.follower();
  const began = world.time.now;
  line.skipped(line.newest);
  await world.time.pass(1000);
  line.skipped(line.newest);
  await world.time.pass(60_000);
  assert.deepEqual(
    world.reads.map(({ at }) => at - began),
    [0, 1000, 3100],
  );
});

promise("a look that finds the match of a new epoch is delivered, also at the same seq", async (world) => {
  const line = await world.follower();
  /** @type {any[]} */
  const frames = [];
  line.onmessage = ({ data }) => frames.push(JSON.parse(data));
  line.look(line.newest);
  await world.time.pass(100);
  world.epoch = "k4";
  line.look(line.newest);
  await world.time.pass(100);
  assert.deepEqual(
    frames.map(({ type, epoch, prev, seq }) => [type, epoch, prev, seq]),
    [["update", "k4", 1, 1]],
  );
});

promise("a frame of a channel that was left is not delivered", async (world) => {
  const line = await world.follower();
  const { newest } = line;
  line.send('{"action":"unsubscribe","match":"m"}');
  await world.time.pass(100);
  /** @type {unknown[]} */
  const frames = [];
  line.onmessage = ({ data }) => frames.push(data);
  line.frame(newest, "{}");
  assert.deepEqual(frames, []);
});

promise("after the acknowledgement of a new channel the match is read once more", async (world) => {
  const line = await world.follower();
  world.channel = "livescore/c-cup/m";
  line.look(line.newest);
  await world.time.pass(60_000);
  assert.deepEqual([line.joins.at(-1)?.channel, world.reads.length], [world.channel, 2]);
});

promise("an acknowledgement that comes twice is answered once", async (world) => {
  const line = await world.follower();
  line.joined(line.newest);
  await world.time.pass(60_000);
  assert.deepEqual(world.reads, []);
});

promise("a look that is only a precaution is one read", async (world) => {
  const line = await world.follower();
  line.look(line.newest);
  await world.time.pass(60_000);
  assert.equal(world.reads.length, 1);
});

promise("a match that is followed no more is not read after skipped frames", async (world) => {
  const line = await world.follower();
  line.skipped(line.newest);
  line.send('{"action":"unsubscribe","match":"m"}');
  await world.time.pass(60_000);
  assert.equal(world.reads.length, 1);
});

promise("the connection ends when the new channel of an answered match is never acknowledged", async (world) => {
  const line = await world.follower();
  line.acknowledges = false;
  world.channel = "livescore/c-cup/m";
  line.look(line.newest);
  await world.time.pass(9900);
  assert.deepEqual([line.joins.map(({ channel }) => channel), line.ends], [["livescore/open/m", world.channel], 0]);
  await world.time.pass(200);
  assert.equal(line.ends, 1);
  assert.equal(line.viewer.memory.cuts.size, 0, "the service has refused nothing");
});

promise(
  "the connection ends at once when the service fails to join the new channel of an answered match",
  async (world) => {
    const line = await world.follower();
    line.acknowledges = false;
    world.channel = "livescore/c-cup/m";
    line.look(line.newest);
    await world.time.pass(100);
    line.failed(line.newest);
    assert.deepEqual([line.ends, line.viewer.memory.cuts.size], [1, 0]);
  },
);

promise(
  "the connection stays when a match has no answer yet, and when its new channel is acknowledged",
  async (world) => {
    const line = world.dial();
    line.acknowledges = false;
    await world.time.pass(0);
    line.send('{"action":"subscribe","match":"m"}');
    await world.time.pass(100);
    line.failed(line.newest);
    line.acknowledges = true;
    line.send('{"action":"subscribe","match":"m"}');
    await world.time.pass(5000);
    world.channel = "livescore/c-cup/m";
    line.look(line.newest);
    await world.time.pass(60_000);
    assert.deepEqual([line.joins.at(-1)?.channel, line.ends], [world.channel, 0]);
  },
);

promise("a match that is unfollowed while its new channel has no acknowledgement ends no connection", async (world) => {
  const line = await world.follower();
  line.acknowledges = false;
  world.channel = "livescore/c-cup/m";
  line.look(line.newest);
  await world.time.pass(100);
  line.send('{"action":"unsubscribe","match":"m"}');
  await world.time.pass(60_000);
  assert.equal(line.ends, 0);
});

promise("a channel that is found after the close is not joined", async (world) => {
  const line = world.dial();
  await world.time.pass(0);
  /** @type {(value: unknown) => void} */
  let answer = () => {};
  world.held = new Promise((resolve) => {
    answer = resolve;
  });
  line.send('{"action":"subscribe","match":"m"}');
  await world.time.pass(100);
  line.close();
  answer(null);
  await world.time.pass(60_000);
  assert.deepEqual(line.joins, []);
});

promise("a channel of another type is not joined, and ends nothing", async (world) => {
  const line = await world.follower();
  for (const channel of [{ toString: 1 }, ["a/b/c"], 7, null]) {
    world.channel = /** @type {any} */ (channel);
    line.look(line.newest);
    await world.time.pass(5000);
  }
  assert.deepEqual([line.joins.length, line.ends], [1, 0]);
});

promise("nothing is called after the close", async (world) => {
  const line = await world.follower();
  line.close();
  let calls = 0;
  line.after(1, () => {
    calls += 1;
  });
  await world.time.pass(60_000);
  assert.equal(calls, 0);
});
