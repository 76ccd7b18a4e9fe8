// Plays histories of a match like a page and like a desk, and prints the last board of each. A line of
// input is {"frames": [snapshot, update, …], "posts": [event, …], "now": ms}; one of output {"page": …, "desk": …}.
import { createInterface } from "node:readline";

import { joined } from "../../web/boards.js";
import { runningMinute } from "../../web/clock.js";
import { expected } from "../../web/desk/match-rules.js";
import { newEntry } from "../../web/desk/outbox.js";
import { Follower } from "../../web/livescore.js";

/** @param {any} board @param {number} now */
const shown = (board, now) => ({
  status: board.status,
  score: board.score,
  shootout: board.shootout,
  minute: runningMinute(board, now).minute,
  stoppage: runningMinute(board, now).stoppage,
  cancelled: board.events
    .filter((/** @type {any} */ event) => event.cancelled_by)
    .map((/** @type {any} */ event) => event.event_id),
});

for await (const line of createInterface({ input: process.stdin })) {
  const { frames, posts, now } = JSON.parse(line);
  const follower = new Follower("m");
  /** @type {any} */
  let board = null;
  for (const frame of frames) {
    follower.take(frame);
    const { epoch, seq, status, score, shootout, clock } = follower;
    board = joined(board, { ...frame, epoch, seq, status, score, shootout, clock });
  }
  /** @type {import("../../web/desk/outbox.js").Entry[]} */
  const entries = [];
  for (const { event_id: id, at: pressed, ...event } of posts) {
    entries.push(newEntry(entries, { id, match: "m", event, pressed }));
  }
  const before = { ...frames[0], interrupted: null };
  process.stdout.write(`${JSON.stringify({ page: shown(board, now), desk: shown(expected(before, entries), now) })}\n`);
}
