// @ts-check
/**
 * Pure: the pages' words for events, statuses, counts, times and errors.
 *
 * A name in a sentence is between isolates (Unicode UAX #9), so that a name in Arabic or Hebrew does not change the
 * sentence's direction. The words are text for `textContent`, not markup.
 */

import { written } from "./clock.js";

/** @import { Event, Score, Teams } from "./page-types.js" */

/** @type {Readonly<Record<string, string>>} */
const KINDS = {
  goal: "Goal",
  own_goal: "Own goal",
  penalty_goal: "Penalty goal",
  penalty_missed: "Penalty missed",
  yellow_card: "Yellow card",
  second_yellow_card: "Second yellow card",
  red_card: "Red card",
  substitution: "Substitution",
  kick_off: "Kick-off",
  half_time: "Half-time",
  second_half: "Second half",
  extra_time: "Extra time",
  extra_half_time: "Half-time of extra time",
  extra_second_half: "Second half of extra time",
  full_time: "Full time",
  postponed: "Postponed",
  called_off: "Called off",
  suspended: "Play suspended",
  resumed: "Play resumed",
  abandoned: "Abandoned",
  awarded: "Awarded",
  shootout: "Penalty shoot-out",
  shootout_kick: "Shoot-out kick",
  var_decision: "Video review",
  cancellation: "Taken back",
  amendment: "Correction",
};

/** @type {Readonly<Record<string, string>>} */
const DECISIONS = {
  goal_confirmed: "goal confirmed",
  goal_disallowed: "goal disallowed",
  penalty_awarded: "penalty awarded",
  penalty_overturned: "penalty overturned",
  red_card: "red card",
  card_overturned: "card overturned",
  checking: "checking",
};

/** @type {Readonly<Record<string, string>>} */
const STATUSES = {
  scheduled: "Not started",
  postponed: "Postponed",
  called_off: "Called off",
  first_half: "First half",
  half_time: "Half-time",
  second_half: "Second half",
  extra_time: "Extra time",
  extra_half_time: "Half-time of extra time",
  extra_second_half: "Extra time, second half",
  shootout: "Penalty shoot-out",
  suspended: "Suspended",
  abandoned: "Abandoned",
  full_time: "Full time",
  awarded: "Awarded",
};

/** Statuses for a narrow column; the others appear in full. @type {Readonly<Record<string, string>>} */
const SIGNS = { half_time: "HT", extra_half_time: "HT", shootout: "PEN", full_time: "FT" };

/** Sentences about a match as a whole when its status changes. @type {Readonly<Record<string, string>>} */
const TURNS = {
  postponed: "The match is postponed",
  called_off: "The match is called off",
  suspended: "Play is suspended",
  resumed: "Play goes on",
  abandoned: "The match is abandoned",
};

/** The text for a kick-off of which only the day is known. */
export const TIME_OPEN = "Kick-off time to be confirmed";

/** The desk's undo gives this reason (docs/desk.md). */
const MISTAKE = "Entered by mistake";

/** Sentences for viewers, by error code of the socket, of the API (docs/protocol.md, docs/api.md) or of the page.
 * @type {Readonly<Record<string, string>>} */
const ERRORS = {
  unknown_match: "There is no such match. The link may be old or mistyped.",
  no_longer: "There is no such match any more. What you see is the last that was known of it.",
  not_entitled: "Your link does not cover this match's competition.",
  too_many_matches:
    "That is more matches than one page can follow at once. The others are refreshed every half minute.",
  too_many_requests: "The service has asked this page to slow down. It goes on in a moment.",
  unavailable: "The service does not answer at the moment. The page keeps trying.",
  no_answer: "The service cannot be reached. The page keeps trying.",
  refused:
    "The service does not accept this page's token, so scores come with a delay. Open the page from a fresh link.",
  not_back:
    "Live updates do not come back, so scores come with a delay. If it stays like that, open the page from a fresh link.",
  storage: "This device's storage is full: without a network a reload would have nothing to show.",
  no_deployment: "Live updates are not set up here, so scores come with a delay.",
  bad_day: "That is not a day. Here is today.",
};

/** A name between isolates. @param {string} name */
export const isolated = (name) => `\u2068${name}\u2069`;

/** @param {string} kind */
export const kindWords = (kind) => KINDS[kind] ?? kind.replaceAll("_", " ");

/** @param {string} status */
export const statusWords = (status) => STATUSES[status] ?? status.replaceAll("_", " ");

/** A status as the scoreboard's first column shows it: `HT`, `FT`, `Suspended`. @param {string} status */
export const statusSign = (status) => SIGNS[status] ?? statusWords(status);

/** @param {string | undefined} decision */
export const decisionWords = (decision) => DECISIONS[decision ?? ""] ?? (decision ?? "").replaceAll("_", " ");

/** The event without names: `Penalty goal`, `Video review: goal confirmed`. @param {Event} event */
export function eventWords(event) {
  if (event.kind === "var_decision" && event.decision === "checking") return "Video review under way";
  if (event.kind === "var_decision") return `${KINDS.var_decision}: ${decisionWords(event.decision)}`;
  if (event.kind === "shootout_kick") return event.scored ? "Shoot-out: scored" : "Shoot-out: missed";
  return kindWords(event.kind);
}

/** `45+2′`, empty for an event without a minute. @param {{minute?: number, stoppage?: number | null}} event */
export function minuteWords(event) {
  const text = written(event.minute, event.stoppage);
  return text && `${text}′`;
}

/** `2–1`. @param {Readonly<Score> | null | undefined} score */
export const scoreWords = (score) => (score ? `${score[0]}–${score[1]}` : "");

/** The name of an event's side, empty if it has none. @param {Event} event @param {Teams} teams */
export const teamOf = (event, teams) => (event.team ? teams[event.team] : "");

/** `Argentina 2, France 1`, names isolated. @param {Teams & {score: Readonly<Score>}} board */
export const standing = ({ home, away, score }) => `${isolated(home)} ${score[0]}, ${isolated(away)} ${score[1]}`;

/**
 * One sentence for screen readers, or null for an event that is not worth an interruption. `board` is the one after it;
 * `cancelled` is the event that a cancellation names.
 *
 * @param {Event} event @param {Teams & {score: Readonly<Score>, shootout?: Readonly<Score> | null}} board
 * @param {Event} [cancelled] @returns {string | null}
 */
export function announcement(event, board, cancelled) {
  const team = isolated(teamOf(event, board));
  const who = event.player ? `, ${isolated(event.player)}` : "";
  const why = event.reason ? `, ${isolated(event.reason)}` : "";
  switch (event.kind) {
    case "goal":
    case "own_goal":
    case "penalty_goal":
      return `${kindWords(event.kind)} for ${team}${who}: ${standing(board)}.`;
    case "red_card":
    case "second_yellow_card":
      return `${kindWords(event.kind)} for ${team}${who}.`;
    case "penalty_missed":
      return `Penalty missed by ${team}${who}.`;
    case "shootout_kick":
      return `${team} ${event.scored ? "score" : "miss"}${who}: ${scoreWords(board.shootout)} in the shoot-out.`;
    case "var_decision":
      return `${eventWords(event)}.`;
    case "postponed":
    case "called_off":
      return `${TURNS[event.kind]}${why}.`;
    case "suspended":
    case "resumed":
    case "abandoned":
      return `${TURNS[event.kind]}${why}: ${standing(board)}.`;
    case "awarded":
      return `The match is awarded${why}: ${standing(board)}.`;
    case "cancellation":
      if (!cancelled) return null;
      return `${takenBack(cancelled, board)}${why}: ${standing(board)}.`;
    case "yellow_card":
    case "substitution":
    case "amendment":
      return null;
    default:
      return `${kindWords(event.kind)}: ${standing(board)}.`;
  }
}

/** `The goal for France is taken back`. @param {Event} event @param {Teams} teams */
export function takenBack(event, teams) {
  const what = event.kind === "shootout_kick" ? "shoot-out kick" : kindWords(event.kind).toLowerCase();
  return `The ${what}${event.team ? ` for ${isolated(teamOf(event, teams))}` : ""} is taken back`;
}

/**
 * When and why an event does not count: `Taken back at 21:14 after a video review: offside.`
 *
 * @param {Event} cancellation
 * @param {boolean} reviewed whether the video assistant has spoken about the event
 * @param {(at: number) => string} clock a time of day in words
 */
export function whyCancelled(cancellation, reviewed, clock) {
  const why = cancellation.reason ? `: ${isolated(cancellation.reason)}` : "; no reason was given";
  return `Taken back at ${clock(cancellation.at)}${reviewed ? " after a video review" : ""}${why}.`;
}

/**
 * Whether a cancellation corrects the operator's own slip: it came within the desk's ten seconds of undo and five seconds
 * for the network, with the undo's reason or none.
 *
 * @param {Event} event
 * @param {Event} cancellation
 */
export const isMistake = (event, cancellation) =>
  cancellation.at - event.at <= 15_000 && (!cancellation.reason || cancellation.reason === MISTAKE);

/** `Entered by mistake: goal`. @param {Event} event */
export function mistakeWords(event) {
  const what = event.kind === "var_decision" ? eventWords(event) : kindWords(event.kind);
  return `${MISTAKE}: ${what.charAt(0).toLowerCase()}${what.slice(1)}`;
}

/**
 * Both legs together, in goals of this match's home and away side; null if no first leg is known.
 *
 * @param {{score: Readonly<Score>, first_leg?: Readonly<Score> | null}} board
 * @returns {Score | null}
 */
export const aggregateOf = ({ score, first_leg }) =>
  first_leg ? [first_leg[0] + score[0], first_leg[1] + score[1]] : null;

/** Smaller counts are not shown. */
const FEW = 10;

/** `about 1,200 following`, empty for few: the count is approximate, and so is the number. @param {number | null | undefined} count */
export function viewersWords(count) {
  if (count === null || count === undefined || count < FEW) return "";
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return `about ${(Math.round(count / step) * step).toLocaleString("en")} following`;
}

/** An age in words: `a moment ago`, `3 minutes ago`. @param {number} ms */
export function ageWords(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return "a moment ago";
  if (minutes < 60) return minutes === 1 ? "a minute ago" : `${minutes} minutes ago`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return hours === 1 ? "an hour ago" : `${hours} hours ago`;
  return `${Math.round(hours / 24)} days ago`;
}

/** By how much this device's clock is wrong, as a sentence. @param {number} ms how far it is ahead */
export function wrongClock(ms) {
  const minutes = Math.round(Math.abs(ms) / 60_000);
  const hours = Math.round(minutes / 60);
  const much = minutes < 50 ? `${minutes} minutes` : hours === 1 ? "an hour" : `${hours} hours`;
  return `This device's clock is about ${much} ${ms > 0 ? "fast" : "slow"}; minutes here go by the service's clock.`;
}

/** A sentence for an error's code; the service's own message for one that we do not know.
 * @param {string} code @param {string} [message] */
export const errorWords = (code, message) => ERRORS[code] ?? (message || `Something went wrong (${code}).`);

/**
 * The state of the connection, in a word or two for the masthead.
 *
 * @param {{state: string, retryAt?: number | null}} connection
 * @param {number} now by this device's clock
 */
export function connectionWords({ state, retryAt }, now) {
  switch (state) {
    case "open":
      return "Live";
    case "offline":
      return "Offline";
    case "refused":
    case "silent":
      return "Not live";
    case "unreached":
      return "Not reached";
    case "closed":
      return "Nothing live";
    case "waiting": {
      const seconds = retryAt ? Math.ceil((retryAt - now) / 1000) : 0;
      return seconds > 1 ? `Reconnecting in ${seconds} s` : "Reconnecting…";
    }
    default:
      return "Connecting…";
  }
}
