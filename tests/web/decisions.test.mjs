/** The pure rows of the table, run by the library; test_decisions.py runs them by the Python client. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower, repair } from "../../web/livescore.js";
import { frame, seqs, TABLE } from "./table.mjs";

/** @param {{seq: number}[]} events */
const numbers = (events) => events.map((event) => event.seq);

for (const { name, steps } of TABLE.decisions) {
  test(`a follower decides by the table: ${name}`, () => {
    const follower = new Follower("m");
    for (const [at, step] of steps.entries()) {
      const where = `step ${at}`;
      if (step.take) {
        assert.deepEqual(numbers(follower.take(frame(step.take), { patient: step.patient })), seqs(step.shows), where);
      } else if (step.read) {
        assert.deepEqual(numbers(follower.read(frame(step.read))), seqs(step.shows), where);
      } else if (step.judge) {
        assert.equal(repair.judge(follower, frame(step.judge)), step.step, where);
      } else if (step.paths) {
        assert.deepEqual([repair.snapshotPath(follower), repair.historyPath(follower)], step.paths, where);
      } else {
        for (const [field, value] of Object.entries(step.is)) {
          assert.deepEqual(Reflect.get(follower, field), value, `${where}: ${field}`);
        }
      }
    }
  });
}

for (const row of TABLE.numbers) {
  test(`every wait is the table's: ${JSON.stringify(row)}`, () => {
    const name = /** @type {"delay" | "patience" | "looking" | "backoff" | "quiet" | "grace"} */ (
      Object.keys(row).find((each) => each !== "is")
    );
    const wait = /** @type {(...numbers: number[]) => number} */ (repair[name]);
    assert.ok(Math.abs(wait(...row[name]) - row.is) < 1e-9);
  });
}
