/** The board at the desk, from two sources of which either may be late. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MatchBoard } from "../../web/desk/match-board.js";

/** @param {string} epoch @param {number} seq @param {number} [first] of its events @returns {any} */
const board = (epoch, seq, first = 1) => ({
  match: "m",
  epoch,
  seq,
  status: "first_half",
  score: [0, 0],
  events: Array.from({ length: seq - first + 1 }, (_, place) => ({ seq: first + place, kind: "goal", team: "home" })),
});

test("a match that was created again is accepted over HTTP too, and its old epoch never again", () => {
  const known = new MatchBoard();
  known.live(board("k1", 9));
  assert.ok(known.read(board("k2", 1)));
  assert.equal(known.read(board("k1", 10)), false);
  assert.equal(known.live(board("k1", 10)), false);
  assert.deepEqual([known.board?.epoch, known.board?.seq], ["k2", 1]);
});

test("an answer over HTTP is never older than what is known, and keeps the events before its own", () => {
  const known = new MatchBoard();
  known.read(board("k1", 4));
  assert.equal(known.read(board("k1", 3)), false);
  known.read(board("k1", 6, 4));
  assert.deepEqual(
    known.board?.events.map((event) => event.seq),
    [1, 2, 3, 4, 5, 6],
  );
});

test("a problem of the live connection ends with its next board", () => {
  const known = new MatchBoard();
  known.trouble = "The service does not answer.";
  known.read(board("k1", 1));
  assert.notEqual(known.trouble, "");
  known.live(board("k1", 2));
  assert.equal(known.trouble, "");
});
