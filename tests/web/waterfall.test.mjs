/** The times of an event at the desk: the table that is made from the API's answer, and the request for it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OperatorsApi } from "../../web/desk/operators-api.js";
import { waterfallOf, waterfallWords } from "../../web/desk/waterfall.js";

/** @param {string} stage @param {number} after @param {number} took @param {string | null} [cell] @param {number | null} [batch] */
const stage = (stage, after, took, cell = null, batch = null) => ({
  stage,
  cell,
  batch,
  at: 1000 + after,
  after_ms: after,
  took_ms: took,
});
const TRACE = {
  match: "m",
  complete: true,
  notes: ["Clocks differ.", 3],
  stages: [stage("accepted", 0, 0), stage("numbered", 50, 50), stage("first_post", 200, 150, "r1", 0)],
};

test("each stage has its words, its times, and a bar that begins where the stage before it ended", () => {
  const found = waterfallOf(TRACE);
  assert.deepEqual(found?.stages, [
    { cell: null, words: "accepted by the API", after: 0, took: 0, start: 0, part: 0 },
    { cell: null, words: "numbered", after: 50, took: 50, start: 0, part: 25 },
    { cell: "r1", words: "batch 0: first POST", after: 200, took: 150, start: 25, part: 75 },
  ]);
  assert.deepEqual(found.notes, ["Clocks differ."]);
  assert.equal(waterfallWords(found), "Told. The last stage was 200 ms after the API accepted the event.");
});

test("an event that is still being told, or was only accepted, has its stages so far", () => {
  const found = waterfallOf({ complete: false, stages: [stage("accepted", 0, 0)] });
  assert.deepEqual([found?.stages[0]?.part, found?.notes], [0, []]);
  assert.match(found ? waterfallWords(found) : "", /^Not told everywhere yet\. /);
});

test("a stage of a newer release is shown by its name", () => {
  assert.equal(waterfallOf({ ...TRACE, stages: [stage("seen", 9, 9)] })?.stages[0]?.words, "seen");
});

/** @type {[string, unknown][]} */
const OTHERS = [
  ["nothing", null],
  ["a page", "<html>"],
  ["a trace without stages", { complete: true }],
  ["a trace that does not say whether it is complete", { ...TRACE, complete: 1 }],
  ["a stage without a name", { ...TRACE, stages: [null] }],
  ["a stage without a time", { ...TRACE, stages: [{ ...stage("numbered", 1, 1), took_ms: null }] }],
  ["a stage before the acceptance", { ...TRACE, stages: [stage("numbered", -1, 0)] }],
  ["a cell that is no text", { ...TRACE, stages: [{ ...stage("numbered", 1, 1), cell: 5 }] }],
];
for (const [what, answer] of OTHERS) {
  test(`${what} is no waterfall`, () => assert.equal(waterfallOf(answer), null));
}

/** @param {() => Response | Promise<Response>} answer @param {string | null} [token] */
const api = (answer, token = "t") => {
  /** @type {any[]} */
  const asked = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ options) => {
    asked.push([url, options.method, options.headers.Authorization]);
    return answer();
  };
  const tokens = { current: async () => token, refused: () => {} };
  return { api: new OperatorsApi({ fetch: /** @type {any} */ (fetch), base: "/operators", tokens }), asked };
};

test("the trace is read with the operator's token", async () => {
  const desk = api(() => Response.json(TRACE));
  assert.deepEqual(await desk.api.trace("m", 5), { body: TRACE });
  assert.deepEqual(desk.asked, [["/operators/matches/m/trace/5", "GET", "Bearer t"]]);
});

/** @type {[string, () => Response, string | null, RegExp][]} */
const REFUSALS = [
  ["nobody is signed in", () => Response.json(TRACE), null, /^Sign in first\.$/],
  [
    "the event does not exist",
    () => Response.json({ error: { code: "unknown_event", message: "Match m has no event 9." } }, { status: 404 }),
    "t",
    /^Match m has no event 9\.$/,
  ],
  ["the API has trouble", () => Response.json({}, { status: 503 }), "t", /trouble just now/],
  [
    "the API does not answer",
    () => {
      throw new TypeError("Failed to fetch");
    },
    "t",
    /^The API does not answer\. Try again/,
  ],
];
for (const [what, answer, token, says] of REFUSALS) {
  test(`${what}: a sentence for the operator`, async () => {
    const found = await api(answer, token).api.trace("m", 9);
    assert.match("wrong" in found ? found.wrong : "", says);
  });
}
