// @ts-check
/**
 * Loads what a screen of the viewer's page needs: its files at its first use, and the data of the first paint before the
 * rest of the page is there.
 */

import { placeOf } from "./address.js";
import { localDay, utcDays } from "./day.js";

/** @import { Place, Screen } from "./page-types.js" */
/** @import { Page } from "./viewer/viewer.js" */

const FILES = {
  match: ["match", "match-view", "timeline-view", "moments"],
  scoreboard: ["scoreboard", "scoreboard-view", "fixture", "groups", "news"],
};

/** Style sheets that are there or on their way. @type {Map<string, Promise<unknown>>} */
const sheets = new Map();

/** Let the browser fetch all files of a screen at once. @param {Place} place */
function preloadScreen({ match }) {
  const screen = match ? "match" : "scoreboard";
  for (const name of FILES[screen]) link("modulepreload", `viewer/${name}.js`);
  void styled(screen);
}

/** @param {Page} page @param {Place} place @returns {Promise<Screen>} */
export async function loadScreen(page, { match, day }) {
  if (match) {
    const [{ Match }] = await Promise.all([import("./viewer/match.js"), styled("match")]);
    return new Match(page, match);
  }
  const [{ Scoreboard }] = await Promise.all([import("./viewer/scoreboard.js"), styled("scoreboard")]);
  return new Scoreboard(page, day);
}

/** Resolves when a screen's style sheet is loaded or has failed; after a failure the next call loads it again.
 * @param {string} screen */
function styled(screen) {
  const found = sheets.get(screen);
  if (found) return found;
  const sheet = link("stylesheet", `viewer/${screen}.css`);
  const there = new Promise((done) => {
    sheet.onload = done;
    sheet.onerror = () => done(sheets.delete(screen));
  });
  sheets.set(screen, there);
  return there;
}

/** @param {string} rel @param {string} href */
function link(rel, href) {
  const element = document.createElement("link");
  element.rel = rel;
  element.href = href;
  document.head.append(element);
  return element;
}

/** @param {string} path @returns {[string, {sentAt: number, answer: Promise<Response>}]} */
function send(path) {
  const answer = fetch(path, { signal: AbortSignal.timeout(10_000) });
  // The reader of the answer handles its failure.
  answer.catch(() => {});
  return [path, { sentAt: Date.now(), answer }];
}

/** @param {Location} location */
function wanted({ pathname, search }) {
  if (!/^\/(index\.html)?$/.test(pathname)) return [];
  const place = placeOf(search);
  const { match, day } = place;
  preloadScreen(place);
  const snapshots = match
    ? [`/matches/${encodeURIComponent(match)}`]
    : utcDays(day ?? localDay(Date.now())).map((each) => `/matches?day=${each}`);
  return ["/deployment.json", ...snapshots];
}

const sent = new Map(wanted(location).map(send));

/** The answer to a request that is on its way, once; undefined if nothing is. @param {string} path */
export function early(path) {
  const found = sent.get(path);
  sent.delete(path);
  return found;
}
