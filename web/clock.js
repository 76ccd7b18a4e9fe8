// @ts-check
/**
 * Pure: the minute that a match is in now, as football writes it.
 *
 * A minute is the one being played: the first begins with the kick-off, so what happens after 22 minutes and 30 seconds
 * happens in minute 23. After the last minute of a period comes its stoppage time: 45+1, 45+2.
 *
 * Two things tell the time: when the period's whistle was entered, and the minutes that events state. Both come late
 * and never early (an operator enters what has happened), so the match is at least as far as either says.
 */

/**
 * @typedef {object} Told An event as viewers get it; times in milliseconds since the epoch, by the server's clock.
 * @property {string} kind
 * @property {number} [at]
 * @property {number} [minute]
 * @property {number | null} [stoppage]
 * @property {number} [cancelled_by]
 */

/**
 * @typedef {object} Timed What the clock needs of a board.
 * @property {string} status
 * @property {{minute: number, stoppage: number | null, at: number} | null} [clock] the last minute stated, and when
 * @property {readonly Told[]} [events] those known, in order; without them the clock's own statement has to do
 */

/**
 * @typedef {object} Minute
 * @property {string} text `23`, `45+2`, `HT`, `PEN`, `FT`; empty before the kick-off
 * @property {number | null} minute for an event entered now; null before the kick-off
 * @property {number | null} stoppage
 * @property {boolean} ticking whether it goes on by itself
 */

const MINUTE = 60_000;

/** The most stoppage time that an event can state (docs/api.md). */
const MOST_STOPPAGE = 30;

/** Extra time has one whistle for both its halves. Three minutes for the stoppage time of the first and the change of
 * ends are a guess (IFAB Laws of the Game, law 7 gives a minute for a drink); a stated minute puts it right. */
const CHANGE_OF_ENDS = 3 * MINUTE;

/** @type {Readonly<Record<string, {start: number, end: number}>>} */
const PERIODS = {
  first_half: { start: 0, end: 45 },
  second_half: { start: 45, end: 90 },
  extra_time: { start: 90, end: 105 },
};
const SECOND_OF_EXTRA_TIME = { start: 105, end: 120 };

/** @type {Readonly<Record<string, string>>} */
const STANDING = { half_time: "HT", shootout: "PEN", full_time: "FT" };

/** @type {Readonly<Record<string, string>>} */
const BEGINS = {
  kick_off: "first_half",
  half_time: "half_time",
  second_half: "second_half",
  extra_time: "extra_time",
  shootout_kick: "shootout",
  full_time: "full_time",
};

/**
 * The minute that a match is in at `now` (milliseconds since the epoch, by the server's clock: `live.now()`).
 *
 * While the clock stands (half-time, the shoot-out, after the match) `minute` is the one that play ended in.
 *
 * @param {Timed} board
 * @param {number} now
 * @returns {Minute}
 */
export function runningMinute(board, now) {
  const phases = phasesOf(board.events ?? []);
  const known = phases.at(-1)?.status === board.status;
  if (board.status in PERIODS) {
    const pair = minuteIn(board.status, known ? phases.at(-1) : undefined, board, now);
    return { text: written(pair.minute, pair.stoppage), ...pair, ticking: true };
  }
  const text = STANDING[board.status];
  if (text === undefined) return { text: "", minute: null, stoppage: null, ticking: false };
  const last = known ? phases.map((phase) => phase.status in PERIODS).lastIndexOf(true) : -1;
  const played = phases[last];
  const ended = phases[last + 1];
  const pair =
    played && ended
      ? minuteIn(played.status, played, board, ended.at)
      : { minute: board.clock?.minute ?? null, stoppage: board.clock?.stoppage ?? null };
  return { text, ...pair, ticking: false };
}

/**
 * A minute as football writes it: `23`, `45+2`; empty for none.
 *
 * @param {number | null | undefined} minute
 * @param {number | null} [stoppage]
 * @returns {string}
 */
export function written(minute, stoppage) {
  if (minute === null || minute === undefined) return "";
  return stoppage ? `${minute}+${stoppage}` : String(minute);
}

/**
 * What has begun and when, without what was taken back.
 *
 * @param {readonly Told[]} events
 * @returns {{status: string, at: number, place: number}[]}
 */
function phasesOf(events) {
  /** @type {{status: string, at: number, place: number}[]} */
  const phases = [];
  for (const [place, event] of events.entries()) {
    const status = BEGINS[event.kind];
    if (status === undefined || event.at === undefined || event.cancelled_by) continue;
    if (status !== phases.at(-1)?.status) phases.push({ status, at: event.at, place });
  }
  return phases;
}

/**
 * The minute of a period at a time; without the period's own whistle by the last minute stated.
 *
 * @param {string} status
 * @param {{at: number, place: number} | undefined} whistle
 * @param {Timed} board
 * @param {number} now
 */
function minuteIn(status, whistle, board, now) {
  const first = /** @type {{start: number, end: number}} */ (PERIODS[status]);
  const stated = whistle ? lastStated(board.events ?? [], whistle.place, first.start, now) : board.clock;
  const extra = status === "extra_time";
  if (extra && stated && stated.minute > first.end) {
    return pairOf(SECOND_OF_EXTRA_TIME, since(stated, SECOND_OF_EXTRA_TIME.start, now));
  }
  const elapsed = Math.max(0, whistle ? now - whistle.at : 0, stated ? since(stated, first.start, now) : 0);
  const turn = (first.end - first.start) * MINUTE + CHANGE_OF_ENDS;
  return extra && elapsed >= turn ? pairOf(SECOND_OF_EXTRA_TIME, elapsed - turn) : pairOf(first, elapsed);
}

/**
 * The latest event after a place that states a minute of the period that starts with `start`. Left out are those that
 * were taken back, and amendments: their minute is that of the event they correct.
 *
 * @param {readonly Told[]} events
 * @param {number} place
 * @param {number} start
 * @param {number} now
 * @returns {{minute: number, stoppage: number | null, at: number} | null}
 */
function lastStated(events, place, start, now) {
  for (const { kind, minute, stoppage, at, cancelled_by } of events.slice(place).reverse()) {
    if (kind === "amendment") continue;
    if (minute !== undefined && minute > start && at !== undefined && at <= now && !cancelled_by) {
      return { minute, stoppage: stoppage ?? null, at };
    }
  }
  return null;
}

/**
 * How long a period has been on at least, if `stated` was its minute then. Milliseconds.
 *
 * @param {{minute: number, stoppage: number | null, at: number}} stated
 * @param {number} start
 * @param {number} now
 */
function since(stated, start, now) {
  return Math.max(0, stated.minute + (stated.stoppage ?? 0) - 1 - start) * MINUTE + (now - stated.at);
}

/**
 * @param {{start: number, end: number}} period
 * @param {number} elapsed
 */
function pairOf({ start, end }, elapsed) {
  const minute = start + 1 + Math.floor(Math.max(0, elapsed) / MINUTE);
  return minute <= end ? { minute, stoppage: null } : { minute: end, stoppage: Math.min(minute - end, MOST_STOPPAGE) };
}
