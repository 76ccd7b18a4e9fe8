// The minute that a match is in: a table of boards and times, and what a scoreboard shows.
import assert from "node:assert/strict";
import { test } from "node:test";

import { runningMinute, written } from "../../web/clock.js";

const START = 1_766_080_000_000;
/** @param {number} minutes */
const at = (minutes, seconds = 0) => START + minutes * 60_000 + seconds * 1000;
const kickOff = { kind: "kick_off", at: START };
const halfTime = { kind: "half_time", at: at(47, 10) };
const secondHalf = { kind: "second_half", at: at(62) };
const extraTime = { kind: "extra_time", at: at(115) };
/** @param {number} minute @param {number} when */
const goal = (minute, when, more = {}) => ({ kind: "goal", minute, at: when, ...more });

const first = { status: "first_half", clock: { minute: 0, stoppage: null, at: START }, events: [kickOff] };
const second = { status: "second_half", clock: null, events: [kickOff, halfTime, secondHalf] };
const extra = { status: "extra_time", clock: null, events: [kickOff, halfTime, secondHalf, extraTime] };
/** @param {any} board @param {...any} events */
const withEvents = (board, ...events) => ({ ...board, events: [...board.events, ...events] });

/** What, board, now, text, [minute, stoppage]. @type {[string, any, number, string, [number | null, number | null]][]} */
const TABLE = [
  ["before the kick-off there is none", { status: "scheduled", clock: null, events: [] }, at(0), "", [null, null]],
  ["the first minute begins with the whistle", first, at(0), "1", [1, null]],
  ["22 minutes and a half are minute 23", first, at(22, 30), "23", [23, null]],
  ["the last second of the 45th", first, at(44, 59), "45", [45, null]],
  ["then comes stoppage time", first, at(45), "45+1", [45, 1]],
  ["45+2", first, at(46, 1), "45+2", [45, 2]],
  ["a half-time nobody entered ends at what the API takes", first, at(200), "45+30", [45, 30]],
  ["a clock behind the server's", first, at(-60), "1", [1, null]],
  ["half-time: play ended in 45+3", withEvents({ ...first, status: "half_time" }, halfTime), at(55), "HT", [45, 3]],
  ["the second half begins with 46", second, at(62), "46", [46, null]],
  ["67", second, at(83, 20), "67", [67, null]],
  ["90+4", second, at(110, 30), "90+4", [90, 4]],
  ["extra time", extra, at(115), "91", [91, null]],
  ["105+1", extra, at(130, 5), "105+1", [105, 1]],
  ["105+3", extra, at(132, 59), "105+3", [105, 3]],
  ["after the change of ends", extra, at(133), "106", [106, null]],
  ["120+2", extra, at(149, 30), "120+2", [120, 2]],
  [
    "a stated minute puts the second half of extra time right, back",
    withEvents(extra, goal(106, at(136))),
    at(137),
    "107",
    [107, null],
  ],
  ["and forth", withEvents(extra, goal(108, at(132))), at(134), "110", [110, null]],
  [
    "the shoot-out: play ended in 120+1",
    withEvents({ ...extra, status: "shootout" }, { kind: "shootout_kick", at: at(148, 30) }),
    at(160),
    "PEN",
    [120, 1],
  ],
  [
    "full time",
    withEvents({ ...second, status: "full_time" }, { kind: "full_time", at: at(112) }),
    at(500),
    "FT",
    [90, 6],
  ],
  [
    "full time after a shoot-out",
    withEvents(
      { ...extra, status: "full_time" },
      { kind: "shootout_kick", at: at(148) },
      { kind: "shootout_kick", at: at(149) },
      { kind: "full_time", at: at(155) },
    ),
    at(500),
    "FT",
    [120, 1],
  ],
  [
    "a kick-off entered late is put right by a stated minute",
    withEvents(first, goal(10, at(5))),
    at(6),
    "11",
    [11, null],
  ],
  ["a goal entered late does not put the clock back", withEvents(first, goal(3, at(5))), at(6), "7", [7, null]],
  [
    "a stated minute that was taken back counts for nothing",
    withEvents(first, goal(38, at(5), { cancelled_by: 3 })),
    at(6),
    "7",
    [7, null],
  ],
  [
    "an amendment states no minute of its own",
    withEvents(first, goal(8, at(8)), { kind: "amendment", minute: 30, at: at(9) }),
    at(9, 30),
    "10",
    [10, null],
  ],
  [
    "a goal of the first half entered in the second",
    withEvents(second, goal(45, at(63), { stoppage: 2 })),
    at(64),
    "48",
    [48, null],
  ],
  ["stated stoppage time", withEvents(first, goal(45, at(40), { stoppage: 2 })), at(41), "45+3", [45, 3]],
  [
    "a half-time whistle that was taken back",
    {
      status: "first_half",
      clock: { minute: 45, stoppage: null, at: at(30) },
      events: [kickOff, { kind: "half_time", at: at(30), cancelled_by: 3 }, { kind: "cancellation", at: at(31) }],
    },
    at(31, 30),
    "32",
    [32, null],
  ],
  [
    "without events: from the whistle",
    { status: "second_half", clock: { minute: 45, stoppage: null, at: START } },
    at(3),
    "49",
    [49, null],
  ],
  [
    "without events: from a goal",
    { status: "second_half", clock: { minute: 70, stoppage: null, at: START } },
    at(3),
    "73",
    [73, null],
  ],
  [
    "without events: half-time",
    { status: "half_time", clock: { minute: 45, stoppage: null, at: START } },
    at(3),
    "HT",
    [45, null],
  ],
  [
    "without events: full time",
    { status: "full_time", clock: { minute: 90, stoppage: 3, at: START } },
    at(3),
    "FT",
    [90, 3],
  ],
  [
    "only the newest events known",
    { status: "second_half", clock: { minute: 80, stoppage: null, at: at(0) }, events: [goal(80, at(0))] },
    at(2),
    "82",
    [82, null],
  ],
  ["a status of tomorrow", { status: "abandoned", clock: null, events: [] }, at(3), "", [null, null]],
];

for (const [what, board, now, text, [minute, stoppage]] of TABLE) {
  test(what, () => {
    const shown = runningMinute(board, now);
    assert.deepEqual([shown.text, shown.minute, shown.stoppage], [text, minute, stoppage]);
    assert.equal(shown.ticking, ["first_half", "second_half", "extra_time"].includes(board.status));
  });
}

test("a minute as it is written", () => {
  assert.deepEqual(
    [written(23), written(45, 2), written(90, null), written(null), written(undefined)],
    ["23", "45+2", "90", "", ""],
  );
});
