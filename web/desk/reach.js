// @ts-check
/** Pure: the number of viewers that got an event, and the time, from receipts and progress (docs/api.md). */

/**
 * @typedef {object} Receipt of a round of a broadcast in one cell: the events in `(prev, seq]`. The receipt of a cell whose
 *   transport broadcasts has `published` and no counts.
 * @property {string} cell
 * @property {number} prev
 * @property {number} seq
 * @property {number} [accepted]
 * @property {number} [failed]
 * @property {number} [skipped]
 * @property {number} [set_aside] batches
 * @property {number} [started] milliseconds since 1970
 * @property {number} [ms]
 * @property {boolean} [stopped]
 * @property {number} [due_at] milliseconds since 1970
 * @property {readonly {taken_at: number}[]} [published] the frames that the service has taken, milliseconds since 1970
 */
/**
 * @typedef {object} CellProgress
 * @property {number} [seq]
 * @property {number} [told]
 * @property {boolean} [running]
 * @property {{seq: number, accepted: number} | null} [broadcast]
 * @property {boolean} [unreached] the cell did not answer
 */
/** @typedef {{cells: Record<string, CellProgress>}} Progress */
/**
 * @typedef {object} Reach
 * @property {boolean} done whether every cell is through
 * @property {number} told viewers whom the gateway took a frame for
 * @property {number} failed
 * @property {number} skipped viewers who follow only the score, for whom there was nothing
 * @property {boolean} stopped
 * @property {boolean} aside whether a part of the viewers is set aside, to be told by hand
 * @property {number | null} ms from the acceptance of the event until the last was told
 * @property {Record<string, number>} cells milliseconds of each cell that is through
 * @property {readonly string[]} [uncounted] the cells that are through and whose transport does not count viewers
 * @property {boolean} [gaveUp] whether nobody looks any more
 */

/**
 * @param {number} seq of the event
 * @param {number | undefined} at when it was accepted, milliseconds since 1970; without it a round's own time counts
 * @param {readonly Receipt[]} receipts oldest first
 * @param {Progress | null} progress null if it could not be read
 * @param {readonly string[]} regions the cells that there are, as far as is known
 * @returns {Reach}
 */
export function reachOf(seq, at, receipts, progress, regions) {
  /** @type {Map<string, Receipt>} */
  const rounds = new Map();
  for (const receipt of receipts) {
    if (receipt.prev < seq && seq <= receipt.seq && !rounds.has(receipt.cell)) rounds.set(receipt.cell, receipt);
  }
  const cells = Object.fromEntries([...rounds].map(([cell, round]) => [cell, timeOf(round, at)]));
  const expected = new Set([...regions, ...Object.keys(progress?.cells ?? {})]);
  const through = [...rounds.values()];
  const under = Object.entries(progress?.cells ?? {}).filter(([cell, { running, broadcast }]) => {
    return running && broadcast && broadcast.seq >= seq && !rounds.has(cell);
  });
  return {
    done: rounds.size > 0 && [...expected].every((cell) => rounds.has(cell)),
    told: sum(through, "accepted") + under.reduce((all, [, { broadcast }]) => all + (broadcast?.accepted ?? 0), 0),
    failed: sum(through, "failed"),
    skipped: sum(through, "skipped"),
    stopped: through.some((round) => round.stopped),
    aside: through.some((round) => (round.set_aside ?? 0) > 0),
    ms: rounds.size > 0 ? Math.max(...Object.values(cells)) : null,
    cells,
    uncounted: through.filter((round) => round.published).map((round) => round.cell),
  };
}

/**
 * `Told 12,345 viewers in 0.8 s (us-east-1 0.7 s, eu-west-1 0.8 s).`
 *
 * @param {Reach} reach
 * @returns {string}
 */
export function reachWords(reach) {
  const viewers = `${reach.told.toLocaleString("en")} ${reach.told === 1 ? "viewer" : "viewers"}`;
  if (!reach.done) {
    const so = reach.told > 0 ? `${viewers} told so far` : "Viewers are being told";
    return reach.gaveUp ? `${so}; it takes long, and the service goes on with it by itself.` : `${so} …`;
  }
  const cells = Object.entries(reach.cells);
  const each = cells.length > 1 ? ` (${cells.map(([cell, ms]) => `${cell} ${seconds(ms)}`).join(", ")})` : "";
  const uncounted = reach.uncounted ?? [];
  const inTime = `in ${seconds(reach.ms ?? 0)}${each}.`;
  const told =
    reach.told > 0
      ? `Told ${viewers} ${inTime}`
      : uncounted.length > 0
        ? `Published ${inTime}`
        : "Nobody was there to be told.";
  const rest = [
    uncounted.length > 0 ? `Viewers are not counted in ${uncounted.join(", ")}.` : "",
    reach.skipped > 0 ? `${reach.skipped.toLocaleString("en")} follow only the score.` : "",
    reach.failed > 0 ? `${reach.failed.toLocaleString("en")} could not be told.` : "",
    reach.aside ? "Some are set aside: see livescore redrive." : "",
    reach.stopped ? "It was stopped by hand." : "",
  ];
  return [told, ...rest].filter(Boolean).join(" ");
}

/** @param {number} ms */
function seconds(ms) {
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000).toLocaleString("en")} s`;
}

/** @param {Receipt} round @param {number | undefined} at */
function timeOf(round, at) {
  if (round.published) {
    return Math.max(0, ...round.published.map((frame) => frame.taken_at - (at ?? round.due_at ?? frame.taken_at)));
  }
  const { started = 0, ms = 0 } = round;
  return at === undefined ? ms : Math.max(0, started + ms - at);
}

/** @param {readonly Receipt[]} rounds @param {"accepted" | "failed" | "skipped"} field */
function sum(rounds, field) {
  return rounds.reduce((all, round) => all + (round[field] ?? 0), 0);
}
