// @ts-check
/** Pure: turns the fields of "New match" and "Edit" into the API's form (docs/api.md), and back. */

import { isMatchId } from "../address.js";
import { isDay, isWholeDay, kickoffAt, kickoffDay } from "../day.js";
import { readGoals, readName } from "./event-form.js";
import { readLineup } from "./lineup.js";

/** @typedef {{home: string[], away: string[]}} Lineups */
/**
 * @typedef {object} Fields all as they stand in the window
 * @property {string} home empty while the team is not known
 * @property {string} away
 * @property {string} day `2026-11-28`
 * @property {string} time `20:45` by this device's time zone, empty while it is not known
 * @property {string} competition
 * @property {boolean} neutral
 * @property {string} leg `1`, `2`, or empty
 * @property {string} firstHome goals of this match's home side in the first leg
 * @property {string} firstAway
 * @property {string} half minutes
 * @property {string} extraHalf minutes
 * @property {string} id empty for the API to make one
 * @property {string} homeLineup
 * @property {string} awayLineup
 */
/**
 * @typedef {object} Body as the API takes it for a new match
 * @property {string} home
 * @property {string} away
 * @property {string} kickoff
 * @property {string} [competition]
 * @property {boolean} neutral
 * @property {1 | 2 | null} leg
 * @property {[number, number] | null} first_leg
 * @property {number} half_minutes
 * @property {number} extra_half_minutes
 * @property {string} [match]
 * @property {Lineups} lineups
 */

/** The API's name of a team that is not known yet. */
export const UNKNOWN_TEAM = "To be decided";

const MOST = { half: 60, extraHalf: 20 };

/**
 * @param {Fields} fields
 * @returns {{body: Body} | {wrong: string, field: keyof Fields}}
 */
export function readMatch(fields) {
  /** @type {Partial<Record<"home" | "away" | "competition", string>>} */
  const names = {};
  for (const field of /** @type {const} */ (["home", "away", "competition"])) {
    const read = readName(fields[field]);
    if ("wrong" in read) return { wrong: read.wrong, field };
    if (read.name !== undefined) names[field] = read.name;
  }
  const { home = UNKNOWN_TEAM, away = UNKNOWN_TEAM, competition } = names;
  if (same(home, away) && home !== UNKNOWN_TEAM) return { wrong: "A team cannot play itself.", field: "away" };
  if (!isDay(fields.day)) return { wrong: "Choose the day of the kick-off.", field: "day" };
  if (fields.time && !/^\d{2}:\d{2}/.test(fields.time)) return { wrong: "Write the time as 20:45.", field: "time" };
  const leg = fields.leg === "1" ? 1 : fields.leg === "2" ? 2 : null;
  const first = firstLeg(leg, fields);
  if (first && "wrong" in first) return first;
  const half = minutes(fields.half, 45, MOST.half);
  if (half === null) return { wrong: `A half has 1 to ${MOST.half} minutes.`, field: "half" };
  const extraHalf = minutes(fields.extraHalf, 15, MOST.extraHalf);
  if (extraHalf === null)
    return { wrong: `A half of extra time has 1 to ${MOST.extraHalf} minutes.`, field: "extraHalf" };
  const id = fields.id.trim().toLowerCase();
  if (id && !isMatchId(id))
    return { wrong: "An id is small letters, digits and hyphens, at most 20, such as wc22-final.", field: "id" };
  const [homeNames, awayNames] = [readLineup(fields.homeLineup), readLineup(fields.awayLineup)];
  if ("wrong" in homeNames) return { wrong: homeNames.wrong, field: "homeLineup" };
  if ("wrong" in awayNames) return { wrong: awayNames.wrong, field: "awayLineup" };
  return {
    body: {
      home,
      away,
      kickoff: kickoffOf(fields.day, fields.time),
      ...(competition ? { competition } : {}),
      neutral: fields.neutral,
      leg,
      first_leg: first,
      half_minutes: half,
      extra_half_minutes: extraHalf,
      ...(id ? { match: id } : {}),
      lineups: { home: homeNames.names, away: awayNames.names },
    },
  };
}

/** The body for a new match, without the fields that have their usual values.
 * @param {Body} body @returns {Record<string, unknown>} */
export function newMatch({ neutral, leg, first_leg, half_minutes, extra_half_minutes, lineups, ...body }) {
  return {
    ...body,
    ...(neutral ? { neutral } : {}),
    ...(leg ? { leg } : {}),
    ...(first_leg ? { first_leg } : {}),
    ...(half_minutes === 45 ? {} : { half_minutes }),
    ...(extra_half_minutes === 15 ? {} : { extra_half_minutes }),
    ...(lineups.home.length + lineups.away.length ? { lineups } : {}),
  };
}

/**
 * The changes of a match, empty for none. After the kick-off only the line-ups may change.
 *
 * @param {any} board the match as it is
 * @param {Lineups} lineups
 * @param {Body} body as it should be
 * @returns {Record<string, unknown>}
 */
export function matchChanges(board, lineups, body) {
  /** @type {Record<string, unknown>} */
  const changes = {};
  if (isAhead(board)) {
    for (const field of /** @type {const} */ (["home", "away"]))
      if (body[field] !== board[field]) changes[field] = body[field];
    if (!sameKickoff(board.kickoff, body.kickoff)) changes.kickoff = body.kickoff;
    const now = {
      neutral: false,
      leg: null,
      first_leg: null,
      half_minutes: 45,
      extra_half_minutes: 15,
      ...present(board),
    };
    for (const field of /** @type {const} */ (["neutral", "leg", "first_leg", "half_minutes", "extra_half_minutes"]))
      if (JSON.stringify(body[field]) !== JSON.stringify(now[field])) changes[field] = body[field];
  }
  if (JSON.stringify(body.lineups) !== JSON.stringify({ home: lineups.home, away: lineups.away }))
    changes.lineups = body.lineups;
  return changes;
}

/** A match as the fields show it. @param {any} board @param {Lineups} lineups @returns {Fields} */
export function fieldsOf(board, lineups) {
  const at = kickoffAt(board.kickoff);
  const date = new Date(at);
  return {
    home: known(board.home),
    away: known(board.away),
    day: kickoffDay(board.kickoff) ?? "",
    time: Number.isNaN(at) ? "" : `${two(date.getHours())}:${two(date.getMinutes())}`,
    competition: board.competition ?? "",
    neutral: board.neutral ?? false,
    leg: board.leg ? String(board.leg) : "",
    firstHome: board.first_leg ? String(board.first_leg[0]) : "",
    firstAway: board.first_leg ? String(board.first_leg[1]) : "",
    half: String(board.half_minutes ?? 45),
    extraHalf: String(board.extra_half_minutes ?? 15),
    id: board.match ?? "",
    homeLineup: lineups.home.join("\n"),
    awayLineup: lineups.away.join("\n"),
  };
}

/** @param {string | undefined} team */
const known = (team) => (team === undefined || team === UNKNOWN_TEAM ? "" : team);

/** Whether a match has not kicked off and still may. @param {{status: string}} board */
export const isAhead = ({ status }) => status === "scheduled" || status === "postponed";

/**
 * A kick-off in the API's form: `2026-11-28T20:45:00+01:00`, or only the day.
 *
 * @param {string} day
 * @param {string} time by this device's time zone
 */
export function kickoffOf(day, time) {
  if (!time) return day;
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  const ahead = -new Date(year, month - 1, date, hours, minutes).getTimezoneOffset();
  const zone = `${ahead < 0 ? "-" : "+"}${two(Math.floor(Math.abs(ahead) / 60))}:${two(Math.abs(ahead) % 60)}`;
  return `${day}T${two(hours)}:${two(minutes)}:00${zone}`;
}

/** @param {1 | 2 | null} leg @param {Fields} fields @returns {[number, number] | {wrong: string, field: keyof Fields} | null} */
function firstLeg(leg, { firstHome, firstAway }) {
  if (leg !== 2 || (!firstHome.trim() && !firstAway.trim())) return null;
  const goals = [readGoals(firstHome), readGoals(firstAway)];
  const [home = null, away = null] = goals;
  if (home === null || away === null)
    return {
      wrong: "The first leg's score is two whole numbers, 0 to 99, or nothing.",
      field: home === null ? "firstHome" : "firstAway",
    };
  return [home, away];
}

/** @param {string} text @param {number} usual @param {number} most @returns {number | null} null if it is none */
function minutes(text, usual, most) {
  if (!text.trim()) return usual;
  const number = /^\s*\d{1,3}\s*$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= most ? number : null;
}

/** @param {string} a @param {string} b */
const same = (a, b) => a.normalize("NFC").toLowerCase() === b.normalize("NFC").toLowerCase();

/** @param {string | null | undefined} before @param {string} after */
function sameKickoff(before, after) {
  if (isWholeDay(before) || isWholeDay(after)) return before === after;
  return kickoffAt(before) === kickoffAt(after);
}

/** @param {any} board @returns {any} */
const present = (board) =>
  Object.fromEntries(Object.entries(board).filter(([, value]) => value !== undefined && value !== null));

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");
