// @ts-check
/** Pure: makes an event for the API (docs/api.md) from the desk's fields, or a sentence about a mistake. */

import { periodEnds } from "../clock.js";

import { clean, EMPTY } from "./names.js";

/** @typedef {"home" | "away"} Side */
/** @typedef {{kind: string, [field: string]: unknown}} Event */
/** @typedef {{minute?: number, stoppage?: number}} When without a minute if it is not known */
/** @typedef {{half_minutes?: number, extra_half_minutes?: number}} Lengths of the halves in minutes; 45 and 15 if absent */

/** The text for a minute that is not known, in the timeline too. */
const NOT_KNOWN = /^\s*[?–-]?\s*$/;

/**
 * `23`, `45+2`, `90 + 4`; nothing or `?` for a minute that is not known.
 *
 * @param {string} text
 * @param {Lengths} [lengths] of the match
 * @returns {When | {wrong: string}}
 */
export function readMinute(text, lengths = {}) {
  if (NOT_KNOWN.test(text)) return {};
  const ends = periodEnds(lengths);
  const [half, , , last] = ends;
  const found = /^\s*(\d{1,3})\s*(?:\+\s*(\d{1,2}))?\s*['′]?\s*$/.exec(text);
  if (!found) return { wrong: `Write the minute as 23, or ${half}+2, or ? if it is not known.` };
  const minute = Number(found[1]);
  if (minute > last) return { wrong: `This match has ${last} minutes at most. Write later ones as ${last}+1.` };
  if (found[2] === undefined) return { minute };
  const stoppage = Number(found[2]);
  if (!ends.includes(minute)) return { wrong: `Stoppage time follows ${ends.slice(0, 3).join(", ")} or ${last}.` };
  if (stoppage < 1 || stoppage > 30) return { wrong: "Stoppage time is 1 to 30 minutes." };
  return { minute, stoppage };
}

/**
 * A name in the API's form.
 *
 * @param {string} text
 * @returns {{name?: string} | {wrong: string}} without `name` if there is none
 */
export function readName(text) {
  const cleaned = clean(text);
  if ("text" in cleaned) return { name: cleaned.text };
  return cleaned.why === EMPTY ? {} : { wrong: `A name ${cleaned.why}.` };
}

/**
 * The reason of a cancellation, in the API's form.
 *
 * @param {string} text
 * @returns {{reason?: string} | {wrong: string}} without `reason` if there is none
 */
export function readReason(text) {
  const cleaned = clean(text);
  if ("text" in cleaned) return { reason: cleaned.text };
  return cleaned.why === EMPTY ? {} : { wrong: `The reason ${cleaned.why}.` };
}

/**
 * The event of a press for one side, with the fields for the next press.
 *
 * @param {string} kind
 * @param {Side} team
 * @param {{player: string, assist?: string, minute: string, bench?: boolean}} fields
 * @param {Lengths} [lengths] of the match
 * @returns {Event | {wrong: string, field: "player" | "assist" | "minute"}}
 */
export function teamEvent(kind, team, fields, lengths) {
  const when = readMinute(fields.minute, lengths);
  if ("wrong" in when) return { wrong: when.wrong, field: "minute" };
  const player = readName(fields.player);
  if ("wrong" in player) return { wrong: player.wrong, field: "player" };
  const isGoal = ["goal", "own_goal", "penalty_goal"].includes(kind);
  const assist = readName((isGoal && kind !== "own_goal" && fields.assist) || "");
  if ("wrong" in assist) return { wrong: assist.wrong, field: "assist" };
  const bench = fields.bench && kind.endsWith("_card") ? { bench: true } : {};
  return { kind, team, ...when, ...named("player", player.name), ...named("assist", assist.name), ...bench };
}

/**
 * @param {Side} team
 * @param {{on: string, off: string, minute: string, nobody?: boolean}} fields empty for a player who is not known;
 *   `nobody` if no player comes on
 * @param {Lengths} [lengths] of the match
 * @returns {Event | {wrong: string, field: "on" | "off" | "minute"}}
 */
export function substitution(team, fields, lengths) {
  const on = fields.nobody ? {} : readName(fields.on);
  if ("wrong" in on) return { wrong: on.wrong, field: "on" };
  const off = readName(fields.off);
  if ("wrong" in off) return { wrong: off.wrong, field: "off" };
  if (on.name !== undefined && on.name === off.name)
    return { wrong: "A player cannot come on for himself.", field: "off" };
  const when = readMinute(fields.minute, lengths);
  if ("wrong" in when) return { wrong: when.wrong, field: "minute" };
  const nobody = fields.nobody ? { no_replacement: true } : {};
  return {
    kind: "substitution",
    team,
    ...when,
    ...named("player_on", on.name),
    ...named("player_off", off.name),
    ...nobody,
  };
}

/**
 * @param {Side} team
 * @param {boolean} scored
 * @param {string} taker
 * @returns {Event | {wrong: string, field: "player"}}
 */
export function shootoutKick(team, scored, taker) {
  const player = readName(taker);
  if ("wrong" in player) return { wrong: player.wrong, field: "player" };
  return { kind: "shootout_kick", team, scored, ...named("player", player.name) };
}

/**
 * @param {string} decision
 * @param {{minute: string, about?: string, team?: string}} fields
 * @param {Lengths} [lengths] of the match
 * @returns {Event | {wrong: string, field: "minute"}}
 */
export function varDecision(decision, fields, lengths) {
  const when = readMinute(fields.minute, lengths);
  if ("wrong" in when) return { wrong: when.wrong, field: "minute" };
  return { kind: "var_decision", decision, ...when, ...named("about", fields.about), ...named("team", fields.team) };
}

/**
 * An event that stops play, or decides the match off the pitch.
 *
 * @param {string} kind `postponed`, `called_off`, `suspended`, `abandoned` or `awarded`
 * @param {{reason: string, home?: string, away?: string}} fields the goals of both sides, of `awarded` only
 * @returns {Event | {wrong: string, field: "reason" | "home" | "away"}}
 */
export function interruption(kind, fields) {
  const reason = readReason(fields.reason);
  if ("wrong" in reason) return { wrong: reason.wrong, field: "reason" };
  const why = named("reason", reason.reason);
  if (kind !== "awarded") return { kind, ...why };
  const score = [];
  for (const side of /** @type {const} */ (["home", "away"])) {
    const goals = readGoals(fields[side] ?? "");
    if (goals === null) return { wrong: "The score is two whole numbers, 0 to 99.", field: side };
    score.push(goals);
  }
  return { kind, score, ...why };
}

/** Goals of one side, 0 to 99; null if the text says no such number. @param {string} text */
export function readGoals(text) {
  return /^\s*\d{1,2}\s*$/.test(text) ? Number(text) : null;
}

/** @param {string} field @param {string | undefined} value */
function named(field, value) {
  return value ? { [field]: value } : {};
}
