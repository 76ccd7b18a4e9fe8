// The minute of a match. The table, in minutes since a kick-off, also tests matches/clock.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { runningMinute, written } from "../../web/clock.js";

const START = 1_766_080_000_000;
/** @param {number} minutes */
const at = (minutes) => START + minutes * 60_000;
/** @type {any[]} */
const TABLE = JSON.parse(readFileSync(new URL("clock.json", import.meta.url), "utf8"));
const PLAYED = ["first_half", "second_half", "extra_time", "extra_second_half"];

for (const { what, status, clock, now, text, minute, stoppage, lengths = [] } of TABLE) {
  test(what, () => {
    const [half_minutes, extra_half_minutes] = lengths;
    const stated = clock && { minute: clock[0], stoppage: clock[1], at: at(clock[2]) };
    const shown = runningMinute({ status, clock: stated, half_minutes, extra_half_minutes }, at(now));
    assert.deepEqual([shown.text, shown.minute, shown.stoppage], [text, minute, stoppage]);
    assert.equal(shown.ticking, PLAYED.includes(status));
  });
}

test("a minute is written as football writes it", () => {
  assert.deepEqual(
    [written(23), written(45, 2), written(90, null), written(null), written(undefined)],
    ["23", "45+2", "90", "", ""],
  );
});
