// @ts-check
/** Pure: the trace of an event as a table with bars, from the API's answer (docs/trace.md). */

/**
 * @typedef {object} Stage
 * @property {string | null} cell null for a stage at home
 * @property {string} words
 * @property {number} after milliseconds since the API accepted the event
 * @property {number} took milliseconds since the stage that it follows
 * @property {number} start of the bar, in percent of the whole time
 * @property {number} part of the whole time that the stage took, in percent
 */
/** @typedef {{complete: boolean, last: number, stages: Stage[], notes: string[]}} Waterfall `last`: milliseconds */

/** As devstack/operator/waterfall.py says them. @type {Readonly<Record<string, string>>} */
const WORDS = {
  accepted: "accepted by the API",
  streamed: "on the stream",
  numbered: "numbered",
  due: "due in the cell",
  started: "execution started",
  sender_started: "sender started",
  first_post: "first POST",
  last_post: "last POST answered",
  all_published: "all events published",
  score_published: "score published",
  receipt: "receipt",
};

/**
 * @param {any} trace an answer of the API
 * @returns {Waterfall | null} null if the answer is not a trace
 */
export function waterfallOf(trace) {
  const { complete, stages, notes } = trace ?? {};
  if (typeof complete !== "boolean" || !Array.isArray(stages) || !stages.every(isStage)) return null;
  const last = Math.max(0, ...stages.map((each) => each.after_ms));
  const percent = (/** @type {number} */ ms) => (last > 0 ? (100 * ms) / last : 0);
  return {
    complete,
    last,
    stages: stages.map(({ stage, cell, batch, after_ms: after, took_ms: took }) => ({
      cell,
      words: `${batch === null ? "" : `batch ${batch}: `}${WORDS[stage] ?? stage}`,
      after,
      took,
      start: percent(after - took),
      part: percent(took),
    })),
    notes: Array.isArray(notes) ? notes.filter((each) => typeof each === "string") : [],
  };
}

/** The waterfall in a sentence. @param {Waterfall} waterfall */
export function waterfallWords({ complete, last }) {
  const ms = `${last.toLocaleString("en")} ms after the API accepted the event`;
  return complete ? `Told. The last stage was ${ms}.` : `Not told everywhere yet. The last stage so far was ${ms}.`;
}

/** @param {any} each */
function isStage(each) {
  return (
    typeof each?.stage === "string" &&
    (each.cell === null || typeof each.cell === "string") &&
    (each.batch === null || Number.isSafeInteger(each.batch)) &&
    [each.after_ms, each.took_ms].every((ms) => Number.isSafeInteger(ms) && ms >= 0)
  );
}
