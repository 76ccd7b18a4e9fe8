// @ts-check
/**
 * Pure: local days. A day is `2026-11-21`; its beginning depends on the time zone of this device.
 */

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The pages are in English; the order of day and month is that of the reader's kind of English.
 * @param {string | undefined} language */
export const localeOf = (language) => (language?.startsWith("en") ? language : "en-GB");

const LOCALE = localeOf(globalThis.navigator?.language);
const TIME = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const LONG = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat(LOCALE, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const SHORT = new Intl.DateTimeFormat(LOCALE, { weekday: "short", day: "numeric", month: "short" });

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/** Whether it is a day that exists. @param {string | null | undefined} day */
export function isDay(day) {
  if (!day || !DAY.test(day)) return false;
  return localDay(startOf(day)) === day;
}

/** The local day of a moment. @param {number} at ms since 1970 */
export function localDay(at) {
  const date = new Date(at);
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The moment that a local day begins. @param {string} day */
export function startOf(day) {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date).getTime();
}

/** The day this many days later. @param {string} day @param {number} days */
export function shifted(day, days) {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return localDay(new Date(year, month - 1, date + days).getTime());
}

/** The UTC days that a local day covers, one or two; the API lists matches by those. @param {string} day */
export function utcDays(day) {
  const first = new Date(startOf(day)).toISOString().slice(0, 10);
  const last = new Date(startOf(shifted(day, 1)) - 1).toISOString().slice(0, 10);
  return first === last ? [first] : [first, last];
}

/** Whether a kick-off is a day without a time. @param {string | null | undefined} kickoff */
export const isWholeDay = (kickoff) => DAY.test(kickoff ?? "");

/** The moment of a kick-off in ms since 1970; NaN if the time is not known. @param {string | null | undefined} kickoff */
export const kickoffAt = (kickoff) => (!kickoff || isWholeDay(kickoff) ? Number.NaN : Date.parse(kickoff));

/** The day of a kick-off: the local day of its moment; a day without a time is the same day everywhere. Null if none is known.
 * @param {string | null | undefined} kickoff */
export function kickoffDay(kickoff) {
  if (kickoff && isWholeDay(kickoff)) return kickoff;
  const at = kickoffAt(kickoff);
  return Number.isNaN(at) ? null : localDay(at);
}

/** The UTC day on whose list a kick-off is. @param {string | null | undefined} kickoff */
export function utcDayOf(kickoff) {
  const at = kickoffAt(kickoff);
  return Number.isNaN(at) ? (kickoff ?? null) : new Date(at).toISOString().slice(0, 10);
}

/** `Today`, `Yesterday`, `Tomorrow`, else the date. @param {string} day @param {string} today */
export function dayWords(day, today) {
  if (day === today) return "Today";
  if (day === shifted(today, -1)) return "Yesterday";
  if (day === shifted(today, 1)) return "Tomorrow";
  return shortDate(day);
}

/** `Saturday 21 November`. @param {string} day */
export const longDate = (day) => LONG.format(startOf(day));

/** `Sat 21 Nov`. @param {string} day */
export const shortDate = (day) => SHORT.format(startOf(day));

/** `21:14`, by this device's time zone. @param {number} at */
export const timeOfDay = (at) => TIME.format(at);

/** `Sun, 18 Dec 2022, 16:00`. @param {number} at */
export const dateAndTime = (at) => `${FULL.format(at)}, ${TIME.format(at)}`;

/** `Sun, 18 Dec 2022`. @param {string} day */
export const fullDate = (day) => FULL.format(startOf(day));
