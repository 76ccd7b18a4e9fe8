// @ts-check
/** Pure: from what stands in the console's fields to an event for the API (docs/api.md), or to a sentence why not. */

import { clean, EMPTY } from "./names.js";

/** @typedef {"home" | "away"} Side */
/** @typedef {{kind: string, [field: string]: unknown}} Event */
/** @typedef {{minute: number, stoppage?: number}} When */

const ENDS = [45, 90, 105, 120];

/**
 * `23`, `45+2`, `90 + 4`.
 *
 * @param {string} text
 * @returns {When | {wrong: string}}
 */
export function readMinute(text) {
  const found = /^\s*(\d{1,3})\s*(?:\+\s*(\d{1,2}))?\s*['′]?\s*$/.exec(text);
  if (!found) return { wrong: "Write the minute as 23, or 45+2." };
  const minute = Number(found[1]);
  if (minute > 120) return { wrong: "A match has no more than 120 minutes." };
  if (found[2] === undefined) return { minute };
  const stoppage = Number(found[2]);
  if (!ENDS.includes(minute)) return { wrong: "Stoppage time follows 45, 90, 105 or 120." };
  if (stoppage < 1 || stoppage > 30) return { wrong: "Stoppage time is 1 to 30 minutes." };
  return { minute, stoppage };
}

/**
 * A name as the API keeps it.
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
 * Why something is taken back, as the API keeps it.
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
 * What is pressed for one side with what stands in the fields for the next press.
 *
 * @param {string} kind
 * @param {Side} team
 * @param {{player: string, assist?: string, minute: string}} fields
 * @returns {Event | {wrong: string, field: "player" | "assist" | "minute"}}
 */
export function teamEvent(kind, team, fields) {
  const when = readMinute(fields.minute);
  if ("wrong" in when) return { wrong: when.wrong, field: "minute" };
  const player = readName(fields.player);
  if ("wrong" in player) return { wrong: player.wrong, field: "player" };
  const isGoal = ["goal", "own_goal", "penalty_goal"].includes(kind);
  const assist = readName((isGoal && kind !== "own_goal" && fields.assist) || "");
  if ("wrong" in assist) return { wrong: assist.wrong, field: "assist" };
  return { kind, team, ...when, ...named("player", player.name), ...named("assist", assist.name) };
}

/**
 * @param {Side} team
 * @param {{on: string, off: string, minute: string}} fields
 * @returns {Event | {wrong: string, field: "on" | "off" | "minute"}}
 */
export function substitution(team, fields) {
  const on = readName(fields.on);
  if ("wrong" in on) return { wrong: on.wrong, field: "on" };
  if (on.name === undefined) return { wrong: "Who comes on?", field: "on" };
  const off = readName(fields.off);
  if ("wrong" in off) return { wrong: off.wrong, field: "off" };
  if (off.name === undefined) return { wrong: "Who goes off?", field: "off" };
  if (on.name === off.name) return { wrong: "A player cannot come on for himself.", field: "off" };
  const when = readMinute(fields.minute);
  if ("wrong" in when) return { wrong: when.wrong, field: "minute" };
  return { kind: "substitution", team, ...when, player_on: on.name, player_off: off.name };
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
 * @returns {Event | {wrong: string, field: "minute"}}
 */
export function varDecision(decision, fields) {
  const when = readMinute(fields.minute);
  if ("wrong" in when) return { wrong: when.wrong, field: "minute" };
  return { kind: "var_decision", decision, ...when, ...named("about", fields.about), ...named("team", fields.team) };
}

/** @param {string} field @param {string | undefined} value */
function named(field, value) {
  return value ? { [field]: value } : {};
}
