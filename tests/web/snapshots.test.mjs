/** The reads over HTTP of the broadcasting transports. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower } from "../../web/livescore.js";
import { asUpdate, Snapshots } from "../../web/transports/snapshots.js";
import { frame } from "./table.mjs";

const POSITION = { epoch: "k3", seq: 2 };

/** A follower at the position. */
function follower() {
  const one = new Follower("m");
  one.take(frame({ snapshot: 2, has: "1-2" }));
  return one;
}

test("a snapshot that goes on from the position is an update from there, which leaves no gap", () => {
  const one = follower();
  const update = asUpdate(frame({ snapshot: 4, has: "3-4", recovered: true }), POSITION);
  assert.deepEqual(
    one.take(update).map(({ seq }) => seq),
    [3, 4],
  );
  assert.equal(one.gap, false);
});

test("a snapshot that does not reach back to the position is a gap, also for a follower of the score", () => {
  for (const short of [
    { snapshot: 9, has: "8-9", recovered: false },
    { snapshot: 9, has: [], recovered: false },
    { snapshot: 9, has: "8-9", recovered: true, epoch: "k4" },
  ]) {
    const one = follower();
    assert.deepEqual(one.take(asUpdate(frame(short), POSITION)), []);
    assert.equal(one.gap, true);
  }
});

test("looks of the same half second share a URL, and snapshots that must be the newest those of the same second", async () => {
  /** @type {string[]} */
  const paths = [];
  let now = 1_000_000;
  const snapshots = new Snapshots(
    /** @type {any} */ ({
      read: async (/** @type {string} */ path) => {
        paths.push(path);
        return frame({ snapshot: 2, has: [], channel: "livescore/open/m" });
      },
      now: () => now,
      random: Math.random,
      memory: { channels: new Map() },
    }),
  );
  for (const at of [1_000_000, 1_000_499, 1_000_500]) {
    now = at;
    await snapshots.look("m", POSITION);
  }
  for (const at of [1_001_000, 1_001_999, 1_002_000]) {
    now = at;
    await snapshots.newest("m", POSITION);
  }
  assert.equal(paths[0], "/matches/m?after=2&epoch=k3&request=look-2000");
  assert.equal(paths[1], paths[0]);
  assert.equal(paths[3], "/matches/m?after=2&epoch=k3&request=sync-1001");
  assert.equal(paths[4], paths[3]);
  assert.equal(new Set(paths).size, 4);
});
